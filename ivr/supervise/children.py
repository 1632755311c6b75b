"""The two children behind one interface: start, notice the end or a hang, stop.

A child that does not answer is as bad as one that is dead, and worse to find: each is asked again and again whether it
is there. Both end with us, even when we are killed (PR_SET_PDEATHSIG; bubblewrap's --die-with-parent).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from ivr.asterisk.process import Asterisk
from ivr.supervise.errors import SuperviseError
from ivr.supervise.ports import LOOPBACK

START_SECONDS = 60.0  # until a fresh controller answers: it may have to load a voice on a busy machine
HANG_SECONDS = 10.0  # without an answer: it is restarted
ASK_SECONDS = 2.0  # between two questions, and for one answer
STOP_SECONDS = 10.0  # to finish what is under way, and to write the journal
STARTING_POLL_SECONDS = 0.1
EXIT_POLL_SECONDS = 0.2  # to see that Asterisk, which is not asyncio's own child, has ended


class Child(ABC):
    """One program that we run."""

    name: ClassVar[str]

    @abstractmethod
    async def start(self) -> None:
        """Return when it works. Raises GoldlineError."""

    @abstractmethod
    async def stop(self) -> None:
        """Return when it is gone: politely, after a deadline by force."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once."""

    @abstractmethod
    def exit_code(self) -> int | None:
        """None while it runs."""

    @abstractmethod
    async def answers(self) -> bool:
        """Asks it once; takes at most ASK_SECONDS."""

    async def ended(self) -> str:
        """Wait until it has died or hangs; says which."""
        last_answer = time.monotonic()
        while True:
            if (code := self.exit_code()) is not None:
                return f"it ended with {_named(code)}"
            if await self.answers():
                last_answer = time.monotonic()
            elif time.monotonic() - last_answer > HANG_SECONDS:
                return f"it has not answered for {HANG_SECONDS:.0f} s"
            await self._pause()

    @abstractmethod
    async def _pause(self) -> None:
        """Up to ASK_SECONDS; shorter when it dies."""


class AsteriskChild(Child):
    """Asterisk, asked over the AMI port: its greeting comes without a login."""

    name = "Asterisk"

    def __init__(self, asterisk: Asterisk, ami_port: int) -> None:
        self._asterisk = asterisk
        self._ami_port = ami_port

    async def start(self) -> None:
        """See Child."""
        self._asterisk.launch()
        await asyncio.to_thread(self._asterisk.wait_until_booted)

    async def stop(self) -> None:
        """See Child."""
        await asyncio.to_thread(self._asterisk.stop)

    def kill(self) -> None:
        """See Child."""
        self._asterisk.kill()

    def exit_code(self) -> int | None:
        """See Child."""
        return self._asterisk.exit_code

    async def answers(self) -> bool:
        """See Child."""
        return (await ask(self._ami_port, b"")).startswith(b"Asterisk Call Manager/")

    async def _pause(self) -> None:
        deadline = time.monotonic() + ASK_SECONDS
        while self.exit_code() is None and time.monotonic() < deadline:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(EXIT_POLL_SECONDS)


class ControllerChild(Child):
    """The controller, asked at its health endpoint. Any answer is a sign of life, also that something else is amiss."""

    name = "the controller"

    def __init__(self, command: Sequence[str], http_port: int, environment: Mapping[str, str] | None = None) -> None:
        self._command = list(command)
        self._http_port = http_port
        self._environment = dict(environment) if environment is not None else None
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """See Child."""
        # KILL, not TERM: a controller that hangs would not hear TERM and would hold its ports for ever.
        words = ["setpriv", "--pdeathsig", "KILL", "--", *self._command]
        self._process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, start_new_session=True, env=self._environment
        )
        deadline = time.monotonic() + START_SECONDS
        while not await self.answers():
            if (code := self.exit_code()) is not None:
                raise SuperviseError(
                    f"The controller ended at once with {_named(code)}.", remedy="Its own words stand above."
                )
            if time.monotonic() > deadline:
                raise SuperviseError(
                    f"The controller did not answer at http://{LOOPBACK}:{self._http_port}/health"
                    f" within {START_SECONDS:.0f} s.",
                    remedy="Its own words stand above; GOLDLINE_LOG__LEVEL=debug makes it say more.",
                )
            await asyncio.sleep(STARTING_POLL_SECONDS)

    async def stop(self) -> None:
        """See Child."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
        self.kill()
        await process.wait()

    def kill(self) -> None:
        """See Child. Its session goes with it: the workers that render speech."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def exit_code(self) -> int | None:
        """See Child."""
        return self._process.returncode if self._process else None

    async def answers(self) -> bool:
        """See Child."""
        question = f"GET /health HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n\r\n".encode()
        return (await ask(self._http_port, question)).startswith(b"HTTP/1.")

    async def _pause(self) -> None:
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_SECONDS):
                    await self._process.wait()


async def ask(port: int, question: bytes) -> bytes:
    """The first line that a loopback port answers; empty when it does not within ASK_SECONDS."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.write(question)
            return await reader.readline()
    except (OSError, TimeoutError, ValueError):
        return b""
    finally:
        if writer is not None:
            writer.close()


def _named(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
