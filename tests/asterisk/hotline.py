"""The real controller beside the session's Asterisk: a process of its own that a test may kill and start again.

``hotline`` (one per test module) is that process; ``journal`` (one per test) is what the test knows of calls: the live
feed while the controller lives, and the SQL store for whatever happened between two controllers.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sipp
from conftest import RunningAsterisk
from sipp import PATIENCE, Phone

from db.calls import Calls
from db.errors import StoreError
from db.fold import CallRecord
from db.store import Store
from ivr.config import Settings
from ivr.preparation import steps
from ivr.speech.speech import Speech
from ivr.speech.utterance import Sound

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
LOOK_SECONDS = 0.05  # between two looks at something that tells nobody when it changes

OPENING = 4000  # bytes of A-law, half a second: enough to tell prompts apart
PRICE_BYTES = 4 * 8000  # a price with name, code, change and time takes no less than four seconds

Happened = dict[str, Any]  # one journal event, as the feed has it


class Hotline:
    """The controller's process."""

    def __init__(self, asterisk: RunningAsterisk, settings: Settings) -> None:
        self.asterisk = asterisk
        self.settings = settings
        self.output = self.settings.run_dir / "log" / "controller.log"
        self.process: subprocess.Popen[bytes] | None = None

    async def prepare(self) -> None:
        """Tables, demonstration data, the voice."""
        for step in steps(self.settings):
            await step.action()

    async def start(self, **changed: object) -> None:
        """Start it, and wait until it takes calls. ``changed`` are settings: ``limits={"live_calls": 2}``."""
        self.launch(**changed)
        await self.ready()

    def launch(self, **changed: object) -> None:
        """Start it."""
        assert self.process is None, "it runs already"
        file = self.settings.run_dir / "controller.toml"
        file.write_text(_toml({**self.settings.model_dump(mode="json"), **changed}), "utf-8")
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ivr", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, "GOLDLINE_CONFIG": str(file)},
            )

    async def ready(self) -> None:
        """Until it takes calls and Asterisk's manager is connected."""
        async with asyncio.timeout(PATIENCE):
            while True:
                assert self.process, "it was not launched"
                assert self.process.poll() is None, self.output.read_text("utf-8")[-4000:]
                with contextlib.suppress(aiohttp.ClientError):
                    if (await self.health())["ami"] == "connected":
                        return
                await asyncio.sleep(LOOK_SECONDS)

    def kill(self) -> None:
        """As the kernel does it when memory is short: at once and without a word."""
        assert self.process
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        """As an operator does it."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            finally:
                self.process.kill()
                self.process.wait()
                self.process = None

    def freeze(self) -> None:
        """It is there and does nothing."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    async def health(self) -> dict[str, Any]:
        """What /health says. Raises aiohttp.ClientError when it does not answer."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"http://{LOOPBACK}:{self.asterisk.port('http')}/health") as answer,
        ):
            return dict(await answer.json())

    async def until(self, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Until /health says so."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(state := await self.health()):
            assert time.monotonic() < deadline, f"never: {what}; last {state}"
            await asyncio.sleep(LOOK_SECONDS)
        return state

    async def idle(self) -> None:
        """Until nothing is left of any call: not in the controller, not in Asterisk."""
        await self.until(lambda state: state["live_calls"] == 0, "no live calls")
        deadline = time.monotonic() + PATIENCE
        while "0 active channels" not in (said := await asyncio.to_thread(self.asterisk.cli, "core show channels")):
            assert time.monotonic() < deadline, f"channels are left: {said}"
            await asyncio.sleep(LOOK_SECONDS)

    def dialled(self, number: str = "", **how: Any) -> contextlib.AbstractAsyncContextManager[Phone]:
        """A caller (``sipp.dialled``)."""
        return sipp.dialled(self.asterisk.port("sip"), number or self.settings.sip.number, **how)


class Journal:
    """What happened to calls, as far as the journal knows."""

    def __init__(self, hotline: Hotline, store: Store) -> None:
        self.hotline = hotline
        self.store = store
        self.calls = Calls(store)
        self.fed: list[Happened] = []  # what the live feed told, in its order …
        self.fed_of: defaultdict[str, list[Happened]] = defaultdict(list)  # … and of each call
        self.connected = asyncio.Event()
        self.news = asyncio.Condition()

    async def follow(self) -> None:
        """Listen to the live feed, whichever controller has it, until cancelled."""
        port, token = self.hotline.asterisk.port("http"), self.hotline.asterisk.secrets.http_token
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with http.get(
                        f"http://{LOOPBACK}:{port}/events", headers={"Authorization": f"Bearer {token}"}
                    ) as answer:
                        self.connected.set()
                        async for line in answer.content:
                            if line.strip():
                                await self._hear(json.loads(line))
                self.connected.clear()
                await asyncio.sleep(LOOK_SECONDS)

    async def call_of(self, phone: Phone) -> CallOf:
        """The call that this telephone makes: known by its number, or by its name."""

        def is_its(one: Happened) -> bool:
            names = (one["data"].get("caller"), one["data"].get("caller_name", ""))
            # Of a caller without number and name there is one at a time.
            return one["kind"] == "call.started" and (phone.caller in names if phone.caller else not any(names))

        return CallOf(self, (await self.until(is_its, f"a call from {phone.caller!r}"))["call"])

    async def until(self, wanted: Callable[[Happened], bool], what: str) -> Happened:
        """The first event of the feed that is wanted."""
        deadline = time.monotonic() + PATIENCE
        past = 0
        while True:
            fresh, past = self.fed[past:], len(self.fed)
            for event in fresh:
                if wanted(event):
                    return event
            assert time.monotonic() < deadline, f"never: {what}; the feed had {[one['data'] for one in self.fed[-9:]]}"
            await self.something()

    async def something(self) -> bool:
        """Until the feed tells something, or a moment has passed; False then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3), self.news:
                await self.news.wait()
                return True
        return False

    async def stored(self, call_id: str) -> list[Happened]:
        """What the store has of a call; nothing while the database is away."""
        try:
            events = await self.calls.events(call_id)
        except StoreError:
            return []
        return [{"id": e.id, "call": e.call_id, "at": e.at, "kind": e.kind, "data": dict(e.data)} for e in events]

    async def _hear(self, event: Happened) -> None:
        async with self.news:
            happened = {**event, "at": datetime.datetime.fromisoformat(event["at"])}
            self.fed.append(happened)
            self.fed_of[event["call"]].append(happened)
            self.news.notify_all()


