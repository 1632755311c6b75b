"""Campaigns of a hotline that calls a whole network: their targets, the runs that follow them, what came of each."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callback_house import NOON
from carrier import Carrier, carrier
from conftest import RTP_STARTS, RunningAsterisk, free_ports, settings_for, start_asterisk
from hotline import LOOK_SECONDS, ROOT, Hotline
from queue_house import Desk, QueueHouse, Story, at_phone, opened
from seat_phone import Ring, seat_phone

from db.attempt import Attempt
from db.attempts import Attempts
from db.campaigns import Campaigns
from db.events import utcnow
from db.phone_numbers import canonical
from db.target import NewTarget, Target, TargetMove
from db.targets import Targets
from outbound.announcements import references

PATIENCE = 60.0
RUN = "test run"
DATA = {  # of event_invitation, and of allotment_result
    **{"event": "投资者见面会", "day": "2026-12-11", "at": "14:30", "where": "上海营业部"},
    **{"share": "贵州茅台", "quantity": "500", "amount": "8650", "deadline": "2026-12-11"},
}
_names = itertools.count()


@dataclass
class Campaigned:
    """A campaign of one test, with the numbers that it calls. ``story``: its agents; None: it needs none."""

    name: str
    numbers: Sequence[str]
    story: Story | None = None
    script: str = "new_account_revisit"
    pacing: dict[str, str] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)  # by number
    call: str = ""  # what kind; "": by an agent where there are some, else a notice

    @property
    def agents(self) -> Story:
        """Whoever talks for it."""
        assert self.story is not None
        return self.story

    def definition(self) -> str:
        """The file of the campaign."""
        call = self.call or ("agent" if self.story else "notice")
        lines = [
            f"campaign: {self.name}",
            "title: a campaign of a test",
            "who: {list: yes}",
            f"what: {{call: {call}, script: {self.script}}}",
            "when: {weekdays: 10:00-16:00, weekends: 10:00-16:00, make_up_day: 10:00-16:00, days: 2}",
            "attempts: {day: 3, week: 6, in_all: 6}",
            "pacing: {" + ", ".join(f"{name}: {value}" for name, value in self.pacing.items()) + "}",
        ]
        if self.story:
            lines.append(f"seats: {{skills: {{{self.story.name}: 1}}}}")
        return "\n".join(lines) + "\n"


class DialHouse:
    """The campaigns of one test module, beside the stories of its queue."""

    def __init__(self, announcements: dict[str, bytes] | None = None) -> None:
        self.queue = QueueHouse()
        self._campaigns: list[Campaigned] = []
        self._announcements = announcements
        self.network: Carrier

    def campaign(
        self,
        numbers: Sequence[str],
        *,
        story: Story | None = None,
        script: str = "new_account_revisit",
        call: str = "",
        **pacing: str,
    ) -> Campaigned:
        """A campaign that calls these numbers; progressive unless ``pacing`` says otherwise. Taken while the module is
        being read."""
        usual = {"mode": "progressive"} if story else {"lines": "20"}
        paced = {**usual, "ring_at_most": "16s", **pacing}
        one = Campaigned(f"campaign_{next(_names)}", numbers, story, script, paced, call=call)
        self._campaigns.append(one)
        return one

    @contextmanager
    def joined(self, **changed: object) -> Iterator[RunningAsterisk]:
        """A network, and an Asterisk that has a trunk to it."""
        with carrier(free_ports(1)[0], random.randrange(*RTP_STARTS, 2), self._announcements) as self.network:
            run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))  # a control socket's path may have 107 bytes
            trunk = self.network.trunk(**{"calls_per_second": 10.0, **changed})
            running = start_asterisk(settings_for(run_dir, **{"sip.trunks": [trunk]}))
            try:
                yield running
            finally:
                running.process.stop()
                shutil.rmtree(run_dir)

    @contextmanager
    def hotline(self, asterisk: RunningAsterisk, name: str, **changed: Any) -> Iterator[Hotline]:
        """The controller, running, with all campaigns planned. It is noon."""
        outbound = asterisk.settings.run_dir / f"{name}-outbound"
        shutil.copytree(ROOT / "outbound", outbound)
        for campaign in self._campaigns:
            (outbound / "campaigns" / f"{campaign.name}.yaml").write_text(campaign.definition(), "utf-8")
        with self.queue.hotline(asterisk, name, time_zone=NOON, outbound=outbound, **changed) as one:
            asyncio.run(self._plan(one))
            yield one

    async def _plan(self, hotline: Hotline) -> None:
        now = utcnow()
        async with opened(hotline) as store:
            for one in self._campaigns:
                await Campaigns(store).put_planned(
                    one.name,
                    title=one.name,
                    digest="",
                    now=now,
                    ends_at=now + datetime.timedelta(days=1),
                    actor="test",
                )
                stored = [canonical(number) for number in one.numbers]
                await Targets(store).add_many(one.name, [_target(number) for number in stored], now=now)
                for number in stored:
                    target = await Targets(store).latest(one.name, number)
                    assert target is not None
                    one.targets[number] = target.id


def _target(number: str) -> NewTarget:
    """Somebody of whom a list knows number and account, which ends as the number does."""
    return NewTarget(number, account=f"90000000{number[-4:]}", numbers=(number,), data=DATA)


@asynccontextmanager
async def running(hotline: Hotline, campaign: Campaigned) -> AsyncIterator[None]:
    """Somebody follows the campaign."""
    lease = datetime.timedelta(seconds=120)
    async with opened(hotline) as store:
        campaigns = Campaigns(store)
        assert await campaigns.take_run(campaign.name, holder=RUN, now=utcnow(), lease=lease)
        try:
            yield
        finally:
            await campaigns.release(campaign.name, holder=RUN)


@dataclass
class Ended:
    """What came of one number: its attempts, oldest first, and its target."""

    attempts: tuple[Attempt, ...]
    target: Target

    @property
    def last(self) -> Attempt:
        return self.attempts[-1]


async def ended(hotline: Hotline, campaign: Campaigned, number: str, attempts: int = 1) -> Ended:
    """Once so many attempts at the number are over."""
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        target = campaign.targets[canonical(number)]
        while True:
            rows = await Attempts(store).of_target(target)
            over = tuple(row for row in rows if row.state == "ended")
            if len(over) >= attempts:
                found = await Targets(store).get(target)
                assert found is not None
                return Ended(over, found)
            assert time.monotonic() < deadline, f"{number} is not through: {rows}"
            await asyncio.sleep(LOOK_SECONDS)


async def attempt_in(hotline: Hotline, campaign: Campaigned, number: str, *states: str) -> Attempt:
    """The number's latest attempt, once it is in one of these states."""
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        while True:
            rows = await Attempts(store).of_target(campaign.targets[canonical(number)])
            if rows and rows[-1].state in states:
                return rows[-1]
            assert time.monotonic() < deadline, f"{number} is not {states}: {rows}"
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def on_the_line(hotline: Hotline, story: Story, number: int = 0) -> AsyncIterator[tuple[Desk, Ring]]:
    """An agent whose leg is kept on the line, and has been answered."""
    seat, password = story.seats[number], story.passwords[number]
    async with seat_phone(seat.endpoint, password, hotline.asterisk.port("sip")) as phone:
        legs: asyncio.Queue[Ring] = asyncio.Queue()

        def ring(one: Ring) -> None:
            one.answer()
            legs.put_nowait(one)

        phone.on_ring = ring
        async with at_phone(hotline, story, phone, number) as desk:
            yield desk, await legs.get()


