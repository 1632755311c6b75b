"""``lines.yaml`` becomes a LinePlan, or a list of problems with file and line.

``read_text`` is pure; other files are handed to it. Whether flows and prompts exist is ``check``'s question.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast
from zoneinfo import ZoneInfo

from ivr.datafile.fields import NAME, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Row, Scalar, Table, parse
from ivr.lines.allocation import CLASSES, RANK, CallClass, TrunkGroup
from ivr.lines.hours import ALWAYS, HOLIDAY, MAKE_UP_DAY, WEEKDAYS, WHOLE_DAY, Calendar, Hours, Period, period
from ivr.lines.model import CHANNELS, TIERS, Channel, Line, LinePlan, Tier, Trunks

FILE_NAME: Final = "lines.yaml"
NUMBER = re.compile(r"\+?[0-9*#]{2,20}")  # E.164 has 15 digits at most; trunks put prefixes before them
MOST_LINES: Final = 20_000  # of one trunk group; a larger figure is a slip
MOST_CSV: Final = 1024 * 1024  # bytes; a century of holidays has less than 100 KiB
LONGEST_RANGE: Final = 60  # days of one holiday: more is a slip in the year
CLOSED_PROMPT: Final = "line_closed"
SCARCE_PROMPT: Final = "lines_scarce"

_SHORTHAND: Final[Mapping[str, tuple[str, ...]]] = {
    "every_day": WEEKDAYS,
    "weekdays": WEEKDAYS[:5],
    "weekends": WEEKDAYS[5:],
}
_DAY_WORDS: Final = (*_SHORTHAND, *WEEKDAYS, HOLIDAY, MAKE_UP_DAY)

ReadFile = Callable[[str], str]  # the text of a file named beside lines.yaml; raises OSError or UnicodeDecodeError


def read_lines(path: Path, shown_as: str | None = None) -> tuple[LinePlan | None, list[Problem], tuple[Path, ...]]:
    """Read a file of lines: the plan (only when nothing is wrong), the problems, and the other files it names."""
    file = shown_as or str(path)
    beside: list[Path] = []

    def read_beside(name: str) -> str:
        beside.append(path.parent / name)
        raw = (path.parent / name).read_bytes()
        if len(raw) > MOST_CSV:
            raise OSError(0, f"larger than {MOST_CSV // 1024} KiB")
        return raw.decode("utf-8-sig")  # spreadsheets put a byte order mark before it

    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return None, [Problem(file, line, "this is not UTF-8 text.", "Save it as UTF-8.")], ()
    except OSError as error:
        return None, [Problem(file, 1, f"cannot be read: {error.strerror}.", "Check the file and its permissions.")], ()
    plan, problems = read_text(text, file, read_beside)
    return plan, problems, tuple(beside)


def read_text(text: str, file: str, read_beside: ReadFile) -> tuple[LinePlan | None, list[Problem]]:
    """Read the lines from a text."""
    table, problems = parse(text, file)
    if table is None:
        return None, problems
    fields = Fields(file, table, problems)
    zone = _zone(fields)
    calendar = _calendar(fields, read_beside)
    hours = _hours(fields)
    trunks = {name: _trunks(name, inner) for name, inner in _named(fields, "trunk_groups")}
    lines = {name: _line(name, inner, hours, trunks) for name, inner in _named(fields, "lines")}
    default = fields.text("default", "")
    if default and default not in lines:
        fields.problem("default", f"default: there is no line {default!r}.", suggest(default, sorted(lines)))
    _numbers_once(fields, lines)
    fields.done()
    if problems or zone is None:
        return None, sorted(set(problems))
    version = hashlib.sha256(repr((text, sorted(calendar.holidays), sorted(calendar.make_up_days))).encode())
    return LinePlan(lines, trunks, default, zone, calendar, version.hexdigest()[:8]), []


def _named(fields: Fields, what: str) -> Iterator[tuple[str, Fields]]:
    """The tables inside a table, each with its name; whatever is left unread in one is told when it is done."""
    inner = fields.inner(what)
    if inner is None:
        if not fields.has(what):
            fields.problem(what, f"{what} is missing.", f"Add `{what}:` and at least one below it.")
        return
    if not inner.table.entries:
        fields.problem(what, f"{what} is empty.", "Add at least one.")
    for name in inner.table.entries:
        element = inner.element(name)
        line = inner.line(name)
        if not NAME.match(name):
            inner.problem(name, f"{name!r} is no name.", "Use small letters, digits and underscores.")
        if not isinstance(element, Table):
            inner.problem(name, f"{name} must be a mapping.", f"Write `{name}: {{…}}`.")
            continue
        one = Fields(fields.file, Table(element.entries, line, element.key_lines), fields.problems, f"{name}: ")
        yield name, one
        one.done()


# --- the calendar -----------------------------------------------------------------------------------------------------


def _zone(fields: Fields) -> ZoneInfo | None:
    name = fields.text("time_zone", "Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        fields.problem(
            "time_zone", f"time_zone: {name!r} is unknown.", "Write it like Asia/Shanghai; it needs the package tzdata."
        )
        return None


def _calendar(fields: Fields, read_beside: ReadFile) -> Calendar:
    inner = fields.inner("calendar")
    if inner is None:
        return Calendar()
    holidays, make_up_days = _days(inner, "holidays"), _days(inner, "make_up_days")
    name = inner.text("from", "")
    if name:
        more = _csv_days(inner, name, read_beside)
        holidays |= more[HOLIDAY]
        make_up_days |= more[MAKE_UP_DAY]
    for day in sorted(holidays & make_up_days):
        inner.problem("make_up_days", f"{day} is both a holiday and a make-up day.", "Keep one of them.")
    inner.done()
    return Calendar(frozenset(holidays), frozenset(make_up_days))


def _days(fields: Fields, name: str) -> set[datetime.date]:
    element = fields.element(name)
    if element is None:
        return set()
    found: set[datetime.date] = set()
    for item in element.items if isinstance(element, Row) else (element,):
        text = item.text if isinstance(item, Scalar) else ""
        try:
            found |= _range(text)
        except ValueError:
            remedy = "Write 2026-10-01, or 2026-10-01..2026-10-07 for a range within one holiday."
            fields.problems.append(Problem(fields.file, item.line, f"{name}: {text!r} is no day.", remedy))
    return found


def _range(text: str) -> set[datetime.date]:
    first_text, is_range, last_text = text.partition("..")
    first = datetime.date.fromisoformat(first_text.strip())
    last = datetime.date.fromisoformat(last_text.strip()) if is_range else first
    days = (last - first).days + 1
    if not 1 <= days <= LONGEST_RANGE:
        raise ValueError(text)
    return {first + datetime.timedelta(days=number) for number in range(days)}


def _csv_days(fields: Fields, name: str, read_beside: ReadFile) -> dict[str, set[datetime.date]]:
    found: dict[str, set[datetime.date]] = {HOLIDAY: set(), MAKE_UP_DAY: set()}
    if Path(name).name != name:
        fields.problem(
            "from", f"from: {name!r} is not a file beside this one.", "Put it there and write its name only."
        )
        return found
    try:
        text = read_beside(name)
    except UnicodeDecodeError:
        fields.problem("from", f"from: {name} is not UTF-8 text.", "Save it as CSV UTF-8.")
        return found
    except OSError as error:
        fields.problem("from", f"from: {name} cannot be read: {error.strerror}.", "Put it beside this file.")
        return found
    shown = f"{fields.file.rpartition('/')[0]}/{name}".lstrip("/") if "/" in fields.file else name
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if not {"date", "kind"} <= set(rows.fieldnames or ()):
        fields.problems.append(
            Problem(shown, 1, "the columns date and kind are missing.", "Begin with: date,kind,name")
        )
        return found
    try:
        for row in rows:
            _csv_row(row, Problem(shown, rows.line_num, ""), fields.problems, found)
    except csv.Error as error:
        fields.problems.append(Problem(shown, rows.line_num, f"this is not CSV: {error}.", "Save it as CSV again."))
    return found


def _csv_row(
    row: Mapping[str, str | None], place: Problem, problems: list[Problem], found: dict[str, set[datetime.date]]
) -> None:
    kind, day = (row.get("kind") or "").strip(), (row.get("date") or "").strip()
    if kind not in found:
        remedy = suggest(kind, sorted(found))
        problems.append(Problem(place.file, place.line, f"kind cannot be {kind!r}.", remedy))
        return
    try:
        found[kind].add(datetime.date.fromisoformat(day))
    except ValueError:
        problems.append(Problem(place.file, place.line, f"{day!r} is no date.", "Write it like 2026-10-01."))


# --- opening hours ----------------------------------------------------------------------------------------------------


def _hours(fields: Fields) -> dict[str, Hours]:
    found = {ALWAYS.name: ALWAYS}
    if not fields.has("hours"):
        return found
    for name, inner in _named(fields, "hours"):
        if name == ALWAYS.name:
            inner.problem(name, f"{name} is always all hours of all days.", "Choose another name.")
        given = {word: _periods(inner, word) for word in _DAY_WORDS if inner.element(word)}
        if not given:
            inner.problem(name, "no day is named.", "Add for example `weekdays: 08:30-17:30`.")
        periods: dict[str, tuple[Period, ...]] = {}
        for word, rows in given.items():  # shorthands first, a weekday of its own goes over them
            periods.update(dict.fromkeys(_SHORTHAND.get(word, (word,)), rows))
        periods.setdefault(MAKE_UP_DAY, periods.get(WEEKDAYS[0], ()))  # a working day like any
        found[name] = Hours(name, periods)
    return found


def _periods(fields: Fields, word: str) -> tuple[Period, ...]:
    texts = fields.words(word)
    if texts == ("closed",):
        return ()
    if texts == ("open",):
        return WHOLE_DAY
    found: list[Period] = []
    for text in texts:
        try:
            found.append(period(text))
        except ValueError:
            fields.problem(
                word, f"{word}: {text!r} is no time of opening.", "Write 08:30-17:30, a list of such, open, or closed."
            )
    found.sort(key=lambda one: one.opens)
    if any(later.opens < earlier.closes for earlier, later in itertools.pairwise(found)):
        fields.problem(word, f"{word}: the times overlap.", "Join them.")
    return tuple(found)


# --- trunk groups -----------------------------------------------------------------------------------------------------


def _trunks(name: str, fields: Fields) -> Trunks:
    lines = fields.number("lines", None, 1, MOST_LINES)
    kept = _by_class(fields, "kept", lines - 1)
    limits = _by_class(fields, "limits", lines)
    leaving = fields.number("leaving_number", 0, 0, MOST_LINES)
    for lower, higher in _neighbours(kept):
        if kept[higher] > kept[lower]:
            fields.problem(
                "kept",
                f"kept: {kept[higher]} lines for {higher} are more than the {kept[lower]} for {lower}.",
                f"Lines kept for {lower} are kept for all above as well: the higher the class, the smaller the figure.",
            )
    for lower, higher in _neighbours(limits):
        if limits[higher] < limits[lower]:
            fields.problem(
                "limits",
                f"limits: {limits[higher]} for {higher} is less than the {limits[lower]} for {lower}.",
                f"The limit of {higher} counts the classes below it, too: the higher the class, the larger the figure.",
            )
    lowest = CLASSES[0]
    if lowest in kept:
        fields.problem("kept", f"kept: nobody is below {lowest}.", "Take it out.")
    return Trunks(TrunkGroup(name, lines, kept, limits), leaving)


def _by_class(fields: Fields, name: str, most: int) -> dict[CallClass, int]:
    found: dict[CallClass, int] = {}
    for word, text in fields.mapping(name, {}).items():
        if word not in RANK:
            fields.problem(name, f"{name}: there is no class {word!r}.", suggest(word, CLASSES))
        elif not (re.fullmatch(r"\d{1,6}", text) and int(text) <= most):
            fields.problem(name, f"{name}: {word} must be a whole number up to {most}, not {text!r}.")
        else:
            found[cast(CallClass, word)] = int(text)
    return found


def _neighbours(figures: Mapping[CallClass, int]) -> Iterator[tuple[CallClass, CallClass]]:
    given = [name for name in CLASSES if name in figures]
    return itertools.pairwise(given)


# --- lines ------------------------------------------------------------------------------------------------------------


def _line(name: str, fields: Fields, hours: Mapping[str, Hours], trunks: Mapping[str, Trunks]) -> Line:
    numbers = fields.words("numbers")
    for number in numbers:
        if not NUMBER.fullmatch(number):
            fields.problem("numbers", f"numbers: {number!r} is no number.", 'Write it as it is dialled: "95500".')
    group = fields.text("trunks")
    if group and group not in trunks:
        fields.problem("trunks", f"trunks: there is no trunk group {group!r}.", suggest(group, sorted(trunks)))
    open_hours = fields.text("hours", ALWAYS.name)
    if open_hours not in hours:
        fields.problem("hours", f"hours: there are no hours {open_hours!r}.", suggest(open_hours, sorted(hours)))
    closed_prompt, closed_flow = _instead(fields, "when_closed", CLOSED_PROMPT)
    scarce_prompt, scarce_flow = _instead(fields, "when_scarce", SCARCE_PROMPT)
    return Line(
        id=name,
        name=fields.text("name"),
        numbers=numbers,
        trunks=group,
        flow=fields.name("flow"),
        language=fields.text("language", "zh"),
        hours=hours.get(open_hours, ALWAYS),
        channel=cast(Channel, fields.one_of("channel", CHANNELS, CHANNELS[0])),
        tier=cast(Tier, fields.one_of("tier", TIERS, TIERS[0])),
        tier_flows=_tier_flows(fields),
        closed_prompt=closed_prompt,
        closed_flow=closed_flow,
        scarce_prompt=scarce_prompt,
        scarce_flow=scarce_flow,
        at=fields.table.line,
    )


def _tier_flows(fields: Fields) -> dict[Tier, str]:
    found: dict[Tier, str] = {}
    for word, flow in fields.mapping("tier_flows", {}).items():
        if word in TIERS:
            found[word] = flow
        else:
            fields.problem("tier_flows", f"tier_flows: there is no tier {word!r}.", suggest(word, TIERS))
    return found


def _instead(fields: Fields, name: str, prompt: str) -> tuple[str, str]:
    """What is said, and the flow after it, where a caller is not served now."""
    inner = fields.inner(name)
    if inner is None:
        return prompt, ""
    said, flow = inner.text("say", prompt), inner.text("flow", "")
    inner.done()
    return said, flow


def _numbers_once(fields: Fields, lines: Mapping[str, Line]) -> None:
    owners: dict[str, Line] = {}
    for line in lines.values():
        for number in line.numbers:
            owner = owners.setdefault(number, line)
            if owner is not line:
                fields.problems.append(
                    Problem(
                        fields.file,
                        line.at,
                        f"{line.id}: {number} is a number of {owner.id} already (line {owner.at}).",
                        "Give it to one of them.",
                    )
                )
