"""Scenarios: what a simulated campaign day is made of, as JSON files that people write. Pure but for ``read``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Final, get_args

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import Row, Scalar, Table, parse
from outbound.pacing import Mode
from outbound.simulation import Stretch, World

SCENARIOS: Final = Path(__file__).parent / "scenarios"
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
MOST_SEATS: Final = 500
MOST_HOURS: Final = 24.0


class ScenarioInvalid(FileInvalid):
    """The scenario cannot be played. The message lists every problem."""

    error_id: ClassVar[str] = "outbound-scenario-invalid"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A day to play, and how it is paced unless the command says otherwise."""

    title: str
    world: World
    mode: Mode
    ratio: float
    seed: int


def shipped() -> list[str]:
    """The names of the scenarios that come with Goldline."""
    return sorted(path.stem for path in SCENARIOS.glob("*.json"))


def read(path: Path) -> Scenario:
    """The scenario in this file, or the shipped one of this name. Raises ScenarioInvalid."""
    if not path.exists() and len(path.parts) == 1:
        own = SCENARIOS / f"{path.stem}.json"
        if own.exists():
            path = own
        elif not path.suffix:
            raise ScenarioInvalid(
                [
                    Problem(
                        str(path),
                        1,
                        "there is no such file, and no scenario of that name comes with Goldline.",
                        f"Those are: {', '.join(shipped())}.",
                    )
                ]
            )
    return read_checked(path, load, ScenarioInvalid)


def load(text: str, file: str) -> tuple[Scenario | None, list[Problem]]:
    """The scenario in this text (JSON, which YAML contains), and every problem."""
    top, problems = parse(text.replace("\t", " "), file)
    if top is None:
        return None, [replace(one, message=one.message.replace("not YAML", "not JSON")) for one in problems]
    fields = Fields(file, top, problems)
    title = fields.text("title", "")
    mode = next(one for one in MODES if one == fields.one_of("policy", MODES, "predictive"))
    ratio = _decimal(fields, "ratio", 1.5, 1.0, 10.0)
    seed = fields.number("seed", 1, 0, 999_999_999)
    stretches = _stretches(fields)
    dial = fields.inner("dial") or Fields(file, Table({}, top.line, {}), problems)
    talk = fields.inner("short_calls") or Fields(file, Table({}, top.line, {}), problems)
    machines = fields.inner("machines") or Fields(file, Table({}, top.line, {}), problems)
    plain = World(())
    world = World(
        stretches=tuple(stretches),
        setup=_setup(dial, plain.setup),
        ring_mean=dial.seconds("ring_mean", "10s", 1, 60),
        ring_at_most=dial.seconds("ring_at_most", "25s", 15, 90),
        fast=_decimal(dial, "fast_failures", plain.fast, 0.0, 1.0),
        leaving=fields.seconds("leaving", "25s", 0, 600),
        patience=dial.seconds("patience", "2s", 0.1, 10),
        short=_decimal(talk, "share", 0.0, 0.0, 1.0),
        short_mean=talk.seconds("talk", "12s", 1, 600),
        machines=_decimal(machines, "share", 0.0, 0.0, 0.9),
        false_machine=_decimal(machines, "persons_taken_for_machines", 0.0, 0.0, 0.5),
        missed_machine=_decimal(machines, "reach_an_agent", 0.0, 0.0, 1.0),
        missed_seconds=machines.seconds("cost", "8s", 0, 120),
    )
    for part in (dial, talk, machines, fields):
        part.done()
    for stretch in stretches:
        if stretch.answer + world.machines > 1.0:
            machines.problem(
                "share", "persons and machines together answer more than every dial.", "Lower one of them."
            )
            break
    return Scenario(title, world, mode, ratio, seed), sorted(problems)


def _stretches(fields: Fields) -> Sequence[Stretch]:
    element = fields.element("hours")
    if element is None:
        fields.problem(
            "hours", "hours is missing.", 'Add "hours": [{"seats": 20, "answer": 0.4}, …], one for each hour.'
        )
        return []
    rows = element.items if isinstance(element, Row) else []
    found: list[Stretch] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Table):
            fields.problem("hours", f"hours: number {number} is not a table.", 'Write {"seats": 20, "answer": 0.4}.')
            continue
        hour = Fields(fields.file, row, fields.problems, f"hours, number {number}: ")
        found.append(
            Stretch(
                seconds=hour.seconds("lasts", "60m", 60, MOST_HOURS * 3600),
                seats=hour.number("seats", None, 0, MOST_SEATS),
                answer=_decimal(hour, "answer", None, 0.0, 1.0),
                talk_mean=hour.seconds("talk", "120s", 1, 3600),
                talk_cv=_decimal(hour, "talk_cv", 0.8, 0.0, 3.0),
                wrap_mean=hour.seconds("wrap", "20s", 1, 600),
                wrap_cv=_decimal(hour, "wrap_cv", 0.5, 0.0, 3.0),
            )
        )
        hour.done()
    if not found:
        fields.problem("hours", "hours: nothing happens.", 'Add at least one {"seats": 20, "answer": 0.4}.')
    elif sum(one.seconds for one in found) > MOST_HOURS * 3600:
        fields.problem("hours", f"hours: more than {MOST_HOURS:g} hours.", "A scenario is one day.")
    elif not any(one.seats for one in found) and not fields.problems:
        fields.problem("hours", "hours: no seats in any of them.", "Give one of them seats.")
    return found


def _setup(fields: Fields, default: tuple[float, float]) -> tuple[float, float]:
    element = fields.element("setup")
    if element is None:
        return default
    try:
        if not isinstance(element, Row):
            raise ValueError
        low, high = (float(one.text.removesuffix("s")) for one in element.items if isinstance(one, Scalar))
        if not 0.0 <= low <= high <= 10.0:
            raise ValueError
    except ValueError:
        fields.problem("setup", "setup must be two times, the shortest and the longest, up to 10 s.", "As [1, 3].")
        return default
    return low, high


def _decimal(fields: Fields, name: str, default: float | None, least: float, most: float) -> float:
    text = fields.text(name, None if default is None else f"{default:g}")
    try:
        value = float(text)
    except ValueError:
        value = least - 1.0
    if least <= value <= most:
        return value
    if text:
        fields.problem(name, f"{name} must be a number from {least:g} to {most:g}, not {text!r}.")
    return least if default is None else default
