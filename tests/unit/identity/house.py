"""A brokerage with a few customers, PINs that hash quickly, a clock that is moved by hand, texts that are kept."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from argon2 import PasswordHasher

from db.pins import Pins
from db.store import Store
from ivr.identity.identity import Identity
from ivr.identity.sms import SmsInMemory

KEY = b"a key of the tests"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ACCOUNT, OTHER, CLOSED, NO_MOBILE, UNKNOWN = (
    "980000000001",
    "980000000002",
    "980000000003",
    "980000000004",
    "989999999999",
)
PIN, CODE, MOBILE = "290518", "730264", "+8613955550001"
HOME = "13800138000"


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime.datetime = field(default=datetime.datetime(2036, 11, 20, 2, 30, tzinfo=datetime.UTC))

    def __call__(self) -> datetime.datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)


class CountedPins(Pins):
    """PINs that know how often one was looked at."""

    checks = 0

    async def check_pin(self, account: str, pin: str) -> bool:
        self.checks += 1
        return await super().check_pin(account, pin)


@dataclass
class House:
    """One installation."""

    store: Store
    pins: CountedPins
    clock: Clock
    sms: SmsInMemory
    identity: Identity

    def restarted(self) -> Identity:
        """Another process over the same store."""
        return Identity(
            self.store, self.pins, KEY, self.clock, sms=self.sms, brokerage="演示证券", new_code=lambda: CODE
        )
