"""Customers who ask to be called back, and what becomes of them."""

from __future__ import annotations

import asyncio
import datetime
import time
from dataclasses import dataclass

from hotline import LOOK_SECONDS, CallOf, Happened, Hotline, Journal
from queue_house import Story, opened, waiting

from db.callback_states import CallbackState
from db.missed import MissedCaller, MissedCallers
from db.waiting_callbacks import WaitingCallback, WaitingCallbacks

PATIENCE = 45.0  # a lease has to run out where nobody is left who knows


def _noon() -> str:
    """The zone in which it is noon now: nobody may be called at night, and tests run at all hours."""
    ahead = 12 - datetime.datetime.now(datetime.UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


NOON = _noon()


@dataclass(frozen=True)
class Asked:
    """A callback that was asked for. ``waited`` in seconds until then."""

    row: int
    first_call: str
    joined: str
    waited: float

    @property
    def callback(self) -> str:
        """The id of the call that will be made."""
        return f"callback-{self.row}"

    async def next_call(self, journal: Journal, caller: str) -> CallOf:
        """The next call that the customer makes."""

        def is_it(one: Happened) -> bool:
            return one["kind"] == "call.started" and one["data"]["caller"] == caller and one["call"] != self.first_call

        return CallOf(journal, (await journal.until(is_it, f"another call from {caller}"))["call"])

    async def calls_back(self, journal: Journal) -> CallOf:
        """That call in the journal."""
        call = CallOf(journal, self.callback)
        await call.until("call.started")
        return call


async def asks_to_be_called(hotline: Hotline, journal: Journal, story: Story, caller: str) -> Asked:
    """The caller waits on the story's line, presses 1 and confirms the own number, and hangs up."""
    async with waiting(hotline, journal, story, caller) as (phone, call):
        joined = next(one for one in call._known() if one["kind"] == "wait.joined")["data"]["joined"]
        await call.until_said("queue_welcome")
        phone.press("1")
        await call.until_said("callback_own")
        phone.press("1")
        left = await call.until("wait.left", how="callback")
        await call.until_said("callback_place_kept")
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")
    async with opened(hotline) as store:
        row = next(one for one in await WaitingCallbacks(store).open() if one.place.call == call.id)
    return Asked(row.id, call.id, joined, left["data"]["waited"])


async def row_of(
    hotline: Hotline, asked: Asked, *states: CallbackState, attempts: int | None = None
) -> WaitingCallback:
    """The callback's row, once it is in one of these states."""
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        while True:
            row = await WaitingCallbacks(store).get(asked.row)
            assert row is not None
            if row.state in states and attempts in (None, row.attempts):
                return row
            assert time.monotonic() < deadline, f"never {states}: {row}"
            await asyncio.sleep(LOOK_SECONDS)


async def missed(hotline: Hotline, number: str) -> MissedCaller:
    """The open entry of this number, once it is there."""
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        while True:
            for entry in await MissedCallers(store).open():
                if entry.number == f"+86{number}":
                    return entry
            assert time.monotonic() < deadline, f"{number} is not on the list"
            await asyncio.sleep(LOOK_SECONDS)
