"""How far a campaign has come, in figures that each say what they are made of. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from db.attempt import Hour
from db.campaigns import Campaign
from db.outbound_states import TargetState
from outbound.outcomes import FACTS

WRONG: Final = ("unallocated", "stopped", "fax")  # outcomes of numbers that reach nobody
WRONG_PERSON: Final = "wrong_person"  # the disposition of a talk with somebody else
MONTH: Final = datetime.timedelta(days=30)  # over which the rate of abandoned calls counts (16 CFR 310.4(b)(4))
LOOKED_AT: Final = datetime.timedelta(hours=1)  # for the speed
ENOUGH: Final = 10  # targets that were closed in that hour, before it is said when the rest will be


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store says."""

    campaign: Campaign
    states: Mapping[TargetState, int]  # targets in each
    outcomes: Mapping[str, int]  # attempts with each, ever
    lately: Mapping[str, int]  # … in the last hour
    hours: Sequence[Hour]  # of the last thirty days
    wrong_persons: int  # talks that ended with WRONG_PERSON
    closed_lately: int  # targets that were closed by calls in the last hour
    open_attempts: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The figures. Shares are 0..1; None: nothing to compute it from yet."""

    name: str
    title: str
    state: str  # as people see it: a run that was killed is no longer running
    holder: str
    since: datetime.datetime | None
    targets: int
    done: int  # closed, for whatever reason
    reached: int
    refused: int
    by_hand: int
    given_up: int  # exhausted and expired
    left_out: int
    waiting: int
    calling: int  # attempts that go on now
    attempts: int
    wrong_numbers: int
    calls_per_hour: int
    answer_share: float | None  # answered by a person, of all attempts
    drop_rate: float | None  # abandoned, of those that a person answered in thirty days
    drop_rate_hour: float | None
    hours_left: float | None  # of calling, at the speed of the last hour
    outcomes: Mapping[str, int] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """For machines."""
        return {
            "campaign": self.name,
            "title": self.title,
            "state": self.state,
            "holder": self.holder,
            "since": self.since.isoformat() if self.since else None,
            "targets": self.targets,
            "done": self.done,
            "reached": self.reached,
            "refused": self.refused,
            "by_hand": self.by_hand,
            "given_up": self.given_up,
            "left_out": self.left_out,
            "waiting": self.waiting,
            "calling": self.calling,
            "attempts": self.attempts,
            "wrong_numbers": self.wrong_numbers,
            "calls_per_hour": self.calls_per_hour,
            "answer_share": _rounded(self.answer_share),
            "drop_rate": _rounded(self.drop_rate),
            "drop_rate_hour": _rounded(self.drop_rate_hour),
            "hours_left": _rounded(self.hours_left),
            "outcomes": dict(sorted(self.outcomes.items())),
        }


def progress(facts: Facts, now: datetime.datetime) -> Progress:
    """The figures out of these facts."""
    states, campaign = facts.states, facts.campaign
    waiting = states.get("waiting", 0) + states.get("held", 0)
    targets = sum(states.values())
    attempts = sum(facts.outcomes.values())
    live = sum(count for outcome, count in facts.outcomes.items() if _live(outcome))
    month = [hour for hour in facts.hours if hour.begins > now - MONTH]
    hour = [one for one in facts.hours if one.begins > now - LOOKED_AT]
    left = waiting / facts.closed_lately if facts.closed_lately >= ENOUGH else None
    running = campaign.is_live(now)
    return Progress(
        name=campaign.name,
        title=campaign.title,
        state="planned" if campaign.state == "running" and not running else campaign.state,
        holder=campaign.run_holder if running else "",
        since=campaign.run_since if running else None,
        targets=targets,
        done=targets - waiting,
        reached=states.get("reached", 0),
        refused=states.get("refused", 0),
        by_hand=states.get("by_hand", 0),
        given_up=states.get("exhausted", 0) + states.get("expired", 0),
        left_out=states.get("excluded", 0),
        waiting=waiting,
        calling=facts.open_attempts,
        attempts=attempts,
        wrong_numbers=sum(facts.outcomes.get(outcome, 0) for outcome in WRONG) + facts.wrong_persons,
        calls_per_hour=sum(facts.lately.values()),
        answer_share=live / attempts if attempts else None,
        drop_rate=_share(month),
        drop_rate_hour=_share(hour),
        hours_left=left if waiting else 0.0,
        outcomes=facts.outcomes,
    )


def _live(outcome: str) -> bool:
    known = FACTS.get(outcome)  # type: ignore[call-overload]
    return known is not None and bool(known.live)


def _share(hours: Sequence[Hour]) -> float | None:
    live = sum(hour.live for hour in hours)
    return sum(hour.abandoned for hour in hours) / live if live else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