async def promise(hotline: Hotline, campaign: Campaigned, number: str) -> None:
    """An agent is guaranteed to this number's target, as after an abandoned call."""
    async with opened(hotline) as store:
        target = await Targets(store).get(campaign.targets[canonical(number)])
        assert target is not None
        move = TargetMove("waiting", "abandoned", due_at=utcnow(), guaranteed=True)
        assert await Targets(store).move(target, move, now=utcnow())


async def until(seen: Callable[[], bool], what: str) -> None:
    """Until something that tells nobody when it changes is so."""
    deadline = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(seen):
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(LOOK_SECONDS)


def announcements() -> dict[str, bytes]:
    """What the network says, by what it says: the references themselves."""
    found = {}
    for one in references.read():
        found.setdefault(one.outcome, (references.REFERENCES / one.file).read_bytes())
    return {str(outcome): sound for outcome, sound in found.items()}


@dataclass
class Ran:
    """``ivr outbound run``, in a process of its own."""

    process: asyncio.subprocess.Process

    async def over(self) -> tuple[int, str]:
        """Its exit code and what it said, once it is over."""
        async with asyncio.timeout(PATIENCE):
            said, _ = await self.process.communicate()
            assert self.process.returncode is not None
            return self.process.returncode, said.decode()


async def command(hotline: Hotline, campaign: Campaigned) -> Ran:
    """The command, begun."""
    file = hotline.settings.run_dir / "controller.toml"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "ivr", "outbound", "run", campaign.name),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=ROOT,
        env={**os.environ, "GOLDLINE_CONFIG": str(file)},
    )
    return Ran(process)


async def held_by(hotline: Hotline, campaign: Campaigned) -> str:
    """Who holds the campaign, once somebody does."""
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        while True:
            row = await Campaigns(store).get(campaign.name)
            if row is not None and row.is_live(utcnow()):
                return row.run_holder
            assert time.monotonic() < deadline, "nobody follows it"
            await asyncio.sleep(LOOK_SECONDS)
