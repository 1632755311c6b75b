"""Engines in processes of their own behind the engine interface: what blocks, hangs or crashes there, does so there.

A worker that dies, hangs or loses step is ended and another one started; the text it had is rendered once more. Nothing
here knows what a worker does with a text: ``ivr.speech.engines.worker_exchange`` is its side of the pipe.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.speech.audio.clip import Clip
from ivr.speech.engines.engine import RENDER_SECONDS, Rendered
from ivr.speech.engines.worker_exchange import LARGEST_MESSAGE, LENGTH
from ivr.speech.errors import EngineFailed

START_SECONDS = 30.0  # a Python process with NumPy starts in under a second; a machine busy starting everything, later
STOP_SECONDS = 2.0  # a worker whose input has ended is gone at once, unless it hangs
TRIES = 2  # a text whose worker breaks is tried on another; if that breaks as well, it is the text
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Program:
    """What a worker is: ``name`` in messages, the module that is run with its arguments, ``remedy`` when it fails."""

    name: str
    module: str
    remedy: str
    arguments: tuple[str, ...] = ()


class _Broken(Exception):
    """The worker is dead, too slow or out of step: end it."""


class _Worker:
    """One worker process, one request at a time."""

    def __init__(self, process: asyncio.subprocess.Process, program: Program) -> None:
        self.process = process
        self._program = program

    @classmethod
    async def start(cls, program: Program, start_seconds: float) -> _Worker:
        """Raises _Broken when it does not get ready, EngineFailed when it says why not."""
        path = os.pathsep.join(filter(None, (str(_PACKAGE_ROOT), os.environ.get("PYTHONPATH"))))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", program.module, *program.arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # One thread each: the pool is how more cores are used.
            env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        )
        worker = cls(process, program)
        try:
            async with asyncio.timeout(start_seconds):
                head = await worker._message()
        except TimeoutError:
            await worker.end()
            raise _Broken(f"it was not ready after {start_seconds} s") from None
        except BaseException:
            await worker.end()
            raise
        if "error" in head:
            await worker.end()
            raise EngineFailed(f"{program.name} does not start: {head['error']}.", remedy=program.remedy)
        return worker

    async def ask(self, language: str, words: str, seconds: float) -> Clip:
        """Raises _Broken when the worker is of no more use, EngineFailed when it is but the words are not."""
        request = json.dumps({"language": language, "words": words}).encode()
        stdin = self.process.stdin
        assert stdin is not None
        try:
            async with asyncio.timeout(seconds):
                stdin.write(LENGTH.pack(len(request)) + request)
                await stdin.drain()
                head = await self._message()
                if "error" in head:
                    what = f"{self._program.name} cannot say {words[:40]!r}: {head['error']}."
                    raise EngineFailed(what, remedy=self._program.remedy)
                return Clip(await self._exactly(head["alaw"]), await self._exactly(head["sln16"]))
        except TimeoutError:
            raise _Broken(f"it did not answer in {seconds} s") from None
        except OSError as error:
            raise _Broken(f"it is gone ({error})") from error

    async def _message(self) -> dict[str, Any]:
        (length,) = LENGTH.unpack(await self._exactly(LENGTH.size))
        if length > LARGEST_MESSAGE:
            raise _Broken("its answer is out of step")
        message: dict[str, Any] = json.loads(await self._exactly(length))
        return message

    async def _exactly(self, count: int) -> bytes:
        stdout = self.process.stdout
        assert stdout is not None
        try:
            return await stdout.readexactly(count)
        except asyncio.IncompleteReadError:
            raise _Broken(f"it ended with {self.process.returncode}") from None

    async def end(self) -> None:
        """Kill it and wait for its end."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()

    async def leave(self) -> None:
        """Let it end by itself, as its input is closed; kill it when it does not."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            await self.end()


class WorkerPool:
    """Speech by worker processes."""

    def __init__(
        self,
        program: Program,
        identity: str,
        workers: int,
        render_seconds: float = RENDER_SECONDS,
        start_seconds: float = START_SECONDS,
    ) -> None:
        """``workers`` processes at most, started when they are needed; each text has ``render_seconds`` on one."""
        self._program = program
        self._render_seconds = render_seconds
        self._start_seconds = start_seconds
        self.identity = identity
        self._running: set[_Worker] = set()
        # A place is a worker, or None where one has to be started first.
        self._places: asyncio.LifoQueue[_Worker | None] = asyncio.LifoQueue()
        for _ in range(workers):
            self._places.put_nowait(None)

    @property
    def pids(self) -> list[int]:
        """The process ids of the running workers."""
        return sorted(worker.process.pid for worker in self._running if worker.process.returncode is None)

    async def start(self) -> None:
        """Start the first worker, to know that it can be. Raises EngineFailed with the remedy."""
        place = await self._places.get()
        try:
            place = place or await self._started()
        except _Broken as broken:
            what = f"The {self._program.name} worker does not start: {broken}."
            raise EngineFailed(what, remedy=self._program.remedy) from broken
        finally:
            self._places.put_nowait(place)

    async def stop(self) -> None:
        """End every worker."""
        workers, self._running = self._running, set()
        await asyncio.gather(*(worker.leave() for worker in workers))

    async def render(self, language: str, words: str) -> Rendered:
        """Say the words on a free worker. Raises EngineFailed when two workers in a row break on them."""
        worker = await self._places.get()
        why = ""
        try:
            for _ in range(TRIES):
                try:
                    worker = worker or await self._started()
                    clip = await worker.ask(language, words, self._render_seconds)
                except _Broken as broken:
                    why = str(broken)
                    await self._given_up(worker)
                    worker = None
                    continue
                if clip.whole:
                    return Rendered(clip, self.identity)
                why = "its clip is not whole"
        except EngineFailed:
            raise
        except BaseException:  # cancelled half way: an answer is still under way, so the worker is out of step
            await asyncio.shield(self._given_up(worker))
            worker = None
            raise
        finally:
            self._places.put_nowait(worker)
        what = f"The {self._program.name} worker failed {TRIES} times: {why}."
        raise EngineFailed(what, remedy=self._program.remedy)

    async def _started(self) -> _Worker:
        try:
            worker = await _Worker.start(self._program, self._start_seconds)
        except OSError as error:
            what = f"No {self._program.name} worker can be started: {error}."
            raise EngineFailed(what, remedy=self._program.remedy) from error
        self._running.add(worker)
        return worker

    async def _given_up(self, worker: _Worker | None) -> None:
        if worker is not None:
            self._running.discard(worker)
            await worker.end()
