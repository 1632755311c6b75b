"""``customer.tell``, ``account.lock``: how the customer stands with us, and the urgent lock of the account."""

from __future__ import annotations

from collections.abc import Mapping

from db.account_locks import AccountLocks, CustomerGone
from db.customers import Customers
from ivr.flow.service import Caller, Result, Service
from ivr.selfservice.settled import UNAVAILABLE, proven, settled
from ivr.selfservice.words import TIERS
from ivr.speech.values import Count, Value


def standing_services(customers: Customers, locks: AccountLocks) -> tuple[Service, ...]:
    """The services over the store."""

    async def tell(caller: Caller, _: Mapping[str, Value]) -> Result:
        customer = await customers.by_id(proven(caller))
        if customer is None:
            raise CustomerGone(proven(caller))
        tier = {"tier": TIERS[customer.tier]}
        if customer.points is None:
            return Result("told", tier)
        return Result("told_with_points", {**tier, "points": Count(customer.points)})

    async def lock(caller: Caller, _: Mapping[str, Value]) -> Result:
        locked = await locks.lock(proven(caller), actor=caller.call_id, how="call")
        return Result("locked" if locked else "already")

    told = {"told": {"tier": "name"}, "told_with_points": {"tier": "name", "points": "count"}}
    return (
        Service("customer.tell", {**told, **UNAVAILABLE}, settled(tell), proven=True),
        Service("account.lock", {"locked": {}, "already": {}, **UNAVAILABLE}, settled(lock), proven=True),
    )
