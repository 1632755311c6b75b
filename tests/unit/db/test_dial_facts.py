"""What decides whether a target may be dialled, read anew for each."""

from __future__ import annotations

import datetime

from db.attempts import Attempts, End
from db.customer import Customer, Phone
from db.customers import Customers
from db.dial_facts import facts_of, next_facts
from db.do_not_call import CUSTOMERS_WISH, DoNotCall, DoNotCallEntry
from db.store import Store
from db.targets import NewTarget, TargetMove, Targets
from tests.unit.db.outbound_rows import CAMPAIGN, LEASE, TEN, at, dialled, new_target, number, planned

AGO = TEN - datetime.timedelta(days=365)
WANG, LI = "900000000001", "900000000002"
FIRST, SECOND, SHARED = "+8613800138001", "+8613800138002", "+8613800138003"


async def family(store: Store) -> list[int]:
    """Two customers who share a number; one wishes no calls and has quiet hours."""
    customers = Customers(store)
    await customers.put(Customer(WANG, phones=(Phone(FIRST), Phone(SECOND, "stopped"), Phone(SHARED))))
    quiet = {"quiet_from": datetime.time(20), "quiet_until": datetime.time(9)}
    await customers.put(Customer(LI, phones=(Phone(SHARED),), do_not_call=True, **quiet))  # type: ignore[arg-type]
    return [id_ for account in (WANG, LI) if (id_ := await customers.id_of(account))]


async def test_a_customer(store: Store) -> None:
    wang, li = await family(store)
    await DoNotCall(store).add([DoNotCallEntry(FIRST, "said so")], actor="test")
    await planned(store, [NewTarget(WANG, customer=wang), NewTarget(LI, customer=li)])
    first, second = await next_facts(store, CAMPAIGN, TEN, 5, AGO)
    assert first.phones == (Phone(FIRST), Phone(SECOND, "stopped"), Phone(SHARED)), "in their order"
    assert first.do_not_call == {FIRST: "said so", SHARED: CUSTOMERS_WISH}, "Li's wish counts for the number they share"
    assert (first.quiet, first.past) == (None, ())
    assert second.do_not_call == {SHARED: CUSTOMERS_WISH}
    assert second.quiet == (datetime.time(20), datetime.time(9))
    assert await facts_of(store, [second.target, first.target], AGO) == (second, first)


async def test_strangers(store: Store) -> None:
    await family(store)
    await DoNotCall(store).add([DoNotCallEntry(number(1), "")], actor="test")
    await planned(store, [new_target(1), NewTarget(SHARED, numbers=(SHARED, number(2)))])
    first, second = await next_facts(store, CAMPAIGN, TEN, 5, AGO)
    assert first.do_not_call == {number(1): "on the list"}
    assert second.phones == (Phone(SHARED), Phone(number(2)))
    assert second.do_not_call == {SHARED: CUSTOMERS_WISH}


async def test_every_dial_of_the_past_counts_for_number_and_customer(store: Store) -> None:
    wang, li = await family(store)
    attempts = Attempts(store)
    await planned(store, [NewTarget(WANG, customer=wang)], "another")
    (elsewhere,) = await Targets(store).next("another", TEN, 1)
    one = await attempts.lease(elsewhere, FIRST, mode="power", holder="a", now=at(1), lease=LEASE)
    assert one
    dialling = await attempts.dial(one, channel=one.call, now=at(1), lease=LEASE)
    assert dialling
    await attempts.ended(dialling, End("no_answer"), TargetMove("waiting", "no_answer", at(60)), now=at(30))
    await planned(store, [NewTarget(WANG, customer=wang), NewTarget(LI, customer=li), new_target(5), new_target(6)])
    *_, stranger, _ = await Targets(store).next(CAMPAIGN, at(40), 4)
    await dialled(store, stranger, seconds=40)
    facts = {one.target.key: one for one in await next_facts(store, CAMPAIGN, at(50), 9, AGO)}
    assert [(past.number, past.outcome, past.campaign) for past in facts[WANG].past] == [
        (FIRST, "no_answer", "another")
    ]
    assert facts[LI].past == ()
    assert facts[new_target(6).key].past == ()
    (held,) = await facts_of(store, [stranger], AGO)
    assert [(past.number, past.outcome) for past in held.past] == [(number(5), "")], "it goes on"
    (later,) = await facts_of(store, [facts[WANG].target], at(2))
    assert later.past == ()


async def test_nobody() -> None:
    from db.in_memory import store_in_memory

    store = await store_in_memory()
    await planned(store, [NewTarget("900000000009")])
    (facts,) = await next_facts(store, CAMPAIGN, TEN, 5, AGO)
    assert (facts.phones, facts.past) == ((), ())
    assert await facts_of(store, [], AGO) == ()
    await store.close()
