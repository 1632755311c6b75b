"""``ivr agent`` in a terminal of its own (a pty), against the desk's routes over HTTP and a real store."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent_routing import pause_reasons
from agent_routing.desk import AgentDesk
from db.agent_pins import AgentPins
from db.agents import Agents
from db.answers import Answers
from db.attempts import Attempt
from db.audit import Audit
from db.followers import Followers
from db.store import Store
from ivr.agent_desk.passes import Passes
from ivr.agent_desk.routes import DeskRoutes
from ivr.agents.log_in import LogIns
from ivr.asterisk import secrets_file
from ivr.asterisk.layout import Layout
from ivr.config import CHECKOUT
from ivr.health import HealthServer, Route
from ivr.identity.keys import derived_key, pepper
from ivr.metrics import Metrics
from tests.unit.agent_desk.desk_house import ME, TIMES, House
from tests.unit.outreach.campaigning import DATA

PIN = "274951"
KEY = b"an installation's key"
PATIENCE = 30.0  # a command starts in a second, on a loaded machine in ten


class Controller:
    """As much of a controller as a desk needs: its HTTP, over a store; it can be stopped and started again."""

    def __init__(self, store: Store, run_dir: Path) -> None:
        self.house = House(store)
        self.store = store
        self.run_dir = run_dir
        self.secrets = secrets_file.load_or_create(Layout(run_dir).secrets_file)
        self.pins = AgentPins(store, pepper(KEY))
        self.port = 0
        self.attempt: Attempt | None = None

    async def begin(self) -> Attempt:
        self.attempt = await self.house.talking(**DATA)
        await self.pins.set_pin(ME, PIN, actor="test")
        await self.start()
        return self.attempt

    async def start(self) -> None:
        agents = AgentDesk(self.store, TIMES, pause_reasons.read())
        log_ins = LogIns(self.store, self.pins, KEY)
        self.house.desk._closed = False
        routes = DeskRoutes(self.store, self.house.desk, log_ins, agents, Passes(derived_key(KEY, "desk")))
        self.server = HealthServer(
            "127.0.0.1",
            self.port,
            self.secrets.http_token,
            lambda: {"ok": True},
            Metrics(),
            Followers().subscribe,
            routes=routes.all(Route),
        )
        await self.server.start()
        self.port = self.server.port

    async def is_followed(self) -> bool:
        """A desk waits for news here, and connects no more just now."""
        return bool(self.house.desk._told._waiters)

    async def stop(self) -> None:
        await self.house.desk.close()
        await self.server.stop()

    @property
    def environment(self) -> dict[str, str]:
        wanted = {"GOLDLINE_RUN_DIR": str(self.run_dir), "GOLDLINE_PORTS__HTTP": str(self.port)}
        return {**os.environ, **wanted, "PYTHONUNBUFFERED": "1", "TERM": "xterm", "COLUMNS": "100"}

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.secrets.http_token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(f"http://127.0.0.1:{self.port}/desk/{path}", json=body) as answer,
        ):
            return answer.status, await answer.json()


@pytest.fixture
async def controller(tmp_path: Path) -> AsyncIterator[Controller]:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/goldline.db")
    await store.migrate()
    (tmp_path / "run").mkdir()
    controller = Controller(store, tmp_path / "run")
    await controller.begin()
    yield controller
    await controller.stop()
    controller.pins.close()
    await store.close()


class Terminal:
    """Somebody at a terminal in which a command runs."""

    def __init__(self, master: int, slave: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._master = master
        self._slave = slave
        self._before = termios.tcgetattr(slave)
        self.text = ""
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self.text += re.sub(r"\x1b\[[0-9;]*m", "", data.decode("utf-8", "replace"))
        self._more.set()

    def types(self, line: str) -> None:
        os.write(self._master, f"{line}\n".encode())

    async def sees(self, words: str, after: int = 0) -> int:
        """Until these words stand on the screen; gives the place after them."""
        async with asyncio.timeout(PATIENCE):
            while (at := self.text.find(words, after)) < 0:
                self._more.clear()
                await self._more.wait()
        return at + len(words)

    async def ends(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    @property
    def left_as_it_was(self) -> bool:
        return termios.tcgetattr(self._slave) == self._before and "\x1b[?" not in self.text

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)


@asynccontextmanager
async def terminal(controller: Controller, *words: str) -> AsyncIterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ivr",
        "agent",
        *words,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=CHECKOUT,
        env=controller.environment,
        start_new_session=True,
    )
    seen = Terminal(master, slave, process)
    try:
        yield seen
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        seen.close()


async def kept(controller: Controller) -> dict[str, str]:
    assert controller.attempt
    return {one.step: one.answer for one in await Answers(controller.store).of(controller.attempt.id)}


async def until(wanted: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await wanted():
            await asyncio.sleep(0.02)


async def test_a_talk_from_the_card_to_the_disposition(controller: Controller) -> None:
    assert controller.attempt
    async with terminal(controller, ME) as screen:
        await screen.sees("PIN")
        screen.types(PIN)
        await screen.sees("王伟")
        await screen.sees("您是王伟本人吗")
        assert PIN not in screen.text
        screen.types("maybe")
        await screen.sees("没有这个选项")
        screen.types("y")
        await screen.sees("贵州茅台中签500股")
        assert await kept(controller) == {"opening": "yes"}
        screen.types("y")
        await screen.sees("足额缴款")
        screen.types("1")
        await screen.sees("话术结束，建议结果：已完成")
        controller.house.seated.put("wrap_up", controller.attempt.call)
        controller.house.desk.changed(ME)
        await screen.sees("话后处理")
        screen.types("1")
        await screen.sees("备注")
        screen.types("同意")
        await screen.sees("已保存：已完成")
        await screen.sees("空闲")
        screen.types(":q")
        assert await screen.ends() == 0
        assert screen.left_as_it_was
    assert controller.house.seated.sessions[ME].state == "idle"
    assert (await controller.house.campaign.target()).state == "reached"


async def test_a_controller_that_is_restarted_loses_no_answer(controller: Controller) -> None:
    async with terminal(controller, ME, "--language", "en") as screen:
        await screen.sees("PIN")
        screen.types(PIN)
        await screen.sees("您是王伟本人吗")  # the script is in the customer's language
        await until(controller.is_followed)
        await controller.stop()
        screen.types("y")
        await screen.sees("does not answer")
        assert await kept(controller) == {}
        await controller.start()
        after = await screen.sees("is back")
        await screen.sees("中签500股", after)
        assert await kept(controller) == {"opening": "yes"}
        screen.types(":q")
        assert await screen.ends() == 0


async def test_ctrl_c_leaves_the_terminal_clean(controller: Controller) -> None:
    async with terminal(controller, ME) as screen:
        await screen.sees("PIN")
        screen.types(PIN)
        await screen.sees("王伟")
        screen.process.send_signal(2)
        assert await screen.ends() == 0
        assert screen.left_as_it_was
        assert "Traceback" not in screen.text


async def test_a_wrong_pin_is_refused_and_stands_in_the_audit_trail(controller: Controller) -> None:
    async with terminal(controller, ME) as screen:
        await screen.sees("PIN")
        screen.types("111222")
        await screen.sees("do not fit")
        assert await screen.ends() == 1
    refused = [one for one in await Audit(controller.store).latest(20) if one.what == "agent.log_in_refused"]
    assert [one.data["agent"] for one in refused] == [ME]
    assert "111222" not in str(refused)


async def test_machines_read_and_write_lines_of_json(controller: Controller) -> None:
    assert controller.attempt
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ivr",
        "agent",
        ME,
        "--json",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=CHECKOUT,
        env=controller.environment,
    )
    assert process.stdin
    assert process.stdout
    stdin, stdout = process.stdin, process.stdout

    def say(**body: Any) -> None:
        stdin.write(json.dumps(body, ensure_ascii=False).encode() + b"\n")

    async def hear(kind: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                told = json.loads(await stdout.readline())
                if told["kind"] == kind:
                    return dict(told)

    stdin.write(f"{PIN}\n".encode())
    card = (await hear("card"))["card"]
    assert card["script"]["question"]["step"] == "opening"
    say(act="answer", call=card["call"], step="opening", typed="no")
    assert (await hear("done"))["act"] == "answer"
    say(act="answer", call="attempt-999", step="opening", typed="no")
    assert (await hear("refused"))["error"] == "not-your-call"
    say(act="settle", call=card["call"], disposition="wrong_person", note="")
    assert (await hear("done"))["disposition"] == "wrong_person"
    say(act="dance")
    assert "leave" in (await hear("told"))["text"]
    say(act="leave")
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0
    assert [phone.state for phone in (await controller.house.campaign.customer()).phones] == ["wrong_person", "good"]


async def test_without_a_pass_or_the_token_nothing_is_told(controller: Controller) -> None:
    for path in ("card", "answer", "settle", "ready", "accept"):
        status, told = await controller.post(path, **{"pass": "803-99999999999-" + "0" * 32})
        assert (status, told["error"]) == (409, "no-desk-pass")
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://127.0.0.1:{controller.port}/desk/log_in", json={"agent": ME, "pin": PIN}) as answer,
    ):
        assert answer.status == 401


async def test_pins_are_not_guessed_at_the_desk(controller: Controller) -> None:
    said = [(await controller.post("log_in", agent=ME, pin=f"90817{n}"))[1]["message"] for n in range(5)]
    assert said[0] == "Agent and PIN do not fit."
    assert said[-1].startswith(("Too many tries", "Logging in is locked"))
    _, told = await controller.post("log_in", agent=ME, pin=PIN)
    assert told["error"] == "log-in-refused", "not even the right one, until the wait is over"


async def test_who_has_left_sees_nothing_more(controller: Controller) -> None:
    _, told = await controller.post("log_in", agent=ME, pin=PIN)
    assert (await controller.post("card", **{"pass": told["pass"]}))[0] == 200
    await Agents(controller.store).leave(ME, actor="test")
    status, told = await controller.post("card", **{"pass": told["pass"]})
    assert (status, told["error"]) == (409, "no-desk-pass")
