"""One campaign that is being dialled: its pacer, the targets that come next, and why nothing is dialled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from db.target import Target
from ivr.dialing.crew import CrewSeat
from ivr.dialing.plan import Plan
from outbound.pacing import Limits, Pacer, PacingDecision

SUMMARY_SECONDS: Final = 10.0  # between two lines of the journal that say the same
# Reasons that stand for a while; the others come and go with each seat and each dial.
STANDING: Final = ("no_seats", "room", "learning", "danger")


@dataclass(slots=True)
class Lane:
    """``promised``: targets to whom an agent is guaranteed. ``starting``: keys of targets on their way to the trunk."""

    plan: Plan
    pacer: Pacer
    upcoming: list[Target] = field(default_factory=list)
    promised: list[Target] = field(default_factory=list)
    read_at: float = float("-inf")  # when the store was asked for them
    starting: set[str] = field(default_factory=set)
    seats: tuple[CrewSeat, ...] = ()
    why_none: str = ""  # why nothing was dialled in the last decision; "": something was
    _counted: set[str] = field(default_factory=set)
    _told: tuple[object, ...] = ()
    _told_at: float = float("-inf")
    _dialled: int = 0
    _cancelled: int = 0

    def see(self, seats: Sequence[CrewSeat], now: float, ago: float) -> None:
        """The crew as it is now. ``ago``: what to add to a time since 1970 to have it on the clock of ``now``."""
        counted = [one for one in seats if one.at_once or self.plan.mode == "preview"]
        for seat in self._counted - {one.seat for one in counted}:
            self.pacer.seat(seat, "gone", now)
        for one in counted:
            self.pacer.seat(one.seat, one.state, now, since=one.since + ago)
        self._counted = {one.seat for one in counted}
        self.seats = tuple(seats)

    def take(self, count: int) -> list[Target]:
        """The next so many of the upcoming, which are upcoming no more."""
        taken, self.upcoming = self.upcoming[: max(count, 0)], self.upcoming[max(count, 0) :]
        return taken

    def drop(self, keys: Iterable[str]) -> None:
        """These targets are in hand already."""
        taken = set(keys)
        self.upcoming = [one for one in self.upcoming if str(one.id) not in taken]
        self.promised = [one for one in self.promised if str(one.id) not in taken]

    def decide(self, now: float, limits: Limits, chances: Sequence[float | None]) -> PacingDecision:
        """How many of the upcoming to dial now."""
        if chances:
            return self.pacer.decide(now, limits, chances)
        return self.pacer.decide(now, Limits(limits.channels, limits.per_second, 0))

    def news(self, decision: PacingDecision, now: float) -> dict[str, object] | None:
        """What the journal is told of a decision: whenever its reasons change, and else a sum now and then."""
        why = decision.why
        self.why_none = "" if decision.dial else why.limited_by
        self._dialled += decision.dial
        self._cancelled += len(decision.cancel)
        kind = (why.acting, why.seats > 0, why.limited_by if why.limited_by in STANDING else "")
        changed = kind != self._told
        late = now - self._told_at >= SUMMARY_SECONDS and (self._dialled or self._cancelled)
        if not changed and not late:
            return None
        data = {"dial": self._dialled, "cancel": self._cancelled, **why.as_data()}
        self._told, self._told_at, self._dialled, self._cancelled = kind, now, 0, 0
        return data
