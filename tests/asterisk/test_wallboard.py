"""The wallboard beside a real Asterisk: callers who wait are seen, told in lines, drawn in a terminal, and gone again.

The calls are the hotline's side of calls that Asterisk places to itself; their places are set as a controller sets
them. What a controller would tell is told over the actions account. There is no controller: the board says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningAsterisk
from hotline import LOOK_SECONDS, _toml

from db.agent import Agent, Seat
from db.agents import Agents
from db.seats import Seats
from db.store import Store
from ivr import contract
from ivr.ami import AmiClient
from ivr.queueing.news import QueueNews, headers
from ivr.queueing.place import Place, encode

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40.0
STAY = {"Channel": f"Local/s@{contract.CONTEXT_SELF}/n", "Application": "Wait", "Data": "60", "Async": "true"}
Told = dict[str, Any]  # one line


@pytest.fixture
async def actions(asterisk: RunningAsterisk) -> AsyncIterator[AmiClient]:
    """What a controller does to channels, and tells."""
    client = AmiClient(
        host="127.0.0.1",
        port=asterisk.port("ami"),
        username=contract.AMI_ACTIONS,
        secret=asterisk.secrets.ami_actions,
        deadline=PATIENCE,
    )
    await client.start()
    try:
        await client.wait_connected(PATIENCE)
        yield client
    finally:
        await client.stop()


@pytest.fixture
async def environment(asterisk: RunningAsterisk, tmp_path: Path) -> dict[str, str]:
    """In which ``ivr`` finds this Asterisk and a store of the test's own, with one agent and one seat."""
    url = f"sqlite+aiosqlite:///{tmp_path}/goldline.db"
    settings = asterisk.settings.model_dump(mode="json") | {"database": {"url": url}}
    (tmp_path / "goldline.toml").write_text(_toml(settings), "utf-8")
    store = await Store.open(url)
    await store.migrate()
    await Agents(store).put([Agent("801", "李雷", "Li Lei")], actor="test")
    await Seats(store).put([Seat("S1", "softphone", contract.ENDPOINT_SOFTPHONE)], actor="test")
    await store.close()
    return {**os.environ, "GOLDLINE_CONFIG": str(tmp_path / "goldline.toml"), "TERM": "xterm", "COLUMNS": "110"}


@asynccontextmanager
async def waiting_call(actions: AmiClient, place: Place, number: str) -> AsyncIterator[str]:
    """A call that has this place; hung up in the end."""
    call = f"board-{uuid.uuid4().hex[:12]}"
    await actions.action("Originate", {**STAY, "ChannelId": call, "CallerID": number})
    async with asyncio.timeout(PATIENCE):
        # Not before it is answered: the other half of a Local channel takes over what this half has when it begins.
        while not any(one["Uniqueid"] == call and one["Application"] == "Wait" for one in await actions.list("Status")):
            await asyncio.sleep(LOOK_SECONDS)
    await actions.action("Setvar", {"Channel": call, "Variable": contract.VAR_WAIT, "Value": encode(place)})
    try:
        yield call
    finally:
        await actions.action("Hangup", {"Channel": call})


class Board:
    """``ivr monitor`` with these words, read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.last: Told = {}

    async def until(self, wanted: Callable[[Told], object]) -> Told:
        """The first line that is wanted, the last one included."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while not self.last or not wanted(self.last):
                read = await self._process.stdout.readline()
                assert read, f"it ended after {self.last}"
                self.last = json.loads(read)
        return self.last

    def of(self, call: str) -> Told | None:
        return next((one for one in self.last["waiting"] if one["call"] == call), None)


@asynccontextmanager
async def monitor(environment: dict[str, str], *words: str) -> AsyncIterator[Board]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ivr", "monitor", *words, stdout=subprocess.PIPE, cwd=ROOT, env=environment
    )
    try:
        yield Board(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.wait()


def calls(told: Told) -> list[str]:
    return [one["call"] for one in told["waiting"]]


async def test_waiting_callers_are_seen_in_their_order_and_gone_after_the_hang_up(
    actions: AmiClient, environment: dict[str, str]
) -> None:
    now = time.time()
    gold, platinum = Place(now - 40, "gold", "zh", line="95500"), Place(now - 5, "platinum", "en", line="95500")
    async with monitor(environment, "--json") as board, waiting_call(actions, gold, "13800138000") as first:
        await board.until(lambda told: told["links"]["asterisk"]["up"])
        # It began to look before or after the place was set: what a controller tells makes it known in any case.
        joined = QueueNews("wait.joined", first, tier="gold", joined=gold.joined, place=encode(gold))
        await actions.action("UserEvent", headers(joined))
        await board.until(lambda told: first in calls(told))
        async with waiting_call(actions, platinum, "13900139000") as second:
            joined = QueueNews("wait.joined", second, tier="platinum", joined=platinum.joined, place=encode(platinum))
            await actions.action("UserEvent", headers(joined))
            told = await board.until(lambda told: second in calls(told))
            assert [call for call in calls(told) if call in (first, second)] == [second, first]
            assert (board.of(second) or {})["number"] == "139****9000"
            async with monitor(environment, "--once", "--json", "--numbers") as once:
                told = await once.until(lambda told: True)
            assert (once.of(first) or {})["number"] == "13800138000"  # read whole, from the channels alone
            assert (once.of(second) or {})["standing"] == "strict"
            assert [row["reach"] for row in told["seats"] if row["seat"] == "S1"] == ["unreachable"]
            assert "no_language" in [alert["kind"] for alert in told["alerts"]]
        told = await board.until(lambda told: second not in calls(told))
        assert first in calls(told)
        assert told["tiers"]["platinum"]["today"]["abandoned"] == 1


async def test_in_a_terminal_it_draws_and_leaves_the_terminal_as_it_was(
    actions: AmiClient, environment: dict[str, str]
) -> None:
    place = Place(time.time() - 30, "gold", "zh", line="95500")
    async with waiting_call(actions, place, "13800138000"):
        ours, theirs = pty.openpty()
        try:
            termios.tcsetwinsize(theirs, (30, 100))
            before = termios.tcgetattr(theirs)
            command = [sys.executable, "-m", "ivr", "monitor", "--language", "en"]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                cwd=ROOT,
                env={**environment, "PYTHONFAULTHANDLER": "1"},
                start_new_session=True,
            )
            drawn = Drawn(ours)
            try:
                await drawn.until("138****8000")
                await drawn.until("controller AWAY")
                process.send_signal(signal.SIGINT)
                try:
                    async with asyncio.timeout(PATIENCE):
                        assert await process.wait() == 0
                except TimeoutError:
                    process.send_signal(signal.SIGABRT)  # it tells what every thread of it is doing, and dies
                    await process.wait()
                    await asyncio.sleep(0)
                    pytest.fail(f"it did not end, but was here: {drawn.text[-8000:]}")
                await drawn.until("\x1b[?1049l")  # back from the screen that programs draw on
                await drawn.until("\x1b[?25h")  # the cursor is there
                assert "Traceback" not in drawn.text
                assert termios.tcgetattr(theirs) == before
            finally:
                drawn.stop()
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        finally:
            os.close(ours)
            os.close(theirs)


class Drawn:
    """What a program wrote to its terminal."""

    def __init__(self, terminal: int) -> None:
        self.text = ""
        self._terminal = terminal
        self._more = asyncio.Event()
        os.set_blocking(terminal, False)
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            self.text += os.read(self._terminal, 65536).decode("utf-8", "replace")
        except BlockingIOError:
            return
        self._more.set()

    async def until(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self.text:
                self._more.clear()
                await self._more.wait()

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
