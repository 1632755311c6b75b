"""The hotline of bench/queueing.py: seats with accounts, a queue, customers of every tier. Measures nothing."""

from __future__ import annotations

import itertools
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent_routing import pause_reasons, policy_file, seat_times
from agent_routing.agents import LogIn
from agent_routing.desk import AgentDesk
from bench.lines_parts.hotline import Hotline
from db.agent import Agent, Seat
from db.agents import Agents
from db.customer import TIERS, Customer, Phone, Tier
from db.customers import Customers
from db.seat_passwords import SeatPasswords
from db.seats import Seats
from db.store import Store
from ivr.config import CHECKOUT
from ivr.contract import CONTEXT_TRUNK, SIP_REALM

ACTOR = "bench"
NUMBER, PEER_NUMBER = "7001", "7999"  # our queue, and app_queue
PEER_QUEUE = "bench"
CUSTOMERS_OF_A_TIER = 400
SHARES: dict[Tier, int] = {"platinum": 1, "gold": 3, "silver": 6, "normal": 10}  # of twenty callers

FLOW = """flow: main
languages: [zh, en]
start: wait
nodes:
  wait:
    type: queue
    say: queue_welcome
    every: 600s
    talked: over
    on_nobody: over
    longest: 120m
    on_longest: over
  over: {type: hangup}
"""
# No wrap-up and no seat kept idle for the tiers above: what is measured is how soon the next call comes.
CHANGED = {
    seat_times.TIMES_FILE.name: ("wrap_up: 30s", "wrap_up: 0s"),
    policy_file.POLICY_FILE.name: ("reserve_one_of: 10 ", "reserve_one_of: 1000 "),
}


@dataclass(frozen=True)
class SeatAccount:
    """One seat's telephone."""

    agent: str
    seat: str
    account: str
    password: str


def routing_files(place: Path) -> Path:
    """The shipped routing files, with what CHANGED says."""
    place.mkdir()
    for file in (CHECKOUT / "agent_routing").glob("*.yaml"):
        text = file.read_text("utf-8")
        if file.name in CHANGED:
            before, after = CHANGED[file.name]
            assert before in text, (file.name, before)
            text = text.replace(before, after)
        (place / file.name).write_text(text, "utf-8")
    return place


def peer_templates(place: Path, seats: list[SeatAccount]) -> Path:
    """The templates of Asterisk's files, with app_queue beside our own queue: the same seats, the same music."""
    shutil.copytree(CHECKOUT / "asterisk-conf", place)
    dialplan = place / "extensions.conf.j2"
    text = dialplan.read_text("utf-8")
    head = "[{{ CONTEXT_TRUNK }}]\n"
    assert head in text, CONTEXT_TRUNK
    own = f"{head}exten => {PEER_NUMBER},1,Answer()\n same => n,Queue({PEER_QUEUE})\n same => n,Hangup()\n"
    dialplan.write_text(text.replace(head, own, 1), "utf-8")
    queues = place / "queues.conf.j2"
    members = "".join(f"member = PJSIP/{seat.account}\n" for seat in seats)
    queues.write_text(
        queues.read_text("utf-8")
        + f"\n[{PEER_QUEUE}]\nmusicclass = goldline\nstrategy = leastrecent\nringinuse = no\nwrapuptime = 0\n"
        + f"timeout = 20\nretry = 1\nautofill = yes\nautopause = no\n{members}",
        "utf-8",
    )
    return place


def accounts(count: int) -> list[SeatAccount]:
    """So many seats."""
    numbers = [str(600000 + index) for index in range(count)]
    return [SeatAccount(number, f"S{number}", number, secrets.token_hex(8)) for number in numbers]


async def plant(store: Store, seats: list[SeatAccount]) -> list[str]:
    """Agents, seats, passwords and customers; the numbers that callers call from, tiers mixed by their shares."""
    await Agents(store).put([Agent(seat.agent, languages=("zh", "en")) for seat in seats], actor=ACTOR)
    await Seats(store).put([Seat(seat.seat, "softphone", endpoint=seat.account) for seat in seats], actor=ACTOR)
    for seat in seats:
        await SeatPasswords(store).put(seat.seat, seat.password, realm=SIP_REALM, actor=ACTOR)
    numbers: dict[Tier, list[str]] = {}
    serial = itertools.count(1)
    for tier in TIERS:
        numbers[tier] = []
        for _ in range(CUSTOMERS_OF_A_TIER):
            one = next(serial)
            number = f"138{one:08d}"
            numbers[tier].append(number)
            customer = Customer(f"7{one:011d}", tier=tier, status="active", phones=(Phone(f"+86{number}"),))
            await Customers(store).put(customer, why=ACTOR)
    turns = {tier: itertools.cycle(numbers[tier]) for tier in TIERS}
    rounds = zip(*(turns[tier] for tier in TIERS for _ in range(SHARES[tier])), strict=True)
    return list(itertools.islice(itertools.chain.from_iterable(rounds), 4000))


@asynccontextmanager
async def opened(hotline: Hotline) -> AsyncIterator[Store]:
    """The hotline's store."""
    store = await Store.open(hotline.settings.database_url)
    try:
        yield store
    finally:
        await store.close()


async def log_in(hotline: Hotline, seats: list[SeatAccount]) -> None:
    """Everybody sits down."""
    async with opened(hotline) as store:
        desk = AgentDesk(store, seat_times.read(), pause_reasons.read())
        for seat in seats:
            await desk.do(seat.agent, LogIn(seat.seat))
