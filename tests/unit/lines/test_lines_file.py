"""``lines.yaml`` as its author meets it: what it may say, and what each mistake is answered with."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines_of_a_file import GOOD, Read

from ivr.config import CHECKOUT
from ivr.flow.load import flow_files
from ivr.lines.load import read_lines, read_text
from ivr.lines.model import LinePlan


def test_our_own_file_is_right() -> None:
    plan, problems, beside = read_lines(CHECKOUT / "dialplans" / "lines.yaml")
    assert (problems, beside) == ([], ())
    assert plan is not None
    assert plan.line_of("95500").id == "main"
    assert sum(trunks.group.lines for trunks in plan.trunks.values()) == 480


def test_the_file_of_lines_is_no_flow() -> None:
    assert "lines.yaml" not in [path.name for path in flow_files(CHECKOUT / "dialplans")]


def test_each_number_has_its_line_and_strangers_the_default(plan: LinePlan) -> None:
    assert [plan.line_of(number).id for number in ("95500", "02195500", "4008", "010", "999", "")] == [
        "main",
        "main",
        "gold",
        "branch",
        "main",
        "main",
    ]
    assert plan.numbers == ("95500", "02195500", "4008", "010", "011")


def test_a_tier_gets_its_flow_or_that_of_the_nearest_below(plan: LinePlan) -> None:
    main = plan.lines["main"]
    assert [main.flow_for(tier) for tier in ("normal", "silver", "gold", "platinum")] == [
        "main",
        "main",
        "gold",
        "gold",
    ]


def test_what_is_not_said_of_a_day(plan: LinePlan) -> None:
    """A make-up day is like a Monday; a holiday of which nothing is said is closed."""
    office = plan.lines["branch"].hours
    assert [str(one) for one in office.on(datetime.date(2026, 10, 10), plan.calendar)] == ["08:30-17:30"]
    assert office.on(datetime.date(2026, 10, 1), plan.calendar) == ()
    assert plan.lines["main"].hours.on(datetime.date(2026, 10, 1), plan.calendar)


def test_a_weekday_of_its_own_goes_over_the_shorthand(read: Read) -> None:
    days = "{friday: 08:30-15:00, weekdays: 08:30-17:30, saturday: [09:00-11:00, 13:00-15:00], sunday: open}"
    plan, problems = read(GOOD.replace("{weekdays: 08:30-17:30, holiday: closed}", days))
    assert plan is not None, problems
    week = [datetime.date(2026, 3, day) for day in range(2, 9)]
    assert [" ".join(map(str, plan.lines["branch"].hours.on(day, plan.calendar))) for day in week] == [
        *["08:30-17:30"] * 4,
        "08:30-15:00",
        "09:00-11:00 13:00-15:00",
        "00:00-24:00",
    ]


# What an author may get wrong: what is written, for what, the line of the complaint, what it says.
@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("default: main", "default: mian", 2, "Did you mean 'main'?"),
        ("Asia/Shanghai", "Asia/Shangai", 1, "'Asia/Shangai' is unknown"),
        ("Asia/Shanghai", "../etc/passwd", 1, "is unknown"),
        ("2026-10-10", "2026-13-10", 5, "'2026-13-10' is no day"),
        ("..2026-10-07", "..2027-10-07", 4, "is no day"),
        ("..2026-10-07", "..2026-09-07", 4, "is no day"),
        ("..2026-10-07", "..", 4, "is no day"),
        ("[2026-10-10]", "[2026-10-02]", 5, "both a holiday and a make-up day"),
        ("08:30-17:30", "8.30-17.30", 7, "'8.30-17.30' is no time of opening"),
        ("weekdays: 08:30-17:30", "weekdays: [08:30-12:00, 11:00-17:30]", 7, "overlap"),
        ("weekdays: 08", "weekday: 08", 7, "Did you mean 'weekdays'?"),
        ("  office:", "  always:", 7, "always all hours"),
        ("lines: 6", "lines: 0", 11, "from 1 to 20000"),
        ("gold: 2, platinum", "gold: 4, platinum", 12, "the higher the class, the smaller"),
        ("trading: 3", "trading: 6", 12, "up to 5"),
        ("trading: 3", "tradng: 3", 12, "Did you mean 'trading'?"),
        ("kept: {trading: 3, gold: 2, platinum: 1}", "kept: {others: 3}", 12, "nobody is below others"),
        ("leaving_number: 1", "limits: {others: 4, registered: 3}", 13, "the higher the class, the larger"),
        ('"02195500"', '"95500x"', 16, "'95500x' is no number"),
        ('"4008"', '"95500"', 17, "95500 is a number of main already (line 16)"),
        ('numbers: "4008", ', "", 17, "numbers is missing"),
        (
            "trunks: priority, flow: main, channel",
            "trunks: priorty, flow: main, channel",
            17,
            "Did you mean 'priority'?",
        ),
        ("tier: gold", "tier: golden", 17, "tier cannot be 'golden'"),
        ("channel: registered", "channel: regular", 23, "channel cannot be 'regular'"),
        ("hours: office", "hours: offices", 24, "Did you mean 'office'?"),
        ("{say: closed_branch}", "{says: closed_branch}", 26, "unknown field 'says'"),
        ("tier_flows: {gold: gold}", "tier_flows: {golden: gold}", 16, "there is no tier 'golden'"),
        ("name: Branch", "nam: Branch", 18, "name is missing"),
        ("  branch:", "  Branch:", 18, "is no name"),
    ],
)
def test_a_mistake_is_answered_with_its_line(read: Read, old: str, new: str, line: int, said: str) -> None:
    assert old in GOOD
    plan, problems = read(GOOD.replace(old, new, 1))
    assert plan is None
    told = [str(problem) for problem in problems]
    assert any(one.startswith(f"dialplans/lines.yaml:{line}: ") and said in one for one in told), told


@pytest.mark.parametrize("text", ["", "[]", "lines: {", "lines:\ntrunk_groups:\n", "default: main\nlines: {}\n"])
def test_a_file_that_is_no_list_of_lines(read: Read, text: str) -> None:
    plan, problems = read(text)
    assert plan is None
    assert problems


def test_holidays_from_a_table(read: Read) -> None:
    text = GOOD.replace("  make_up_days: [2026-10-10]\n", "  from: holidays.csv\n")
    table = "date,kind,name\n2026-10-10,make_up_day,worked\n2027-01-01, holiday ,New Year\n"
    plan, problems = read(text, {"holidays.csv": table})
    assert plan is not None, problems
    days = [datetime.date(2026, 10, 3), datetime.date(2026, 10, 10), datetime.date(2027, 1, 1)]
    assert [plan.calendar.kind_of(day) for day in days] == ["holiday", "make_up_day", "holiday"]


@pytest.mark.parametrize(
    ("table", "place", "said"),
    [
        (None, "lines.yaml:6", "cannot be read"),
        ("day,kind\n", "holidays.csv:1", "date and kind are missing"),
        ("", "holidays.csv:1", "date and kind are missing"),
        ("date,kind\n2026-10-10,holyday\n", "holidays.csv:2", "Did you mean 'holiday'?"),
        ("date,kind\n2026-10-10,holiday\n10.10.2026,holiday\n", "holidays.csv:3", "'10.10.2026' is no date"),
        ("date,kind\n2026-10-10\n", "holidays.csv:2", "kind cannot be ''"),
        ("date,kind\n\x00\n", "holidays.csv:2", ""),
    ],
)
def test_a_mistake_in_the_table(read: Read, table: str | None, place: str, said: str) -> None:
    text = GOOD.replace("make_up_days: [2026-10-10]", "make_up_days: []\n  from: holidays.csv")
    plan, problems = read(text, {} if table is None else {"holidays.csv": table})
    assert plan is None
    assert any(f"dialplans/{place}: " in str(one) and said in str(one) for one in problems), problems


def test_a_table_from_elsewhere_is_refused(read: Read) -> None:
    plan, problems = read(GOOD.replace("make_up_days: [2026-10-10]", "from: ../../secrets.csv"))
    assert plan is None
    assert "not a file beside this one" in str(problems[0])


def test_a_table_saved_by_a_spreadsheet(tmp_path: Path) -> None:
    (tmp_path / "lines.yaml").write_text(GOOD.replace("make_up_days: [2026-10-10]", "from: days.csv"), "utf-8")
    (tmp_path / "days.csv").write_bytes(b"\xef\xbb\xbfdate,kind\r\n2026-10-10,make_up_day\r\n")
    plan, problems, beside = read_lines(tmp_path / "lines.yaml")
    assert plan is not None, problems
    assert beside == (tmp_path / "days.csv",)
    assert plan.calendar.kind_of(datetime.date(2026, 10, 10)) == "make_up_day"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    plan, problems, _ = read_lines(tmp_path / "lines.yaml")
    assert plan is None
    assert "cannot be read" in str(problems[0])
    (tmp_path / "lines.yaml").write_bytes(b"default: main\nname: \xff\n")
    plan, problems, _ = read_lines(tmp_path / "lines.yaml", "lines.yaml")
    assert str(problems[0]) == "lines.yaml:2: this is not UTF-8 text. Save it as UTF-8."


tokens = [
    *re.split(r"(\W)", GOOD),
    "1",
    "-1",
    "99999999999999999999",
    "{}",
    "[]",
    "null",
    "\n",
    "  ",
    ":",
    "2026-02-30",
    "é",
]


@given(st.lists(st.tuples(st.integers(0, len(tokens) - 1), st.sampled_from(tokens)), min_size=1, max_size=6))
def test_whatever_is_typed_gives_lines_or_problems(typed: list[tuple[int, str]]) -> None:
    words = re.split(r"(\W)", GOOD)
    for place, word in typed:
        words[place % len(words)] = word
    plan, problems = read_text("".join(words), "lines.yaml", lambda _: "date,kind\n")
    assert (plan is None) == bool(problems)
    if plan is not None:
        assert plan.line_of("95500").trunks in plan.trunks
