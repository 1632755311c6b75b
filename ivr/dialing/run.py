"""``ivr outbound run``: whoever follows a campaign while it is dialled. It dials nobody itself.

It holds the campaign's run lease, which the controller looks for: killed without a word, the lease runs out and the
dialling stops. It ends when all targets are done, when the hours of the day or the campaign are over, when it is
paused or stopped, and when it is told to end. Pure but for the store: who asks the controller is handed in.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from db.campaigns import Campaign as Row
from db.campaigns import Campaigns, NoSuchCampaign
from db.errors import StoreAway
from db.events import utcnow
from db.store import Store
from db.targets import Targets
from outbound.campaign import Campaign
from outbound.hours import Clock, first_open
from outbound.rules import Rules

RUN_LEASE: Final = datetime.timedelta(seconds=15)
RENEW_SECONDS: Final = 4.0

Why = Literal["done", "hours", "over", "ordered", "told", "busy", "unavailable"]
Health = Callable[[], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Why a run ended, and in a sentence."""

    why: Why
    words: str

    @property
    def code(self) -> int:
        """As cron and monitoring understand it (sysexits.h)."""
        return {"busy": os.EX_TEMPFAIL, "unavailable": os.EX_UNAVAILABLE}.get(self.why, os.EX_OK)


@dataclass(frozen=True, slots=True)
class Following:
    """What is told while it goes on. ``note``: why nothing is dialled at the moment; "": something is."""

    counts: Mapping[str, int]
    dials: int
    note: str


