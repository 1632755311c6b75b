"""May this number be called now, and if not, when at the earliest: ``callback_rules.yaml``. Pure but for ``read``.

Hours by the kind of day, the customer's own quiet hours, do-not-call, pauses between calls in vain, a most of them, and
an end. Knows no table and no line: days are told apart by whoever has the calendar (``ivr.lines.hours.Calendar``).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal, Protocol, get_args

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import DURATION, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

Outcome = Literal["no_answer", "busy", "switched_off", "network", "voicemail", "bad_number", "refused"]
Why = Literal["do_not_call", "expired", "attempts", "bad_number", "refused", "pause", "hours", "quiet_hours"]

RULES_FILE: Final = Path(__file__).parent / "callback_rules.yaml"
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
DAY_KINDS: Final = ("weekdays", "weekends", "holiday", "make_up_day")
EARLIEST: Final = datetime.time(7, 0)  # whatever the file says: nobody is woken
LATEST: Final = datetime.time(22, 0)
FARTHEST: Final = 400  # days ahead in which an hour is looked for: longer than any row of holidays
LONGEST_PAUSE: Final = 24 * 3600.0
_SPAN: Final = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_WEEKEND: Final = frozenset(("saturday", "sunday"))
_ONE_DAY: Final = datetime.timedelta(days=1)


class CallbackRulesInvalid(FileInvalid):
    """The rules for calling back cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "callback-rules-invalid"


