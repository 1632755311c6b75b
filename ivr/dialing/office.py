"""Dialling put together: trunks, the manager's accounts, early media, the desk. Knows all parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from db.events import EventSink, utcnow
from db.store import Store
from ivr.ami.client import AmiClient
from ivr.ami.protocol import Event
from ivr.call import Call, Channel
from ivr.dialing import nobody
from ivr.dialing.agent_first import AgentFirst
from ivr.dialing.answered import Answered
from ivr.dialing.desk import DialDesk
from ivr.dialing.early_media import EarlyMediaRecorder
from ivr.dialing.hearing import Hearing
from ivr.dialing.lanes import Lanes
from ivr.dialing.ledger import Ledger
from ivr.dialing.originate import ManagerDials
from ivr.dialing.pace_memory import PaceMemory
from ivr.dialing.plan import Book
from ivr.dialing.trunks import TrunkLimit, Trunks
from ivr.flow.engine import Engine, How
from ivr.flow.model import FlowSet
from ivr.queueing.switchboard import Switchboard
from outbound import causes

UP: Final = "Up"


class DialingOffice:
    """The dialling of one controller. ``start`` and ``stop`` are its life."""

    def __init__(
        self,
        store: Store,
        journal: EventSink,
        switchboard: Switchboard,
        actions: AmiClient,
        recorder: AmiClient,
        trunks: Iterable[TrunkLimit],
        book: Book,
        early_media: Path,
        references: Path,
        queue_log: Path,
        learned: Path,
        line: str,
    ) -> None:
        """``early_media`` is a folder that Asterisk writes to, ``references`` that of announcements; ``queue_log`` is
        Asterisk's record of what happens without us, ``learned`` a folder for what pacers have learned; ``line`` is the
        hotline's number.

        Raises CausesInvalid.
        """
        limits = tuple(trunks)
        self._recorder = recorder if limits else None
        self._hearing = Hearing(references)
        self._loop: asyncio.Task[None] | None = None
        dispatcher, staff = switchboard.dispatcher, switchboard.staff
        self.desk = DialDesk(
            Ledger(store, journal, book, causes.read(), utcnow, lambda: nobody.read(queue_log)),
            ManagerDials(actions),
            EarlyMediaRecorder(recorder, early_media) if limits else None,
            self._hearing.listen,
            Trunks(limits),
            book,
            line,
            utcnow,
        )
        self.first = AgentFirst(self.desk, dispatcher, switchboard.offers)
        self.lanes = Lanes(store, self.desk, self.first, dispatcher, staff, book, PaceMemory(learned))
        switchboard.witnesses.add(self.desk)
        switchboard.witnesses.add(self.first)
        switchboard.room.ours = self.desk.place_of

    def serves(self, engine: Engine, flows: Callable[[], FlowSet], language: str) -> None:
        """By what whoever answers is served."""
        self._answered = Answered(self.desk, engine, flows, language)

    async def start(self) -> None:
        """Begin."""
        if self._recorder is not None:
            await self._recorder.start()
        self._loop = asyncio.get_running_loop().create_task(self.lanes.follow(), name="dialling")

    async def stop(self) -> None:
        """End; calls go on by themselves."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await self.first.stop()
        await self.desk.stop()
        if self._recorder is not None:
            await self._recorder.stop()
        self._hearing.close()

    async def serve(self, call: Call) -> How:
        """Serve somebody who answered."""
        return await self._answered.serve(call)

    async def resync(self, ami: AmiClient) -> None:
        """After each connect to Asterisk, before the queue reads what there is."""
        channels = await ami.list("CoreShowChannels")
        for dial in await self.desk.load({one.get("Uniqueid"): one.get("ChannelStateDesc") == UP for one in channels}):
            if dial.leg:
                self.first.hold_again(dial)

    def unready(self) -> None:
        """The manager is away."""
        self.desk.unready()

    async def serve_leg(self, session: Channel) -> None:
        """Serve the leg to a seat that asks whether it may dial."""
        await self.first.serve(session)

    def saw(self, event: Event) -> None:
        """An event of Asterisk's manager, before the queue hears of it."""
        self.desk.saw(event)
        self.first.saw(event)

    def state(self) -> dict[str, Any]:
        """For ``/health`` and `ivr outbound run`: nothing that names anybody. ``skills``: of the agents at work."""
        desk, lanes = self.desk, self.lanes
        return {
            "ready": desk.ready,
            "trunks": list(desk.trunks.names),
            "open": len(desk.dials),
            "behind": desk.ledger.moves.behind,
            "campaigns": {
                name: {
                    "mode": lane.plan.mode,
                    "dials": len(desk.of_campaign(name)),
                    "seats": len(lane.seats),
                    "why": lane.why_none,
                }
                for name, lane in lanes.lanes.items()
            },
            "cannot": dict(lanes.cannot),
            "skills": lanes.skills_at_work(),
        }
