"""A customer who has proven who they are, with everything that they can ask for, on both databases."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal

import pytest
import sqlalchemy as sa

from db.audit import Audit
from db.branches import Branches
from db.customer import Branch, Customer, Phone
from db.customers import Customers
from db.instruments import Instrument
from db.models import CustomerRow
from db.store import Store
from ivr.flow.service import NOT_PROVEN, Caller, Result, Service
from ivr.selfservice.services import selfservice_services
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.model import Quote
from ivr.speech.values import Code, Count, Value

NOW = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)  # Friday, 10:30 in Shanghai
ACCOUNT, OTHER = "900000000051", "900000000052"

MOUTAI = Instrument("600519", "SSE", "share", "贵州茅台", "Kweichow Moutai")
BANK = Instrument("000001", "SZSE", "share", "平安银行", "Ping An Bank")
COMPOSITE = Instrument("000001", "SSE", "index", "上证指数", "SSE Composite Index")
SILENT = Instrument("600000", "SSE", "share", "浦发银行", "SPD Bank")


class Provider:
    name = "fake"
    demonstration = False

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        price = Decimal("10.50")
        return [
            Quote(instrument, price, price, price, price, price, 100, price, NOW)
            for instrument in instruments
            if instrument != SILENT
        ]


class Hotline:
    """The services over one store. ``ask`` is a call of the first customer, ``call`` one of anybody."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW
        self.listed: list[Instrument] = [MOUTAI, BANK, COMPOSITE, SILENT]
        self.board = QuoteBoard(Provider(), self.instruments, clock=lambda: 0.0)
        found = selfservice_services(store, self.board, now=lambda: self.now)
        self.services: dict[str, Service] = {service.name: service for service in found}
        self.ids: dict[str, int] = {}

    async def instruments(self) -> Sequence[Instrument]:
        return self.listed

    async def open(self) -> None:
        await self.board.refresh()
        await Branches(self.store).put([Branch("SH01", "上海营业部", "Shanghai Branch"), Branch("SZ01", "深圳", "Sz")])
        customers = Customers(self.store)
        await customers.put(
            Customer(ACCOUNT, tier="gold", branch="SH01", points=30_000, phones=(Phone("+8613800138000"),))
        )
        await customers.put(Customer(OTHER, branch="SH01"))
        async with self.store.reading() as session:
            rows = await session.execute(sa.select(CustomerRow.account, CustomerRow.id))
            self.ids = {row.account: row.id for row in rows}

    async def ask(self, name: str, /, **inputs: Value | str | int) -> Result:
        return await self.call(name, ACCOUNT, **inputs)

    async def call(
        self, name: str, account: str | None, call_id: str = "17.1", /, **inputs: Value | str | int
    ) -> Result:
        service = self.services[name]
        caller = Caller(call_id, "13800138000", customer=self.ids[account] if account else None)
        # A trailing underscore lets Python's own words be inputs.
        given = {key.rstrip("_"): _value(value) for key, value in inputs.items()}
        assert {key: value.kind for key, value in given.items()} == dict(service.inputs)
        result = await service.within_deadline(caller, given)
        assert {key: value.kind for key, value in result.values.items()} == dict(service.exits[result.exit])
        assert account or not service.proven or result.exit == NOT_PROVEN
        return result

    async def customer(self, account: str = ACCOUNT) -> Customer:
        found = await Customers(self.store).by_account(account)
        assert found
        return found

    async def trail(self, account: str = ACCOUNT) -> list[str]:
        """What the audit trail says of the customer, the oldest first."""
        return [entry.what for entry in reversed(await Audit(self.store).of_account(account))]


def _value(value: Value | str | int) -> Value:
    if isinstance(value, str):
        return Code(value)
    if isinstance(value, int):
        return Count(value)
    return value


@pytest.fixture
async def hotline(store: Store) -> Hotline:
    opened = Hotline(store)
    await opened.open()
    return opened
