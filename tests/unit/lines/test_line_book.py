"""Lines are replaced while calls go on: a bad file keeps the last good one, and says so."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from lines_of_a_file import GOOD

from ivr.flow.model import Flow
from ivr.lines.book import LineBook
from ivr.lines.check import calendar_runs_out, check_lines
from ivr.lines.errors import LinesInvalid
from ivr.lines.model import LinePlan
from ivr.speech.catalogue import Catalogue

PROMPTS = ("line_closed", "lines_scarce", "closed_branch", "scarce_branch")
NOTHING: Mapping[str, None] = MappingProxyType({})


def flow(name: str, *languages: str) -> Flow:
    return Flow(name, f"{name}.yaml", "1", languages or ("zh", "en"), "a", {}, {}, {})


@pytest.fixture
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    directory = tmp_path_factory.mktemp("prompts")
    for language in ("zh", "en"):
        (directory / language).mkdir()
        lines = [f'{prompt}: "Hello."' for prompt in PROMPTS] + ['about: "{code:code}"']
        (directory / language / "catalogue.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    return Catalogue.load(directory)


@pytest.fixture
def flows() -> dict[str, Flow]:
    return {name: flow(name) for name in ("main", "gold", "leave_number")}


class Shelf:
    """A directory with a file of lines that can be written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.mkdir()
        self.writes = 0

    def write(self, text: str, name: str = "lines.yaml") -> None:
        (self.directory / name).write_text(text, "utf-8")
        self.writes += 1  # writes within one tick of the file system's clock would look alike
        os.utime(self.directory / name, ns=(self.writes, self.writes))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path / "dialplans")
    shelf.write(GOOD)
    return shelf


@pytest.fixture
def book(shelf: Shelf, prompts: Catalogue, flows: dict[str, Flow]) -> LineBook:
    book = LineBook(shelf.directory, prompts, lambda: flows)
    book.open()
    return book


def test_a_good_change_is_taken_in(book: LineBook, shelf: Shelf) -> None:
    assert not book.changed()
    shelf.write(GOOD.replace("name: Main", "name: First"))
    assert book.changed()
    assert book.reload()
    assert book.current.lines["main"].name == "First"
    assert not book.changed()


@pytest.mark.parametrize("fault", [("default: main", "default: mian"), ("flow: main,", "flow: mian,"), (GOOD, "")])
def test_a_bad_change_keeps_the_last_good_lines(book: LineBook, shelf: Shelf, fault: tuple[str, str]) -> None:
    before = book.current
    shelf.write(GOOD.replace(*fault))
    assert not book.reload()
    assert book.current is before
    assert str(book.problems[0]).startswith("dialplans/lines.yaml:")
    assert not book.changed()  # said once, not twice a second
    shelf.write(GOOD)
    assert book.changed()
    assert book.reload()
    assert book.problems == ()


def test_a_file_that_went_away_keeps_the_last_good_lines(book: LineBook, shelf: Shelf) -> None:
    (shelf.directory / "lines.yaml").unlink()
    assert book.changed()
    assert not book.reload()
    assert book.current.lines


def test_the_table_of_holidays_is_looked_at_as_well(book: LineBook, shelf: Shelf) -> None:
    shelf.write("date,kind\n", "days.csv")
    shelf.write(GOOD.replace("make_up_days: [2026-10-10]", "from: days.csv"))
    assert book.reload()
    assert not book.changed()
    shelf.write("date,kind\n2027-01-01,holiday\n", "days.csv")
    assert book.changed()
    assert book.reload()
    assert datetime.date(2027, 1, 1) in book.current.calendar.holidays


def test_a_table_that_comes_later_is_noticed(book: LineBook, shelf: Shelf) -> None:
    shelf.write(GOOD.replace("make_up_days: [2026-10-10]", "from: days.csv"))
    assert not book.reload()
    shelf.write("date,kind\n", "days.csv")
    assert book.changed()
    assert book.reload()


def test_a_flow_that_comes_or_goes_is_noticed(book: LineBook, flows: dict[str, Flow]) -> None:
    del flows["gold"]
    assert book.changed()
    assert not book.reload()
    assert "there is no flow 'gold'" in str(book.problems[0])
    flows["gold"] = flow("gold")
    assert book.changed()
    assert book.reload()


def test_a_hotline_does_not_begin_with_bad_lines(shelf: Shelf, prompts: Catalogue, flows: dict[str, Flow]) -> None:
    shelf.write(GOOD.replace("default: main", "default: mian"))
    with pytest.raises(LinesInvalid) as caught:
        LineBook(shelf.directory, prompts, lambda: flows).open()
    assert str(caught.value) == "dialplans/lines.yaml:2: default: there is no line 'mian'. Did you mean 'main'?"


# What does not fit flows or prompts: a change to the branch (line 18 of the file), and what is said.
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"flow": "mian"}, "branch: flow: there is no flow 'mian'. Did you mean 'main'?"),
        ({"language": "fr"}, "branch: flow: flow 'main' does not speak 'fr'."),
        ({"closed_flow": "closd"}, "branch: when_closed: flow: there is no flow 'closd'."),
        (
            {"scarce_flow": "leave_numbr"},
            "when_scarce: flow: there is no flow 'leave_numbr'. Did you mean 'leave_number'?",
        ),
        ({"tier_flows": {"gold": "glod"}}, "branch: tier_flows: gold: there is no flow 'glod'. Did you mean 'gold'?"),
        ({"closed_prompt": "line_closd"}, "there is no prompt 'line_closd' in 'en'. Did you mean 'line_closed'?"),
        ({"scarce_prompt": "about"}, "branch: when_scarce: the prompt 'about' wants values"),
    ],
)
def test_what_does_not_fit(
    plan: LinePlan, prompts: Catalogue, flows: dict[str, Flow], change: dict[str, object], said: str
) -> None:
    assert check_lines(plan, "lines.yaml", flows, prompts) == []
    branch = replace(plan.lines["branch"], **change)  # type: ignore[arg-type]
    problems = check_lines(replace(plan, lines={**plan.lines, "branch": branch}), "lines.yaml", flows, prompts)
    assert any(said in str(one) and str(one).startswith("lines.yaml:18: ") for one in problems), problems


def test_a_calendar_that_runs_out_is_told_in_time(plan: LinePlan) -> None:
    assert calendar_runs_out(plan, datetime.date(2026, 10, 7)) is None
    assert "after 2026-10-07" in (calendar_runs_out(plan, datetime.date(2026, 10, 8)) or "")
    always = replace(plan, lines={"main": plan.lines["main"]})
    assert calendar_runs_out(always, datetime.date(2030, 1, 1)) is None
