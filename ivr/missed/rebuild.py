"""The list of missed callers, anew out of the journal: what is on it already stays as it is, what is missing comes."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from db.ended_calls import EndedCalls
from db.missed import MissedCall, MissedCallers
from db.store import Store
from db.waiting_callbacks import WaitingCallbacks
from ivr.missed.outcome import KINDS, GotThrough, outcome, outcome_of_callback


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: missed calls, of which so many were not on the list, and entries that it closed."""

    missed: int
    new: int
    closed: int


async def rebuild(store: Store, since: datetime.datetime, until: datetime.datetime) -> Rebuilt:
    """Note every call that began in that time, and is over, in the order in which they happened; twice is once.

    What agents did stays: an entry that was closed after a call counts that call in itself. Raises StoreError.
    """
    found: list[MissedCall | GotThrough] = []
    async for events in EndedCalls(store).each(since, until, KINDS):
        if (one := outcome(events)) is not None:
            found.append(one)
    for callback in await WaitingCallbacks(store).closed(since, until):
        if (one := outcome_of_callback(callback)) is not None:
            found.append(one)
    missed, new, closed = MissedCallers(store), 0, 0
    for one in sorted(found, key=lambda one: (one.at, one.call)):
        if isinstance(one, GotThrough):
            closed += await missed.answered(one.call, one.number, one.customer, one.at)
        else:
            new += await missed.note(one)
    return Rebuilt(sum(isinstance(one, MissedCall) for one in found), new, closed)