class CallOf:
    """One call in the journal."""

    def __init__(self, journal: Journal, call_id: str) -> None:
        self.journal = journal
        self.id = call_id
        self._last = ""  # the event that was waited for last
        self._stored: list[Happened] = []

    async def until(self, kind: str, **data: Any) -> Happened:
        """The next event of that kind that holds all of ``data``, after the one that was waited for last."""
        deadline = time.monotonic() + PATIENCE
        while True:
            known = self._known()
            places = [place for place, one in enumerate(known) if one["id"] == self._last]
            for event in known[places[0] + 1 if places else 0 :]:
                if event["kind"] == kind and all(event["data"].get(name) == value for name, value in data.items()):
                    self._last = event["id"]
                    return event
            if time.monotonic() > deadline:
                tail = "\n".join(f"  {one['kind']} {one['data']}" for one in known)
                raise AssertionError(f"never: {kind} {data} after {self._last} in call {self.id}, but\n{tail}")
            if not await self.journal.something():
                self._stored = await self.journal.stored(self.id)

    async def until_said(self, prompt: str) -> Happened:
        """The next moment when that prompt begins."""
        while True:
            event = await self.until("said")
            if prompt in event["data"]["prompts"]:
                return event

    async def until_ended(self, *how: str) -> CallRecord:
        """Its row in SQL, once it has an end there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(StoreError):
                row = await self.journal.calls.get(self.id)
                if row and row.ended_at:
                    assert row.ended_how in how, await self.journal.stored(self.id)
                    return row
            assert time.monotonic() < deadline, f"call {self.id} has no end: {self._known()}"
            await asyncio.sleep(LOOK_SECONDS)

    async def said(self) -> list[str]:
        """Every prompt that began, in order, from the store."""
        told = await self.journal.stored(self.id)
        return [prompt for one in told if one["kind"] == "said" for prompt in one["data"]["prompts"]]

    async def keyed(self) -> list[str]:
        """What the flow understood at each question, in order, from the store."""
        return [one["data"]["keys"] for one in await self.journal.stored(self.id) if one["kind"] == "keyed"]

    async def kinds(self) -> list[str]:
        """The kinds of all events, in order, from the store."""
        return [one["kind"] for one in await self.journal.stored(self.id)]

    def _known(self) -> list[Happened]:
        own = {one["id"]: one for one in self._stored}
        for one in self.journal.fed_of[self.id]:
            own.setdefault(one["id"], one)
        return sorted(own.values(), key=lambda one: one["at"])


@asynccontextmanager
async def following(hotline: Hotline) -> AsyncIterator[Journal]:
    """The journal, followed."""
    store = await Store.open(hotline.settings.database_url)
    one = Journal(hotline, store)
    feed = asyncio.create_task(one.follow())
    try:
        async with asyncio.timeout(PATIENCE):
            await one.connected.wait()
        yield one
    finally:
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)
        await store.close()


@contextlib.contextmanager
def running(hotline: Hotline) -> Iterator[Hotline]:
    """The controller, prepared and started; stopped at the end."""
    asyncio.run(hotline.prepare())
    try:
        asyncio.run(hotline.start())
        yield hotline
    finally:
        hotline.stop()


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    """The controller, running. A test that stops it starts it again."""
    with running(Hotline(asterisk, asterisk.settings)) as one:
        yield one


@pytest.fixture
async def journal(hotline: Hotline) -> AsyncIterator[Journal]:
    """The journal, followed; after the test nothing is left of its calls."""
    async with following(hotline) as one:
        yield one
        await hotline.idle()


class Absences:
    """Times without a controller. Each begins when every caller is where it should be, and lasts for all of them."""

    def __init__(self, *leave: Callable[[Hotline], None]) -> None:
        """``leave`` is what happens to the controller, one after the other: ``Hotline.kill``, ``Hotline.stop``."""
        self._leave = leave
        self._steps: Counter[asyncio.Task[None] | None] = Counter()  # how often each caller has come to a step
        self._happened = 0  # going away and coming back are one each

    async def begins(self) -> None:
        """The caller is ready; until the controller is gone."""
        await self._step()

    async def ends(self) -> None:
        """The caller has heard enough; until there is another controller."""
        await self._step()

    async def during(self, stories: list[asyncio.Future[None]], hotline: Hotline) -> None:
        """All of them, while the stories are told. A story that is over keeps nobody waiting."""
        for leave in self._leave:
            await self._everybody(stories)
            await asyncio.to_thread(leave, hotline)
            self._happened += 1
            await self._everybody(stories)
            await hotline.start()
            self._happened += 1

    async def _step(self) -> None:
        story = asyncio.current_task()
        self._steps[story] += 1
        while self._happened < self._steps[story]:
            await asyncio.sleep(LOOK_SECONDS)

    async def _everybody(self, stories: list[asyncio.Future[None]]) -> None:
        while any(not story.done() and self._steps[story] <= self._happened for story in stories):  # type: ignore[index]
            await asyncio.sleep(LOOK_SECONDS)


Story = Callable[[Hotline, Journal, "Voice"], Awaitable[None]]


class Together:
    """Tests of one module whose calls run at the same time: calls take minutes, and the hotline has many lines.

    The module makes one, decorates its tests with it, and has ``told = together.fixture()``.
    """

    def __init__(self, absences: Absences | None = None) -> None:
        self._stories: dict[str, Story] = {}
        self._absences = absences

    def __call__(self, story: Story) -> Callable[[dict[str, BaseException | None]], None]:
        """A test that fails with whatever the story failed with."""
        name = story.__name__
        self._stories[name] = story

        def test(told: dict[str, BaseException | None]) -> None:
            if error := told[name]:
                raise error

        test.__name__, test.__doc__ = name, story.__doc__
        return test

    def fixture(self) -> Any:
        """``told``: runs the stories of all tests that were chosen, once, and has what each failed with."""

        @pytest.fixture(scope="module")
        def told(request: pytest.FixtureRequest, hotline: Hotline) -> dict[str, BaseException | None]:
            module = request.module.__name__
            chosen = [one.name for one in request.session.items if one.module.__name__ == module]  # type: ignore[attr-defined]
            return asyncio.run(self._tell(hotline, [name for name in chosen if name in self._stories]))

        return told

    async def _tell(self, hotline: Hotline, chosen: list[str]) -> dict[str, BaseException | None]:
        async with following(hotline) as journal, voice(hotline) as expected:
            stories = [asyncio.ensure_future(self._stories[name](hotline, journal, expected)) for name in chosen]
            if self._absences:
                await self._absences.during(stories, hotline)
            errors = await asyncio.gather(*stories, return_exceptions=True)
            if not any(errors):
                await hotline.idle()
            return dict(zip(chosen, errors, strict=True))


@asynccontextmanager
async def voice(hotline: Hotline) -> AsyncIterator[Voice]:
    """The same voice as the hotline's: it tells how a prompt must sound."""
    settings = hotline.settings
    speech = Speech.open(
        settings.prompts, settings.cache_dir / "speech", settings.run_dir / "expected", settings.speech.manner()
    )
    await speech.start()
    try:
        yield Voice(speech)
    finally:
        await speech.stop()


