"""Reading ``rules.yaml``: what holds for every call that a campaign makes. Pure but for ``read``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from db.customer import PHONE_STATES, PhoneState
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import DURATION, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Scalar, Table, parse
from outbound.hours import DAY_KINDS, Hours, Span, read_hours
from outbound.outcomes import OUTCOMES, Outcome
from outbound.rules import PURPOSES, Caps, PurposeRules, Rules

RULES_FILE: Final = Path(__file__).parent / "rules.yaml"
# Whatever the file says: nobody is woken.
AWAKE: Final = Hours(dict.fromkeys(DAY_KINDS, (Span(datetime.time(8), datetime.time(21)),)))
LONGEST_PAUSE: Final = 30 * 24 * 3600.0
CLOSING: Final[tuple[Outcome, ...]] = ("reached",)  # they end the target: no pause belongs to them
NEVER: Final = "never"


class OutboundRulesInvalid(FileInvalid):
    """The rules for campaigns cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "outbound-rules-invalid"


def read(path: Path = RULES_FILE) -> Rules:
    """The rules in this file. Raises OutboundRulesInvalid."""
    return read_checked(path, load, OutboundRulesInvalid)


def load(text: str, file: str) -> tuple[Rules | None, list[Problem]]:
    """The rules in this text, and every problem; with problems the rules are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    named = _inner(fields, "purposes")
    purposes = {purpose: _purpose(named, purpose) for purpose in PURPOSES}
    named.done()
    caps = _inner(fields, "caps")
    rules = Rules(
        purposes=purposes,
        number=read_caps(_inner(caps, "number"), Caps(3, 6, 30)),
        customer=read_caps(_inner(caps, "customer"), Caps(3, 6, 30)),
        pause=datetime.timedelta(seconds=fields.seconds("pause", "60m", 60, LONGEST_PAUSE)),
        abandoned=datetime.timedelta(hours=fields.number("abandoned_quarantine_hours", None, 1, 720)),
        machine=datetime.timedelta(hours=fields.number("machine_quarantine_hours", None, 1, 720)),
        numbers=_numbers(_inner(fields, "numbers")),
        after=read_after(fields, "after", whole=True),
    )
    caps.done()
    fields.done()
    return rules, sorted(set(problems))


def read_caps(fields: Fields, default: Caps, within: Caps | None = None) -> Caps:
    """Caps on attempts; complains of those that are looser than ``within``."""
    least = within or Caps(20, 100, 1_000)
    day = fields.number("day", default.day, 1, least.day)
    week = fields.number("week", default.week, 1, least.week)
    in_all = fields.number("in_all", default.in_all, 1, least.in_all)
    days = default.window.days if within else fields.number("window_days", default.window.days, 7, 3_650)
    if not day <= week <= in_all:
        fields.problem(
            "in_all", f"{day} a day, {week} a week and {in_all} in all cannot be.", "Each must allow the one before it."
        )
    fields.done()
    return Caps(day, week, in_all, datetime.timedelta(days=days))


def read_after(fields: Fields, name: str, whole: bool) -> dict[Outcome, datetime.timedelta | None]:
    """The pause after each outcome, None: never again. ``whole``: every outcome must be there."""
    found: dict[Outcome, datetime.timedelta | None] = {}
    inner = fields.inner(name)
    known: dict[str, Outcome] = {outcome: outcome for outcome in OUTCOMES if outcome not in CLOSING}
    allowed = list(known)
    if inner is None:
        if whole and not fields.has(name):
            fields.problem(name, f"{name} is missing.", f"Add `{name}:` with a pause for each outcome.")
        return found
    for word in inner.table.entries:
        text, outcome = inner.text(word), known.get(word)
        if outcome is None:
            inner.problem(word, f"after {word!r} nobody is tried again: it is no such outcome.", suggest(word, allowed))
        elif text == NEVER:
            found[outcome] = None
        elif not DURATION.match(text):
            inner.problem(word, f"{word} cannot be {text!r}.", "Write a pause with its unit (15m), or never.")
        else:
            seconds = inner.seconds(word, "60m", 60, LONGEST_PAUSE)
            found[outcome] = datetime.timedelta(seconds=seconds)
    missing = [outcome for outcome in allowed if outcome not in inner.table.entries]
    if whole and missing:
        fields.problem(name, f"{name}: {', '.join(missing)} is missing.", "Give it a pause, or never.")
    return found


def _purpose(fields: Fields, purpose: str) -> PurposeRules:
    inner = _inner(fields, purpose)
    hours = _inner(inner, "hours")
    rules = PurposeRules(read_hours(hours, AWAKE), inner.flag("consent"))
    hours.done()
    inner.done()
    return rules


def _numbers(fields: Fields) -> Mapping[PhoneState, datetime.timedelta | None]:
    found: dict[PhoneState, datetime.timedelta | None] = {}
    for state in PHONE_STATES:
        if state == "good":
            continue
        element = fields.element(state)
        if element is None:
            fields.problem(state, f"{state} is missing.", "Give it {days: 7}, or never.")
        elif isinstance(element, Scalar) and element.text == NEVER:
            found[state] = None
        elif inner := fields.inner(state):
            found[state] = datetime.timedelta(days=inner.number("days", None, 0, 3_650))
            inner.done()
    fields.done()
    return found


def _inner(fields: Fields, name: str) -> Fields:
    """The table of this name; an empty one, with a complaint, when it is missing."""
    inner = fields.inner(name)
    if inner is not None:
        return inner
    if not fields.has(name):
        fields.problem(name, f"{name} is missing.", f"Add `{name}:` and what belongs below it.")
    return Fields(fields.file, Table({}, fields.line(name), {}), [], f"{fields.where}{name}: ")
