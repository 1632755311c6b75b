"""What came of an attempt, written down so that the customer's record, the number's state and the journal agree.

A refusal is written first: whatever fails after it, nobody is called who asked not to be. All of it may be said again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Final

import structlog

from db.account_locks import AccountLocked
from db.attempts import Attempt, Attempts
from db.customer import brokerage_day
from db.customers import Customers
from db.do_not_call import DoNotCall, DoNotCallEntry
from db.events import Event, EventSink, utcnow
from db.store import Store
from db.targets import Targets
from db.wishes import Wishes
from outbound import settling
from outbound.dispositions import Disposition

log = structlog.get_logger(__name__)

RESULT: Final = "outbound.result"  # {disposition, target, number, do_not_call, agent, appointment}
REFUSED_WHY: Final = "asked in a call of ours not to be called"


class Results:
    """Settles attempts. Raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store, journal: EventSink, now: Callable[[], datetime.datetime] = utcnow) -> None:
        self._attempts = Attempts(store)
        self._targets = Targets(store)
        self._customers = Customers(store)
        self._do_not_call = DoNotCall(store)
        self._wishes = Wishes(store)
        self._journal = journal
        self._now = now

    async def settle(
        self,
        attempt: Attempt,
        disposition: Disposition,
        *,
        agent: str = "",
        note: str = "",
        at: datetime.datetime | None = None,
        kept_by: str = "",
    ) -> Attempt | None:
        """This came of it, says ``agent`` ("": an automatic call). ``at``: an appointment, to be kept by ``kept_by``.

        None when there is no such attempt any more.
        """
        now = self._now()
        actor = f"agent {agent}" if agent else f"call {attempt.call}"
        if disposition.do_not_call:
            everything = disposition.do_not_call == "customer"
            await self.refuse(attempt, disposition.id, actor=actor, all_numbers=everything, now=now)
        phone = settling.phone_of(disposition)
        settled = await self._attempts.set_disposition(
            attempt.id,
            disposition.id,
            now=now,
            note=note,
            move=settling.move_of(disposition, now, at=at, agent=kept_by, a_customer=attempt.customer is not None),
            phone=phone,
            confirmed_on=brokerage_day(now) if phone == "good" and agent else None,
        )
        if settled is None:
            return None
        told = {
            "disposition": disposition.id,
            "target": disposition.target if at is None else settling.APPOINTMENT,
            "number": phone or "",
            "do_not_call": disposition.do_not_call,
            "agent": agent,
            "appointment": at.isoformat() if at else "",
        }
        self._journal.append(Event(attempt.call, RESULT, told, at=now))
        return settled

    async def refuse(
        self, attempt: Attempt, why: str, *, actor: str, all_numbers: bool, now: datetime.datetime
    ) -> None:
        """The number is called no more, by nobody; ``all_numbers``: none of the customer's is."""
        numbers = {attempt.number}
        if all_numbers and attempt.customer is not None:
            try:
                await self._wishes.opt_out(attempt.customer, actor=actor)
            except AccountLocked:  # whose data nobody may change: the numbers can be kept all the same
                customer = await self._customers.by_id(attempt.customer)
                numbers |= {phone.number for phone in customer.phones} if customer else set()
            await self._targets.refuse_customer(attempt.customer, why, now=now)
        entries = [DoNotCallEntry(number, REFUSED_WHY, now) for number in sorted(numbers)]
        await self._do_not_call.add(entries, actor=actor)
        await self._targets.refuse(attempt.target, why, now=now)
