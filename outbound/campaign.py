"""A campaign as its file says it: who is called, about what, when, from which number, by whom, how hard. Frozen.

``outbound.campaign_file`` reads and checks it. What holds for all campaigns stands in ``outbound.rules``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from db.audience import Audience
from outbound.hours import Hours
from outbound.outcomes import Outcome
from outbound.pacing import PacingRules
from outbound.rules import Caps, Purpose

Call = Literal["agent", "notice", "questionnaire"]
Order = Literal["opened", "tier"]
Exhausted = Literal["by_hand", "exhausted"]

CALLS: Final[tuple[Call, ...]] = get_args(Call)
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
EXHAUSTED: Final[tuple[Exhausted, ...]] = get_args(Exhausted)
FLOWS: Final[Mapping[Call, str]] = {"agent": "revisit", "notice": "notice_call", "questionnaire": "questionnaire_call"}


@dataclass(frozen=True, slots=True)
class Who:
    """Whom it calls: customers of ``audience``, or those of a list that are in it.

    ``columns`` of the list are what script and notice are filled with. ``last_day`` names the one of them that is the
    last day on which the call is of use; ``within`` counts that day from the opening of the account. Everybody is
    called once: on each occasion, which the columns ``once_per`` tell apart; out of a query again so many days
    (``again``) after it was closed.
    """

    audience: Audience = field(default_factory=Audience)
    listed: bool = False  # the targets come from a file
    list_file: str = ""  # … this one, beside the campaign's; "": it is given when the campaign is planned
    columns: tuple[str, ...] = ()
    order: Order = "opened"
    last_day: str = ""
    within: int | None = None  # days after the account was opened
    once_per: tuple[str, ...] = ()
    again: int | None = None  # days


@dataclass(frozen=True, slots=True)
class What:
    """What the call is. ``flow`` is what an answered call is in, ``script`` what is said and asked. ``machines``: it is
    listened for machines after the answer (``outbound.machines``)."""

    call: Call
    script: str
    flow: str
    survey: bool = False  # after a talk with an agent the customer is asked for a mark
    machines: bool = False


@dataclass(frozen=True, slots=True)
class Seats:
    """Which agents: those with every skill at its level or above, and of the target's branch when ``own_branch``."""

    skills: Mapping[str, int] = field(default_factory=dict)
    own_branch: bool = False


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign."""

    name: str
    title: str
    purpose: Purpose
    who: Who
    what: What
    hours: Hours
    attempts: Caps
    after: Mapping[Outcome, datetime.timedelta | None]  # the pause after each outcome; None: not at this number again
    exhausted: Exhausted
    pacing: PacingRules
    lines: int = 0  # at most so many calls at once; 0: as many as pacing and trunk allow
    seats: Seats = Seats()
    caller_id: str = ""  # "": the trunk's
    trunk: str = ""  # "": the first of the settings
    begins_on: datetime.date | None = None
    ends_on: datetime.date | None = None  # the last day
    days: int | None = None  # … or so many days from the planning on
    digest: str = ""  # of the text
    file: str = ""

    @property
    def needs_agents(self) -> bool:
        """People talk in it."""
        return self.what.call == "agent"

    def end(self, planned_on: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
        """The moment after which nobody is called for it: the midnight after its last day."""
        last = self.ends_on or planned_on + datetime.timedelta(days=(self.days or 1) - 1)
        return datetime.datetime.combine(last + datetime.timedelta(days=1), datetime.time(), zone)
