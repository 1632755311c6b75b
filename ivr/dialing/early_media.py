"""What the network says before any answer: recorded while it is said, read once, and removed.

Carriers announce 空号, 停机 and 关机 in early media, with no code that says so. Nothing of it is kept, and nothing of
what is said after an answer is recorded here, unless a campaign wants to know machines from people: then the first
seconds, for as long as it takes. Must not know: what a sound means (``outbound.announcements``, ``outbound.machines``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import structlog

from ivr.ami.client import AmiClient
from ivr.ami.errors import AmiError

log = structlog.get_logger(__name__)

RECORD_SECONDS: Final = 3.0  # until Asterisk has taken an order; it takes milliseconds
WAV_HEADER: Final = 44  # bytes; its lengths are right only once the file was closed (format_wav.c)
CLOSING_SECONDS: Final = 1.0  # a recording is closed by a thread of its own, soon after its channel is gone
LOOK_SECONDS: Final = 0.05
FOLLOW_SECONDS: Final = 0.2  # between two pieces of what is said after an answer

Sound = npt.NDArray[np.int16]


class EarlyMediaRecorder:
    """The early media of one controller's dials: 8 kHz, one file each in ``folder``, named after the call."""

    def __init__(self, recorder: AmiClient, folder: Path) -> None:
        """``recorder`` is the manager's account that may use MixMonitor."""
        self._recorder = recorder
        self._folder = folder
        self._begun: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, call: str, channel: str) -> None:
        """Sound has begun to come in on this channel. Never waits, never raises; once for each call."""
        if call not in self._begun:
            self._begun.add(call)
            self._go(self._record(call, channel))

    def drop(self, call: str, channel: str) -> None:
        """Somebody has answered: what is said from now on is nobody's business. Never waits, never raises."""
        if call in self._begun:
            self._begun.discard(call)
            self._go(self._stop(call, channel))

    async def after_answer(self, call: str, channel: str, seconds: float) -> AsyncGenerator[Sound, None]:
        """What is said after the answer, piece by piece as it comes, for so long at most; then it is removed.

        Asterisk is not told to stop: it would stop every recording of the channel (app_mixmonitor.c), the talk's as
        well. What it still writes has no name any more, and is gone with the call.
        """
        file = self._file(call)
        try:
            if call not in self._begun:
                self._begun.add(call)
                await self._record(call, channel)
            place = max(_size(file) // 2 * 2, WAV_HEADER)
            until = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < until:
                await asyncio.sleep(FOLLOW_SECONDS)
                piece = await asyncio.to_thread(_read, file, place)
                place += piece.nbytes
                if len(piece):
                    yield piece
        finally:
            self._begun.discard(call)
            file.unlink(missing_ok=True)

    async def take(self, call: str) -> Sound | None:
        """What was said until the call ended; None when nothing was recorded."""
        if call not in self._begun:
            return None
        self._begun.discard(call)
        try:
            return await asyncio.to_thread(_read, await self._closed(self._file(call)))
        except OSError:
            return None
        finally:
            self._file(call).unlink(missing_ok=True)

    def sweep(self, going_on: set[str]) -> None:
        """Remove what was left by controllers that died; ``going_on`` are calls that still ring."""
        for file in self._folder.glob("*.wav"):
            if file.stem in going_on:
                self._begun.add(file.stem)
            elif file.stem not in self._begun:
                file.unlink(missing_ok=True)

    async def stop(self) -> None:
        """No more orders; recordings end with their channels."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _file(self, call: str) -> Path:
        return self._folder / f"{call}.wav"

    async def _record(self, call: str, channel: str) -> None:
        # The options may name a command for the shell (app_mixmonitor.c): these name a file of ours, made of digits.
        headers = {"Channel": channel, "File": "", "Options": f"r({self._file(call)})"}
        try:
            await self._recorder.action("MixMonitor", headers, deadline=RECORD_SECONDS)
        except AmiError as error:  # the call is over already, or the link is down: the code alone must say it
            log.debug("early media is not recorded", call=call, error=str(error))

    async def _stop(self, call: str, channel: str) -> None:
        try:
            await self._recorder.action("StopMixMonitor", {"Channel": channel}, deadline=RECORD_SECONDS)
        except AmiError as error:
            log.debug("the recording of early media ends with its channel", call=call, error=str(error))
        await self._closed(self._file(call))
        self._file(call).unlink(missing_ok=True)

    async def _closed(self, file: Path) -> Path:
        """Until nothing is written any more."""
        size, rest = -1, CLOSING_SECONDS
        while rest > 0:
            now = file.stat().st_size if file.exists() else 0
            if now == size and now:
                break
            size, rest = now, rest - LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
        return file

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="early media")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _read(file: Path, place: int = WAV_HEADER) -> Sound:
    if not file.exists():
        return np.zeros(0, dtype=np.int16)
    with file.open("rb") as opened:
        opened.seek(place)
        data = opened.read()
    return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16)