class Days(Protocol):
    """Tells what kind of day a date is: a weekday's name, ``holiday`` or ``make_up_day`` (the lines' calendar)."""

    def kind_of(self, day: datetime.date, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Span:
    """From ``begin`` (included) to ``end`` (not included) of one day."""

    begin: datetime.time
    end: datetime.time


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """The rules. ``hours`` by kind of day (``DAY_KINDS``), None: on no such day; ``after`` None: never again."""

    hours: Mapping[str, Span | None]
    expires: datetime.timedelta
    most_attempts: int
    after: Mapping[Outcome, datetime.timedelta | None]


@dataclass(frozen=True, slots=True)
class Tried:
    """What is known of a number that shall be called."""

    expires: datetime.datetime
    attempts: int = 0
    outcome: Outcome | None = None  # of the latest call in vain …
    tried_at: datetime.datetime | None = None  # … and when it was
    do_not_call: str = ""  # why it must not be called at all
    quiet_from: datetime.time | None = None  # the customer's wish, on the same clock; both or none
    quiet_until: datetime.time | None = None  # may go over midnight


@dataclass(frozen=True, slots=True)
class Now:
    """It may be called."""


@dataclass(frozen=True, slots=True)
class NotBefore:
    """It may be called at this moment at the earliest."""

    at: datetime.datetime
    why: Why


@dataclass(frozen=True, slots=True)
class Never:
    """It may not be called any more."""

    why: Why


Verdict = Now | NotBefore | Never


def may_dial(rules: CallbackRules, tried: Tried, now: datetime.datetime, zone: datetime.tzinfo, days: Days) -> Verdict:
    """Whether the number may be called at ``now`` (timezone-aware); ``zone`` and ``days`` are those of the lines."""
    if tried.do_not_call:
        return Never("do_not_call")
    earliest = now
    why: Why = "pause"
    if tried.outcome is not None and tried.tried_at is not None:
        pause = rules.after[tried.outcome]
        if pause is None:
            return Never("refused" if tried.outcome == "refused" else "bad_number")
        earliest = max(now, tried.tried_at + pause)
    if tried.attempts >= rules.most_attempts:
        return Never("attempts")
    if now >= tried.expires:
        return Never("expired")
    while True:
        in_hours = _in_hours(rules, earliest, zone, days)
        if in_hours is None:
            return Never("hours")
        at = _after_quiet(tried, in_hours, zone)
        if in_hours > earliest:
            why = "hours"
        if at > in_hours:
            why = "quiet_hours"
        if at == earliest:
            break
        earliest = at
        if earliest >= tried.expires:
            break
    if earliest >= tried.expires:
        return Never("expired")
    return Now() if earliest == now else NotBefore(earliest, why)


def _in_hours(
    rules: CallbackRules, moment: datetime.datetime, zone: datetime.tzinfo, days: Days
) -> datetime.datetime | None:
    """This moment when it lies in the hours, or the next one that does; None when there is none for a year."""
    local = moment.astimezone(zone)
    day = local.date()
    for _ in range(FARTHEST):
        span = rules.hours[_kind(days.kind_of(day))]
        if span is not None:
            begin = datetime.datetime.combine(day, span.begin, zone)
            if local < begin:
                return begin.astimezone(moment.tzinfo)
            if local < datetime.datetime.combine(day, span.end, zone):
                return moment
        day += _ONE_DAY
    return None


def _after_quiet(tried: Tried, moment: datetime.datetime, zone: datetime.tzinfo) -> datetime.datetime:
    """This moment, or the end of the customer's quiet hours when it lies in them."""
    begin, end = tried.quiet_from, tried.quiet_until
    if begin is None or end is None or begin == end:
        return moment
    local = moment.astimezone(zone)
    clock = local.time()
    over_midnight = begin > end
    quiet = (clock >= begin or clock < end) if over_midnight else begin <= clock < end
    if not quiet:
        return moment
    day = local.date() + (_ONE_DAY if over_midnight and clock >= begin else datetime.timedelta())
    return datetime.datetime.combine(day, end, zone).astimezone(moment.tzinfo)


def _kind(kind: str) -> str:
    if kind in DAY_KINDS:
        return kind
    return "weekends" if kind in _WEEKEND else "weekdays"


# --- the file ---------------------------------------------------------------------------------------------------------


def read(path: Path = RULES_FILE) -> CallbackRules:
    """The rules in this file. Raises CallbackRulesInvalid."""
    return read_checked(path, load, CallbackRulesInvalid)


def load(text: str, file: str) -> tuple[CallbackRules | None, list[Problem]]:
    """The rules in this text, and every problem; with problems the rules are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    hours = _hours(fields)
    expires = fields.seconds("expires", "240m", 60, 7 * 24 * 3600)
    most = fields.number("most_attempts", 3, 1, 20)
    after = _after(fields)
    fields.done()
    return CallbackRules(hours, datetime.timedelta(seconds=expires), most, after), sorted(problems)


def _hours(fields: Fields) -> dict[str, Span | None]:
    inner = fields.inner("hours")
    if inner is None:
        if not fields.has("hours"):
            fields.problem("hours", "hours is missing.", "Add `hours:` with weekdays, weekends, holiday, make_up_day.")
        return dict.fromkeys(DAY_KINDS)
    found = {kind: _span(inner, kind) for kind in DAY_KINDS}
    inner.done()
    if not any(found.values()) and not fields.problems:
        fields.problem("hours", "hours: nobody may ever be called.", "Give one kind of day a time, as 09:00-20:00.")
    return found


def _span(fields: Fields, kind: str) -> Span | None:
    text = fields.text(kind)
    if text == "none" or not text:
        return None
    match = _SPAN.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        span = Span(
            datetime.time(int(match[1]), int(match[2])),
            datetime.time(int(match[3]), int(match[4])),
        )
    except ValueError:
        fields.problem(kind, f"{kind}: {text!r} is no time of a day.", "Write 09:00-20:00, or none.")
        return None
    if span.begin >= span.end:
        fields.problem(kind, f"{kind}: {text} ends before it begins.", "Nobody is called over midnight.")
    elif span.begin < EARLIEST or span.end > LATEST:
        fields.problem(kind, f"{kind}: {text} is at night.", f"Stay within {EARLIEST:%H:%M}-{LATEST:%H:%M}.")
    return span


def _after(fields: Fields) -> dict[Outcome, datetime.timedelta | None]:
    found: dict[Outcome, datetime.timedelta | None] = {}
    known: dict[str, Outcome] = {outcome: outcome for outcome in OUTCOMES}
    for word, text in fields.mapping("after").items():
        outcome = known.get(word)
        if outcome is None:
            fields.problem("after", f"after: there is no outcome {word!r}.", suggest(word, OUTCOMES))
            continue
        found[outcome] = None
        if text == "never":
            continue
        if not DURATION.match(text):
            fields.problem(
                "after", f"after: {word} cannot be {text!r}.", "Write a pause with its unit (15m), or never."
            )
            continue
        inner = fields.inner("after")
        assert inner is not None  # it was read as a mapping just now
        found[outcome] = datetime.timedelta(seconds=inner.seconds(word, "15m", 30, LONGEST_PAUSE))
    missing = [outcome for outcome in OUTCOMES if outcome not in found]
    if fields.has("after") and missing:
        fields.problem("after", f"after: {', '.join(missing)} is missing.", "Give it a pause, or never.")
    for final in (known["bad_number"], known["refused"]):
        if found.get(final) is not None:
            fields.problem(
                "after", f"after: {final} has a pause.", "Who cannot or will not be called is not: write never."
            )
    return found
