"""All services without database and network: for checking flows, for ``ivr try`` and for the tests beside the flows.

The same services as on a live hotline, over the demonstration data and, when wanted, a clock that stands still.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace

from db import demo
from db.callbacks import CallbackWish
from db.customer import Phone
from db.customers import Customers
from db.events import utcnow
from db.in_memory import store_in_memory
from db.instruments import Instrument
from db.notices import Notice
from db.pins import Pins
from db.store import Store
from ivr.flow.service import Service
from ivr.identity.identity import Identity
from ivr.identity.keys import pepper
from ivr.identity.services import identity_services
from ivr.identity.sms import SmsInMemory
from ivr.selfservice.services import selfservice_services
from ivr.services import all_services
from ivr.services.notices import NoticeBoard
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.demo import DemoQuoteProvider

# The demonstration's first customer can prove who they are in calls without a network, by PIN or by a code "sent" to
# this mobile: for flows tried out, and for the tests beside them. No installation has this PIN.
PROVABLE_ACCOUNT = "900000000001"
PROVABLE_PIN = "246810"
PROVABLE_MOBILE = "+8613900000001"
SMS_CODE = "135792"
OFFLINE_KEY = b"calls without a network"

A_TRADING_MORNING = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)  # 10:30 in Shanghai


async def offline_services(now: Callable[[], datetime.datetime] = utcnow) -> dict[str, Service]:
    """The services, by name, with quotes on the board."""

    async def instruments() -> Sequence[Instrument]:
        return demo.instruments()

    async def published(_moment: datetime.datetime) -> Sequence[Notice]:
        return tuple(reversed(demo.demo_notices()))

    async def leave(_wish: CallbackWish) -> bool:
        return True

    board = QuoteBoard(DemoQuoteProvider(demo.references(), clock=now), instruments)
    await board.refresh()
    store = await store_in_memory()
    await demo.load(store, now)
    services = all_services(board, NoticeBoard(published, now=now), leave)
    services |= {service.name: service for service in selfservice_services(store, board, now)}
    return services | {service.name: service for service in identity_services(await _identity(store, now))}


async def _identity(store: Store, now: Callable[[], datetime.datetime]) -> Identity:
    customers = Customers(store)
    customer = await customers.by_account(PROVABLE_ACCOUNT)
    assert customer is not None  # it stands in db/demo/customers.csv
    await customers.put(replace(customer, phones=(*customer.phones, Phone(PROVABLE_MOBILE))), why="demonstration")
    pins = Pins(store, pepper(OFFLINE_KEY))
    await pins.set_pin(PROVABLE_ACCOUNT, PROVABLE_PIN, actor="demonstration")
    return Identity(store, pins, OFFLINE_KEY, now, sms=SmsInMemory(), new_code=lambda: SMS_CODE)
