"""An independent witness of the controller's speed: the packets of its AGI port on the loopback interface.

A turn is the time from Asterisk's answer to our next command, packet to packet, as the kernel stamped them: what a
caller waits for us, our event loop's delay included, which the controller's own figures do not see. Needs tshark and
the right to capture; says so when it has not.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

SNAP_BYTES = 512  # of each packet: headers, and as much of a line as tells what it is
BUFFER_MIB = 16
BEGIN_SECONDS = 10.0
# Commands in which a caller hears something: the end of the wait that a caller feels.
AUDIBLE = (b"STREAM FILE", b"GET OPTION", b"GET DATA")
WAITING = (*AUDIBLE, b"WAIT FOR DIGIT")


@dataclass
class Turns:
    """Seconds."""

    all: list[float] = field(default_factory=list)  # answer to next command
    after_key: list[float] = field(default_factory=list)  # the same, where the answer brought a key
    key_to_sound: list[float] = field(default_factory=list)  # key to the next command that plays or listens
    asterisk: list[float] = field(default_factory=list)  # command to answer, where nobody is waited for
    sessions: int = 0


class Capture:
    """tshark on the loopback interface: ``await start()``, later ``turns(await stop())``."""

    def __init__(self, port: int, file: Path) -> None:
        self._port = port
        self._file = file
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Begin. Returns why not, or an empty string."""
        if not shutil.which("dumpcap") or not shutil.which("tshark"):
            return "tshark is not installed"
        self._process = await asyncio.create_subprocess_exec(
            *("dumpcap", "-q", "-i", "lo", "-f", f"tcp port {self._port}"),
            *("-s", str(SNAP_BYTES), "-B", str(BUFFER_MIB), "-w", str(self._file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self._process.stderr is not None
        said = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                while line := await self._process.stderr.readline():
                    said += line
                    if line.startswith(b"File:"):
                        return ""
        await self.end()
        return f"dumpcap does not capture: {said.decode(errors='replace').strip().splitlines()[-1:]}"

    async def end(self) -> None:
        """Stop capturing."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.communicate()
            self._process = None

    async def turns(self) -> Turns:
        """What was seen."""
        await self.end()
        reader = await asyncio.create_subprocess_exec(
            *("tshark", "-n", "-r", str(self._file), "-Y", "tcp.len > 0", "-T", "fields"),
            *("-e", "frame.time_epoch", "-e", "tcp.stream", "-e", "tcp.srcport", "-e", "tcp.payload"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await reader.communicate()
        return read_turns(output.decode().splitlines(), self._port)


@dataclass
class _Stream:
    asked_at: float = 0.0
    command: bytes = b""
    answered_at: float = 0.0  # 0: a command is running
    keyed_at: float = 0.0  # 0: no key is waiting for its sound
    brought_key: bool = False


def read_turns(rows: list[str], port: int) -> Turns:
    """Rows of time, stream, source port, payload in hex. Pure."""
    turns = Turns()
    streams: dict[str, _Stream] = {}
    for row in rows:
        moment, number, source, payload = (*row.split("\t"), "", "", "")[:4]
        at, data = float(moment), bytes.fromhex(payload)
        stream = streams.setdefault(number, _Stream())
        if int(source) == port:
            _asked(turns, stream, at, data)
        else:
            _answered(turns, stream, at, data)
    turns.sessions = len(streams)
    return turns


def _asked(turns: Turns, stream: _Stream, at: float, data: bytes) -> None:
    if stream.answered_at:
        turns.all.append(at - stream.answered_at)
        if stream.brought_key:
            turns.after_key.append(at - stream.answered_at)
    if stream.keyed_at and data.startswith(AUDIBLE):
        turns.key_to_sound.append(at - stream.keyed_at)
        stream.keyed_at = 0.0
    stream.asked_at, stream.command = at, data
    stream.answered_at, stream.brought_key = 0.0, False


def _answered(turns: Turns, stream: _Stream, at: float, data: bytes) -> None:
    if stream.command and not data.startswith((b"200", b"5")):
        return  # HANGUP, which answers nothing
    stream.answered_at = at
    if not stream.command:
        return
    if not stream.command.startswith(WAITING):
        turns.asterisk.append(at - stream.asked_at)
        return
    result = data.partition(b"result=")[2].split(maxsplit=1)[:1]
    stream.brought_key = bool(result) and result[0] not in (b"0", b"-1", b"(timeout)")
    if stream.brought_key:
        stream.keyed_at = at