class Voice:
    """What prompts sound like."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech

    async def sound(self, prompt: str, language: str = "zh", values: Mapping[str, Any] | None = None) -> bytes:
        """The prompt as the trunk must carry it, A-law."""
        sound: Sound = await self._speech.composer.compose(self._speech.catalogue.say(prompt, language, values or {}))
        return Path(f"{sound.path}.alaw").read_bytes()

    def is_fixed(self, prompt: str) -> bool:
        """It sounds the same in every call: no values stand in it."""
        return not self._speech.catalogue.signature(prompt)

    async def opening(self, prompt: str, language: str = "zh") -> bytes:
        """Its first half second, which nobody has cut short yet."""
        return (await self.sound(prompt, language))[:OPENING]


def price_before(hotline: Hotline, heard: bytes, after_quote: bytes, since: int = 0) -> bytes:
    """The price that was heard whole right before ``after_quote``, byte for byte as it was composed."""
    place = heard.find(after_quote[:OPENING], since)
    assert place >= 0, "the question after the price was not heard"
    for file in hotline.settings.sounds_dir.glob("**/*.alaw"):
        sound = file.read_bytes()
        if len(sound) > PRICE_BYTES and heard[:place].endswith(sound):
            return sound
    raise AssertionError("before that question no composed sound was heard whole")


def _toml(tree: Mapping[str, Any]) -> str:
    """Settings as TOML: JSON's strings, numbers, truth values and lists are TOML's, too."""
    plain = [f"{name} = {_toml_value(value)}" for name, value in tree.items() if not isinstance(value, Mapping)]
    sections = [f"[{name}]\n{_toml(value)}" for name, value in tree.items() if isinstance(value, Mapping)]
    return "\n".join([*plain, *sections])


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_toml_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(one) for one in value) + "]"
    return json.dumps(value)
