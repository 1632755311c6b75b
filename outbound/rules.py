"""May this number be dialled now, and if not, when at the earliest: ``rules.yaml`` and the campaign's own, stricter
ones. Pure.

Asked when the number is about to be dialled, with what is known then, and not only when its target was planned. All
limits hold over all campaigns: a customer does not care which of them called.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from db.attempt import PastDial
from db.customer import PhoneState
from outbound.hours import Clock, Hours, after_quiet, first_open, next_day
from outbound.outcomes import FACTS, Facts, Outcome

Purpose = Literal["service", "notice", "marketing"]
Why = Literal[
    "do_not_call",
    "no_consent",
    "number_state",
    "campaign_over",
    "too_late",
    "hours",
    "quiet_hours",
    "pause",
    "number_per_day",
    "number_per_week",
    "number_in_all",
    "customer_per_day",
    "customer_per_week",
    "customer_in_all",
    "campaign_per_day",
    "campaign_per_week",
    "campaign_in_all",
    "abandoned",
    "machine",
]

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
WEEK: Final = datetime.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Caps:
    """How many attempts: in a day (on the wall's calendar), in seven days, and in all in the last ``window``."""

    day: int
    week: int
    in_all: int
    window: datetime.timedelta = datetime.timedelta(days=365)


@dataclass(frozen=True, slots=True)
class PurposeRules:
    """What holds for calls of one purpose."""

    hours: Hours
    consent: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """``rules.yaml``. ``numbers``: how long a number in this state is let be, None: until a person says otherwise."""

    purposes: Mapping[Purpose, PurposeRules]
    number: Caps
    customer: Caps
    pause: datetime.timedelta
    abandoned: datetime.timedelta
    machine: datetime.timedelta
    numbers: Mapping[PhoneState, datetime.timedelta | None]
    after: Mapping[Outcome, datetime.timedelta | None]

    @property
    def looks_back(self) -> datetime.timedelta:
        """How much of the past the verdict needs."""
        longest = [self.number.window, self.customer.window, self.abandoned, self.machine]
        return max(longest + [time for time in self.numbers.values() if time is not None])


class CampaignLimits(Protocol):
    """What a campaign says of its own (``outbound.campaign.Campaign``)."""

    @property
    def name(self) -> str: ...
    @property
    def purpose(self) -> Purpose: ...
    @property
    def hours(self) -> Hours: ...
    @property
    def attempts(self) -> Caps: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number of a target, with all that is known of it at this moment."""

    number: str  # in stored form
    target: int
    customer: int | None
    ends_at: datetime.datetime  # the campaign's end
    past: Sequence[PastDial] = ()  # of this number, and of this customer at any; at least ``Rules.looks_back`` of it
    do_not_call: str = ""  # why it must not be called at all
    state: PhoneState = "good"
    consent: str = ""  # the evidence of the customer's consent
    last_day: datetime.date | None = None  # the last day on which the call is of use to this target
    quiet: tuple[datetime.time, datetime.time] | None = None
    guaranteed: bool = False  # an agent is reserved before the number is dialled
    agreed: bool = False  # the customer has chosen this time: neither pauses, caps nor quiet hours stand against it


@dataclass(frozen=True, slots=True)
class Now:
    """It may be dialled."""


@dataclass(frozen=True, slots=True)
class NotBefore:
    """It may be dialled at this moment at the earliest."""

    at: datetime.datetime
    why: Why


@dataclass(frozen=True, slots=True)
class Never:
    """It may not be dialled any more."""

    why: Why


Verdict = Now | NotBefore | Never


def verdict(now: datetime.datetime, rules: Rules, campaign: CampaignLimits, one: Candidate, clock: Clock) -> Verdict:
    """Whether the number may be dialled at ``now`` (timezone-aware)."""
    never = _never(rules, campaign, one)
    if never is not None:
        return Never(never)
    waits = _waits(now, rules, campaign, one, clock)
    if isinstance(waits, Never):
        return waits
    earliest, why = waits
    found = _in_hours(earliest, rules, campaign, one, clock)
    if found is None:
        return Never("hours")
    at, held_by = found
    if at >= one.ends_at:
        return Never("campaign_over")
    if one.last_day is not None and clock.day(at) > one.last_day:
        return Never("too_late")
    return Now() if at == now else NotBefore(at, held_by if held_by and earliest == now else why)


def _never(rules: Rules, campaign: CampaignLimits, one: Candidate) -> Why | None:
    if one.do_not_call:
        return "do_not_call"
    if rules.purposes[campaign.purpose].consent and not one.consent:
        return "no_consent"
    if one.state in rules.numbers and rules.numbers[one.state] is None:
        return "number_state"
    if one.state == "unallocated" and not any(_found(dial, one) for dial in one.past):
        return "number_state"  # nobody knows since when: people look for another number
    return None


def _waits(
    now: datetime.datetime, rules: Rules, campaign: CampaignLimits, one: Candidate, clock: Clock
) -> tuple[datetime.datetime, Why] | Never:
    """The moment before which something of the past forbids the call, and what; or that it does so for good."""
    at, why = now, _PAUSE
    past = [dial for dial in one.past if _counts(dial)]
    own = [dial for dial in past if dial.number == one.number]
    theirs = [dial for dial in past if _is_theirs(dial, one)]
    here = [dial for dial in theirs if dial.campaign == campaign.name]

    def not_before(moment: datetime.datetime | None, because: Why) -> None:
        nonlocal at, why
        if moment is not None and moment > at:
            at, why = moment, because

    for dial in past:
        if not one.guaranteed and dial.abandoned:
            not_before(dial.dialled_at + rules.abandoned, "abandoned")
        if not one.guaranteed and dial.outcome == "machine" and dial.number == one.number:
            not_before(dial.dialled_at + rules.machine, "machine")
    rest = rules.numbers.get(one.state) if one.state != "good" else None
    for dial in one.past:
        if rest is not None and _found(dial, one):
            not_before(dial.dialled_at + rest, "number_state")
    if one.agreed:
        return at, why
    for dial in past:
        if _tires(dial, one):
            not_before(dial.dialled_at + rules.pause, "pause")
    for caps, dials, of_day, of_week, of_all in (
        (rules.number, own, *_NUMBER),
        (rules.customer, theirs, *_CUSTOMER),
        (campaign.attempts, here, *_CAMPAIGN),
    ):
        not_before(_free_on_day(caps.day, dials, now, clock), of_day)
        not_before(_free_after(caps.week, dials, now, WEEK), of_week)
        if caps is campaign.attempts:
            if sum(dial.target == one.target for dial in dials) >= caps.in_all:  # of this occasion, not of last year's
                return Never("campaign_in_all")
        else:
            not_before(_free_after(caps.in_all, dials, now, caps.window), of_all)
    return at, why


_PAUSE: Final[Why] = "pause"
_NUMBER: Final[tuple[Why, Why, Why]] = ("number_per_day", "number_per_week", "number_in_all")
_CUSTOMER: Final[tuple[Why, Why, Why]] = ("customer_per_day", "customer_per_week", "customer_in_all")
_CAMPAIGN: Final[tuple[Why, Why, Why]] = ("campaign_per_day", "campaign_per_week", "campaign_in_all")


def _in_hours(
    earliest: datetime.datetime, rules: Rules, campaign: CampaignLimits, one: Candidate, clock: Clock
) -> tuple[datetime.datetime, Why | None] | None:
    """The first moment in the hours of law, campaign and customer, and which of them it waited for last."""
    at, why = earliest, None
    law = rules.purposes[campaign.purpose].hours
    while True:
        before = at
        for hours in (law, campaign.hours):
            found = first_open(hours, at, clock)
            if found is None:
                return None
            if found > at:
                at, why = found, _HOURS
        calm = at if one.agreed else after_quiet(one.quiet, at, clock)
        if calm > at:
            at, why = calm, _QUIET
        if at == before:
            return at, why
        if at >= one.ends_at:
            return at, why


_HOURS: Final[Why] = "hours"
_QUIET: Final[Why] = "quiet_hours"


def facts_of(dial: PastDial) -> Facts | None:
    """What its outcome means; None when it goes on, or is a word of another version."""
    return FACTS.get(dial.outcome)  # type: ignore[call-overload,no-any-return]


def _counts(dial: PastDial) -> bool:
    """A telephone may have rung; one that goes on still counts as well."""
    facts = facts_of(dial)
    return facts is None or facts.attempt


def _found(dial: PastDial, one: Candidate) -> bool:
    """This dial has found out the state that the number is in."""
    facts = facts_of(dial)
    return dial.number == one.number and facts is not None and facts.phone == one.state


def _tires(dial: PastDial, one: Candidate) -> bool:
    """The customer is to be left alone for a while; at another number not, when this one was of no use."""
    facts = facts_of(dial)
    return dial.number == one.number or facts is None or not facts.next_number


def _is_theirs(dial: PastDial, one: Candidate) -> bool:
    return dial.target == one.target or (one.customer is not None and dial.customer == one.customer)


def _free_on_day(
    most: int, dials: Sequence[PastDial], now: datetime.datetime, clock: Clock
) -> datetime.datetime | None:
    today = clock.day(now)
    return next_day(now, clock) if sum(clock.day(dial.dialled_at) == today for dial in dials) >= most else None


def _free_after(
    most: int, dials: Sequence[PastDial], now: datetime.datetime, window: datetime.timedelta
) -> datetime.datetime | None:
    """When the oldest of the latest ``most`` dials leaves the window; None when there are fewer in it."""
    within = sorted(dial.dialled_at for dial in dials if dial.dialled_at > now - window)
    return within[-most] + window if len(within) >= most else None
