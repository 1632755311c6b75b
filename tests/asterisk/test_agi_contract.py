"""The dialogue that the fake Asterisk of the wire tests is made to: the same commands, to a real one.

``tests/wire/test_agi_calls.py`` runs ``SCRIPT`` against the fake; a difference found here is mended there.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from conftest import RunningAsterisk

from ivr import contract
from ivr.agi.protocol import AgiProtocol, Environment
from ivr.ami.client import AmiClient

sys.path.append(str(Path(__file__).parents[1] / "wire"))
from fake_asterisk import SCRIPT

pytestmark = pytest.mark.asterisk

SILENCE = b"\xd5" * 12_000  # 1.5 s of A-law
SECONDS = 20.0


class Line:
    """The controller's end of one FastAGI session, as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def environment(self) -> Environment:
        protocol = AgiProtocol()
        while True:
            protocol.receive(await self.reader.readline())
            event = protocol.next_event()
            if isinstance(event, Environment):
                return event

    async def answer(self) -> str:
        """One answer: a line, or for 520 its whole block."""
        line = (await self.reader.readline()).decode().rstrip("\n")
        if line.startswith("520-"):
            while not line.splitlines()[-1].startswith("520 End"):
                line += "\n" + (await self.reader.readline()).decode().rstrip("\n")
        return line


@asynccontextmanager
async def called(asterisk: RunningAsterisk) -> AsyncIterator[Line]:
    """A call that Asterisk hands to us."""
    lines: asyncio.Queue[Line] = asyncio.Queue()
    server = await asyncio.start_server(lambda r, w: lines.put_nowait(Line(r, w)), "127.0.0.1", asterisk.port("agi"))
    ami = AmiClient(
        host="127.0.0.1",
        port=asterisk.port("ami"),
        username=contract.AMI_ACTIONS,
        secret=asterisk.secrets.ami_actions,
    )
    await ami.start()
    try:
        await ami.wait_connected(SECONDS)
        await ami.action(
            "Originate",
            {
                "Channel": f"Local/{asterisk.settings.sip.number}@{contract.CONTEXT_TRUNK}/n",
                "Application": "Wait",
                "Data": "60",
                "Async": "true",
                "ChannelId": "contract-1",
                "OtherChannelId": "contract-2",
            },
        )
        async with asyncio.timeout(SECONDS):
            line = await lines.get()
        yield line
        line.writer.close()
    finally:
        server.close()
        await ami.stop()


async def test_the_script_of_the_fake_runs_alike_on_a_real_asterisk(asterisk: RunningAsterisk) -> None:
    sound = asterisk.layout.fixed_sounds_dir / "contract"
    sound.parent.mkdir(parents=True, exist_ok=True)
    sound.with_suffix(".alaw").write_bytes(SILENCE)
    async with called(asterisk) as line, asyncio.timeout(SECONDS):
        environment = await line.environment()
        assert environment.values["agi_arg_1"] == asterisk.settings.sip.number
        differences = []
        for command, pattern in SCRIPT:
            if command == "HANGUP?":
                assert await line.answer() == "HANGUP"
                continue
            line.writer.write(command.replace("SOUND", str(sound)).encode() + b"\n")
            answer = await line.answer()
            if not re.fullmatch(pattern, answer):
                differences.append(f"{command}: {answer!r} does not match {pattern!r}")
        assert not differences, "\n".join(differences)