class CampaignRun:
    """One run of one campaign."""

    def __init__(
        self,
        store: Store,
        campaign: Campaign,
        rules: Rules,
        clock: Clock,
        health: Health,
        tell: Callable[[Following], None],
        now: Callable[[], datetime.datetime] = utcnow,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        """``health`` asks the controller; None: there is none. ``tell`` is called every few seconds."""
        self._campaigns = Campaigns(store)
        self._targets = Targets(store)
        self._campaign = campaign
        self._rules = rules
        self._clock = clock
        self._health = health
        self._tell = tell
        self._now = now
        self._renew_seconds = renew_seconds
        self._end = asyncio.Event()
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"[:128]

    def end(self) -> None:
        """Be done: the lease is given back, calls that ring and talks that go on end by themselves."""
        self._end.set()

    async def run(self) -> RunEnd:
        """Follow it to an end. Raises NoSuchCampaign, StoreError."""
        name = self._campaign.name
        if await self._campaigns.get(name) is None:
            raise NoSuchCampaign(name)
        over = self._hours_over() or await self._unavailable()
        if over is not None:
            return over
        row = await self._campaigns.take_run(name, holder=self.holder, now=self._now(), lease=RUN_LEASE)
        if row is None:
            return await self._refused(name)
        try:
            return await self._follow(row)
        finally:
            await self._campaigns.release(name, holder=self.holder)

    async def _follow(self, row: Row) -> RunEnd:
        name = row.name
        while True:
            counts = await self._targets.counts(name)
            if not counts.get("waiting", 0) and not counts.get("held", 0):
                await self._campaigns.order(name, "done", actor="run")
                return RunEnd("done", "Everybody on the list is done.")
            if self._now() >= row.ends_at:
                expired = await self._targets.expire(name, now=self._now())
                await self._campaigns.order(name, "done", actor="run")
                return RunEnd("over", f"The campaign is over; {expired} were not reached in time.")
            over = self._hours_over()
            if over is not None:
                return over
            self._tell(await self._following({str(state): count for state, count in counts.items()}))
            try:
                async with asyncio.timeout(self._renew_seconds):
                    await self._end.wait()
                return RunEnd("told", "Told to end. Calls that ring and talks that go on end by themselves.")
            except TimeoutError:
                pass
            renewed = await self._renewed(name)
            if renewed is None:
                return RunEnd("busy", "Another run has taken over, for this one could not renew its lease in time.")
            row = renewed
            if row.state != "running":
                return RunEnd("ordered", f"It was {row.state} by {row.actor or 'somebody'}.")

    async def _renewed(self, name: str) -> Row | None:
        """A longer lease; a store that is away is asked again: until it is back nobody else can take it either."""
        while True:
            try:
                return await self._campaigns.renew(name, holder=self.holder, now=self._now(), lease=RUN_LEASE)
            except StoreAway:
                if self._end.is_set():
                    raise
                await asyncio.sleep(self._renew_seconds / 4)

    async def _following(self, counts: Mapping[str, int]) -> Following:
        health = await self._health()
        if health is None:
            return Following(counts, 0, "there is no controller: nothing is dialled until it is back")
        dialing = health.get("dialing", {})
        lane = dialing.get("campaigns", {}).get(self._campaign.name)
        if lane is None:
            return Following(counts, 0, dialing.get("cannot", {}).get(self._campaign.name, "the controller begins"))
        return Following(counts, lane["dials"], WORDS.get(lane["why"], lane["why"]))

    def _hours_over(self) -> RunEnd | None:
        """No more hours today: the next one to call in is told."""
        now, clock, campaign = self._now(), self._clock, self._campaign
        if campaign.begins_on is not None and clock.day(now) < campaign.begins_on:
            return RunEnd("hours", f"It begins on {campaign.begins_on}.")
        found: datetime.datetime | None = now
        for hours in (self._rules.purposes[campaign.purpose].hours, campaign.hours):
            found = first_open(hours, found, clock) if found is not None else None
        if found is None:
            return RunEnd("hours", "It has no hour to call in any more.")
        if clock.day(found) != clock.day(now):
            opens = found.astimezone(clock.zone)
            return RunEnd("hours", f"Nobody is called any more today; next from {opens:%F %H:%M}.")
        return None

    async def _unavailable(self) -> RunEnd | None:
        """What it takes to dial anybody at all is not there."""
        health = await self._health()
        if health is None:
            return RunEnd("unavailable", "There is no controller: start it with `ivr run`.")
        if health.get("ami") != "connected":
            return RunEnd("unavailable", "The controller has no Asterisk: `ivr doctor` says why.")
        if not health.get("dialing", {}).get("trunks"):
            return RunEnd("unavailable", "There is no trunk to call out by: name one in the settings, [[sip.trunks]].")
        if self._campaign.needs_agents and not await self._seats():
            skills = ", ".join(f"{skill} {level}" for skill, level in self._campaign.seats.skills.items())
            return RunEnd("unavailable", f"No agent at work has what it takes ({skills}): `ivr agents list`.")
        return None

    async def _seats(self) -> bool:
        health = await self._health()
        for skills in (health or {}).get("dialing", {}).get("skills", []):
            if all(skills.get(skill, 0) >= level for skill, level in self._campaign.seats.skills.items()):
                return True
        return False

    async def _refused(self, name: str) -> RunEnd:
        row = await self._campaigns.get(name)
        if row is None:
            raise NoSuchCampaign(name)
        if row.state in ("planned", "running"):
            since = row.run_since.astimezone(self._clock.zone) if row.run_since else None
            when = f" since {since:%F %H:%M:%S}" if since else ""
            return RunEnd("busy", f"Another run holds it: {row.run_holder}{when}.")
        return RunEnd("ordered", f"It is {row.state}, by {row.actor}: `ivr outbound resume {name}`.")


# Why nothing is dialled (outbound.pacing_reason.LimitedBy), as people are told.
WORDS: Final[Mapping[str, str]] = {
    "": "",
    "no_seats": "no seat is at work for it",
    "risk": "enough is ringing for the seats that there are",
    "room": "too many answered calls had no agent lately",
    "learning": "one call for each idle seat, until it is known how many answer",
    "channels": "the trunk has no more channels",
    "per_second": "the trunk takes no more calls in this second",
    "most": "nobody is due now",
    "candidates": "nobody is due now",
    "danger": "the seats are needed by callers of the hotline",
}
