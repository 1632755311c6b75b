"""Demonstration data: instruments that exist, notices and customers that do not. Loading it twice is loading it once.

The prices are points to start a demonstration from, of the right size and of no date; they are nobody's quote. Notices
say that they are demonstrations. Account numbers belong to nobody; telephones are extensions (1001 is the softphone's).
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any, Final

from db.agent import Agent, Seat
from db.agents import Agents
from db.branches import Branches
from db.customer import BROKERAGE_TIME, Branch, Customer, Phone, brokerage_day
from db.customers import Customers
from db.events import utcnow
from db.instruments import Instrument, Instruments
from db.notices import Notice, Notices, NoticeText
from db.seats import Seats
from db.slots import Slot, Slots
from db.store import Store
from db.watch_list import WatchLists

ACTOR: Final = "demonstration"  # in the audit trail
SLOT_DAYS: Final = 5  # working days ahead that have slots
SATURDAY: Final = 5  # of date.weekday()
FIRST_NOTICE: Final = datetime.datetime(2026, 1, 5, 1, 0, tzinfo=datetime.UTC)  # 9 o'clock in Shanghai


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the demonstration of one instrument starts from."""

    price: Decimal
    suspended: bool


async def load(store: Store, now: Callable[[], datetime.datetime] = utcnow) -> None:
    """Put all demonstration data into the store. What an operator added beside it stays. Raises StoreError.

    Slots for appointments lie in the days after ``now`` (an aware moment).
    """
    await Instruments(store).put(instruments())
    notices = Notices(store)
    for notice in demo_notices():
        if await notices.get(notice.reference) is None:  # an editor may have withdrawn it since
            await notices.put(notice)
    branches = Branches(store)
    there = {branch.code for branch in await branches.all()}
    await branches.put(branch for branch in demo_branches() if branch.code not in there)
    customers = Customers(store)
    for customer in demo_customers():
        if await customers.by_account(customer.account) is None:
            await customers.put(customer, why="demonstration")
            await _watch(store, customer.account)
    agents, seats = Agents(store), Seats(store)
    people = {agent.id for agent in await agents.all()}
    await agents.put((agent for agent in demo_agents() if agent.id not in people), actor=ACTOR)
    there_already = await seats.all()
    taken = {seat.id for seat in there_already} | {_dialled(seat) for seat in there_already}
    await seats.put((seat for seat in demo_seats() if not taken & {seat.id, _dialled(seat)}), actor=ACTOR)
    await Slots(store).add(demo_slots(brokerage_day(now())), actor=ACTOR)


async def _watch(store: Store, account: str) -> None:
    customer = await Customers(store).id_of(account)
    for row in _rows("watch_list.csv"):
        if row["account"] == account and customer is not None:
            await WatchLists(store).add(customer, row["code"], row["kind"], actor=ACTOR)


def instruments() -> tuple[Instrument, ...]:
    """The demonstration's instruments."""
    return tuple(
        Instrument(row["code"], row["market"], row["kind"], row["name_zh"], row["name_en"])
        for row in _rows("instruments.csv")
    )


def references() -> dict[tuple[str, str], Reference]:
    """Where each instrument's demonstration starts from, by code and market."""
    return {
        (row["code"], row["market"]): Reference(Decimal(row["price"]), row["suspended"] == "yes")
        for row in _rows("instruments.csv")
    }


def demo_notices() -> tuple[Notice, ...]:
    """The demonstration's notices, oldest first."""
    return tuple(
        Notice(
            reference=row["reference"],
            kind=row["kind"],
            status="published",
            published_from=FIRST_NOTICE + datetime.timedelta(days=number),
            texts={
                "zh": NoticeText(row["title_zh"], row["body_zh"]),
                "en": NoticeText(row["title_en"], row["body_en"]),
            },
        )
        for number, row in enumerate(_rows("notices.csv"))
    )


def demo_branches() -> tuple[Branch, ...]:
    """The demonstration's branches."""
    return tuple(
        Branch(row["code"], row["name_zh"], row["name_en"], row["number"], row["address"])
        for row in _rows("branches.csv")
    )


def demo_customers() -> tuple[Customer, ...]:
    """The demonstration's customers, one of each tier."""
    return tuple(
        Customer(
            account=row["account"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            tier=row["tier"],
            phones=tuple(Phone(number) for number in row["phones"].split()),
            status=row["status"],
            stage=row["stage"],
            branch=row["branch"],
            languages=tuple(row["languages"].split()),
            dialect=row["dialect"],
            manager=row["manager"],
            backups=tuple(row["backups"].split()),
            assets=Decimal(row["assets"]),
            commission=Decimal(row["commission"]),
            points=int(row["points"]),
            opened_on=datetime.date.fromisoformat(row["opened_on"]),
        )
        for row in _rows("customers.csv")
    )


def demo_agents() -> tuple[Agent, ...]:
    """The demonstration's agents; nobody has a PIN."""
    return tuple(
        Agent(
            id=row["id"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            branch=row["branch"],
            languages=tuple(row["languages"].split()),
            dialects=tuple(row["dialects"].split()),
            skills={name: int(level) for name, _, level in (word.partition(":") for word in row["skills"].split())},
            role=row["role"],
            calls_per_day=int(row["calls_per_day"]) if row["calls_per_day"] else None,
        )
        for row in _rows("agents.csv")
    )


def demo_seats() -> tuple[Seat, ...]:
    """The demonstration's seats, one of each kind at least."""
    return tuple(
        Seat(
            id=row["id"],
            kind=row["kind"],
            endpoint=row["endpoint"],
            trunk=row["trunk"],
            number=row["number"],
            branch=row["branch"],
            accept_key=row["kind"] == "mobile",
        )
        for row in _rows("seats.csv")
    )


def _dialled(seat: Seat) -> str:
    return f"{seat.endpoint}|{seat.number}@{seat.trunk}"


def demo_slots(today: datetime.date) -> tuple[Slot, ...]:
    """The demonstration's slots: the same times on each of the next working days, public holidays or not."""
    ahead = (today + datetime.timedelta(days=number) for number in range(1, 2 * SLOT_DAYS))
    days = [day for day in ahead if day.weekday() < SATURDAY][:SLOT_DAYS]
    return tuple(
        Slot(
            branch=row["branch"],
            starts_at=datetime.datetime.combine(day, datetime.time.fromisoformat(row["time"]), BROKERAGE_TIME),
            minutes=int(row["minutes"]),
            capacity=int(row["capacity"]),
            adviser=row["adviser"],
            adviser_zh=row["adviser_zh"],
            adviser_en=row["adviser_en"],
        )
        for day in days
        for row in _rows("slots.csv")
    )


def _rows(name: str) -> Iterator[dict[str, Any]]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())
