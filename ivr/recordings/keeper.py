"""Takes over the recording of each talk that ended: its row, its digest, its rights.

A recording never costs a talk anything: a disk that is full or a folder that is gone is a row that says so. Whatever
ended while no controller was there is found at the next start (``adopt_strays``). Files are looked at in threads.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from db.calls import Calls
from db.events import TALK_BEGAN, Event, utcnow
from db.recording import Consent, Fault, Recording, RecordingState
from db.recordings import Recordings
from db.store import Store
from ivr.recordings.folder import Folder, Look
from ivr.recordings.retention import Retention

log = structlog.get_logger(__name__)

SETTLE_SECONDS: Final = 2.0  # MixMonitor's thread closes the file a moment after the talk; longer is no moment
LOOK_SECONDS: Final = 0.05  # between two looks meanwhile
# A stray is adopted when nobody has written to it for so long: who is about to adopt it goes first.
QUIET: Final = datetime.timedelta(minutes=1)
# One that Asterisk has not closed is adopted after so long: a call is ended before (settings, limits.call_seconds).
ABANDONED: Final = datetime.timedelta(hours=6)
LONGEST_CALL: Final = datetime.timedelta(hours=24)  # within which the call of a stray began
_AT_ONCE: Final = 500  # names in one question to the store


@dataclass(frozen=True, slots=True)
class _Talk:
    call: str
    agent: str
    seat: str
    began: datetime.datetime


class Keeper:
    """The keeper of the recordings in one folder."""

    def __init__(
        self,
        store: Store,
        folder: Folder,
        retention: Retention,
        now: Callable[[], datetime.datetime] = utcnow,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._recordings = Recordings(store)
        self._calls = Calls(store)
        self._folder = folder
        self._retention = retention
        self._now = now
        self._settle_seconds = settle_seconds

    async def prepare(self) -> bool:
        """Have the folder ready. False when it cannot be had: talks go on, unrecorded, and their rows say so."""
        try:
            await asyncio.to_thread(self._folder.create)
        except OSError as error:
            log.error("talks cannot be recorded", folder=str(self._folder.path), reason=error.strerror)
            return False
        return True

    async def adopt(
        self,
        name: str,
        *,
        call: str,
        agent: str,
        seat: str,
        began: datetime.datetime,
        consent: Consent = "announced",
    ) -> Recording:
        """The talk is over: keep its recording; twice is once. ``refused``: nothing was recorded, which is kept, too.

        Waits up to SETTLE_SECONDS for Asterisk to close the file: await it beside the call, not in it. Raises
        StoreError; the file is then a stray and is found again.
        """
        talk = _Talk(call, agent, seat, began)
        if consent == "refused":
            return await self._recordings.add(self._row(name, talk, Look(0, 0.0, ""), "", consent, "refused"))
        return await self._keep(name, talk, await self._settled(name))

    async def adopt_strays(self) -> tuple[Recording, ...]:
        """Give a row to each file that has none, with what the journal knows of it; raises StoreError.

        A file that Asterisk may still be writing is left for later. May be called at any time.
        """
        try:
            names = sorted(await asyncio.to_thread(lambda: list(self._folder.names())))
        except OSError as error:
            log.error("recordings cannot be looked for", folder=str(self._folder.path), reason=error.strerror)
            return ()
        found: list[Recording] = []
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            known = await self._recordings.names(some)
            for name in some:
                if name not in known and (stray := await self._adopt_stray(name)):
                    found.append(stray)
        return tuple(found)

    async def _adopt_stray(self, name: str) -> Recording | None:
        look = await asyncio.to_thread(self._folder.look, name)
        modified = datetime.datetime.fromtimestamp(look.modified, datetime.UTC)
        age = self._now() - modified
        if look.fault == "missing" or age < (QUIET if not look.fault else ABANDONED):
            return None
        began = modified - datetime.timedelta(seconds=look.seconds)
        offer = await self._recordings.offer_of(name, began - LONGEST_CALL, modified)
        if offer is None:
            log.warning("a recording is of no call that the journal knows", name=name)
            talk = _Talk("", "", "", began)
        else:
            talk = _talk_of(offer, await self._calls.events(offer.call_id))
        return await self._keep(name, talk, look)

    async def _settled(self, name: str) -> Look:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._settle_seconds
        while True:
            look = await asyncio.to_thread(self._folder.look, name)
            if look.fault not in ("unfinished", "empty") or clock() >= deadline:
                return look
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep(self, name: str, talk: _Talk, look: Look) -> Recording:
        digest = ""
        fault: Fault = look.fault
        if fault not in ("missing", "unreadable"):
            try:
                digest = await asyncio.to_thread(self._close_and_digest, name)
            except OSError:
                fault = "unreadable"
        if fault:
            log.error("a recording is not as it should be", name=name, call=talk.call, fault=fault)
        kept = bool(digest) and fault != "empty"
        found = Look(look.bytes, look.seconds, fault) if kept else Look(0, 0.0, fault)
        return await self._recordings.add(
            self._row(name, talk, found, digest if kept else "", "announced", "kept" if kept else "lost")
        )

    def _close_and_digest(self, name: str) -> str:
        self._folder.close_to_others(name)
        return self._folder.digest(name)

    def _row(
        self, name: str, talk: _Talk, look: Look, digest: str, consent: Consent, state: RecordingState
    ) -> Recording:
        return Recording(
            name=name,
            call=talk.call,
            agent=talk.agent,
            seat=talk.seat,
            began=talk.began,
            seconds=round(look.seconds, 1),
            bytes=look.bytes,
            sha256=digest,
            consent=consent,
            state=state,
            fault=look.fault,
            kept_until=self._retention.until(talk.began),
        )


def _talk_of(offer: Event, events: Sequence[Event]) -> _Talk:
    """The talk that came of this offer: it began with the first ``talk.began`` after it, if that was kept."""
    agent = str(offer.data.get("agent", ""))
    began = next((one.at for one in events if one.kind == TALK_BEGAN and one.at >= offer.at), offer.at)
    return _Talk(offer.call_id, agent, str(offer.data.get("seat", "")), began)
