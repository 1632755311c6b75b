"""When a customer may be called: the rules of calling back, for the time at which a customer wants to be called."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from agent_routing.callback_rules import CallbackRules, Days, Never, NotBefore, Tried, may_dial
from db.attempts import Attempt
from db.customers import Customers
from db.do_not_call import DoNotCall
from db.store import Store
from outbound.appointment import FARTHEST


class AppointmentsByRules:
    """Hours by kind of day, the customer's quiet hours, do-not-call (``agent_routing/callback_rules.yaml``)."""

    def __init__(self, store: Store, rules: CallbackRules, days: Callable[[], tuple[datetime.tzinfo, Days]]) -> None:
        self._customers = Customers(store)
        self._do_not_call = DoNotCall(store)
        self._rules = rules
        self._days = days

    async def earliest(self, attempt: Attempt, at: datetime.datetime) -> tuple[datetime.datetime | None, str]:
        """From ``at`` on, the first moment at which the number may be called, and why not at once; None: never."""
        customer = None if attempt.customer is None else await self._customers.by_id(attempt.customer)
        tried = Tried(
            at + FARTHEST,
            do_not_call=await self._do_not_call.reason(attempt.number),
            quiet_from=customer.quiet_from if customer else None,
            quiet_until=customer.quiet_until if customer else None,
        )
        zone, days = self._days()
        match may_dial(self._rules, tried, at, zone, days):
            case NotBefore(later, why):
                return later, why
            case Never(why):
                return None, why
        return at, ""
