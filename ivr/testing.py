"""A call without a telephone: ships with the product, so that anyone can test a flow or a service of their own.

``FakeCall`` is the real ``Call`` over a channel in memory that answers AGI commands as Asterisk does; the golden tests
of ``dialplans/`` run on it, and ``tests/wire/test_agi_flows.py`` holds it against the fake Asterisk that a real one
confirms. A ``Person`` at the other end hears, presses and hangs up. Nothing sleeps: silence is instant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from db.events import Event, EventSink
from ivr.agi.errors import CallerHungUp, DeadChannel
from ivr.agi.protocol import Answer
from ivr.call import Call, Returned
from ivr.flow.kit import Kit, Studio
from ivr.flow.prompts import Prompts
from ivr.flow.proof import Seal
from ivr.flow.service import Caller, Service
from ivr.flow.waiting import Ahead, Entered, LeftHow, WaitingRoom, Wish
from ivr.speech.utterance import Sound, Utterance

HANG_UP = "hang up"  # what a Person answers to end the call; never a key
SECONDS_PER_LETTER = 0.2


class Person(Protocol):
    """Whoever holds the telephone."""

    async def hears(self, utterance: Utterance) -> None:
        """Something begins to be said."""

    async def presses_while_playing(self) -> str:
        """A key pressed before the prompt ends; an empty string for none."""

    async def presses(self, *, first: bool) -> str:
        """A key, now that it is asked for; an empty string for silence.

        ``first`` is true for the first key after a prompt, false inside an entry of several digits.
        """

    async def speaks(self) -> str:
        """Words after the beep; the key that ends them. An empty string for having nothing to say."""


class SilentPerson:
    """Hears everything, presses nothing."""

    def __init__(self) -> None:
        self.heard: list[Utterance] = []

    async def hears(self, utterance: Utterance) -> None:
        self.heard.append(utterance)

    async def presses_while_playing(self) -> str:
        return ""

    async def presses(self, *, first: bool) -> str:  # noqa: ARG002 - silent either way
        return ""

    async def speaks(self) -> str:
        return ""


class Typist(SilentPerson):
    """Presses the given groups of keys, one group each time something is asked; then hangs up.

    A group may hold several keys (``"600519#"``); an empty group is silence. ``ahead=True`` presses everything at once,
    before any prompt has ended.
    """

    def __init__(self, groups: Sequence[str], *, ahead: bool = False) -> None:
        super().__init__()
        self._groups = deque([] if ahead else groups)
        self._now: deque[str] = deque("".join(groups) if ahead else "")

    async def presses_while_playing(self) -> str:
        return self._now.popleft() if self._now else ""

    async def presses(self, *, first: bool) -> str:
        if self._now:
            return self._now.popleft()
        if not first:
            return ""
        if not self._groups:
            return HANG_UP
        self._now.extend(self._groups.popleft())
        return self._now.popleft() if self._now else ""

    async def speaks(self) -> str:
        return await self.presses(first=True)


class FakeVoice:
    """Speech without sound: remembers which path stands for which words."""

    def __init__(self) -> None:
        self.utterances: dict[str, Utterance] = {}

    def ready(self, utterance: Utterance) -> Sound | None:
        path = f"said/{utterance.key}"
        self.utterances[path] = utterance
        return Sound(path, len(utterance.text) * SECONDS_PER_LETTER)

    async def compose(self, utterance: Utterance) -> Sound:
        sound = self.ready(utterance)
        assert sound is not None
        return sound


class FakeChannel:
    """Asterisk's side of a FastAGI session, in memory, for the commands that ``Call`` uses."""

    def __init__(self, person: Person, voice: FakeVoice, environment: Mapping[str, str] | None = None) -> None:
        self.environment = {
            "agi_uniqueid": "fake-1.1",
            "agi_callerid": "13800138000",
            "agi_calleridname": "unknown",
            "agi_channel": "PJSIP/fake-00000001",
            "agi_arg_1": "95500",
            **(environment or {}),
        }
        self.person = person
        self.voice = voice
        self.hung_up = False
        self.variables: dict[str, str] = {}
        self.commands: list[tuple[str | int | float, ...]] = []
        self.recorded: list[str] = []  # paths that something was recorded into
        self._music = False

    async def command(self, *words: str | int | float, deadline: float | None = None) -> Answer:  # noqa: ARG002
        """Answer one command the way res_agi.c does."""
        self.commands.append(words)
        match words:
            case ("SET", "VARIABLE", name, value):
                self.variables[str(name)] = str(value)
                return _answer("1")
            case ("GET", "VARIABLE", name):
                kept = self.variables.get(str(name))
                return _answer("0") if kept is None else _answer("1", kept)
        if self.hung_up:
            raise DeadChannel("the channel is gone")
        match words:
            case ("ANSWER",) | ("CHANNEL", "STATUS"):
                return _answer("0")
            case ("SET", "MUSIC", state, *_):
                self._music = state == "ON"
                return _answer("0")
            case ("STREAM", "FILE", "beep", *_):
                return _answer("0")
            case ("STREAM", "FILE", path, keys, *_):
                return await self._stream(str(path), str(keys))
            case ("GET", "OPTION", path, *_):
                await self._play(str(path))
                return _key(await self._press(first=True))
            case ("WAIT", "FOR", "DIGIT", _):
                return _key(await self._press(first=self._music))
            case ("RECORD", "FILE", path, *_):
                return await self._record(str(path))
            case ("GET", "DATA", path, _, most):
                return await self._data(str(path), int(most))
        raise AssertionError(f"FakeChannel does not know the command {words}")

    async def _play(self, path: str) -> None:
        await self.person.hears(self.voice.utterances[path])

    async def _stream(self, path: str, keys: str) -> Answer:
        await self._play(path)
        key = await self.person.presses_while_playing()
        while key and key != HANG_UP and key not in keys:  # Asterisk loses a key that is none of the escape digits
            key = await self.person.presses_while_playing()
        if key == HANG_UP:
            self._hang_up()
        return Answer(200, str(ord(key)) if key else "0", None, 8000)

    async def _data(self, path: str, most: int) -> Answer:
        if path:
            await self._play(path)
        digits = ""
        while len(digits) < most:
            key = await self._press(first=bool(path) and not digits)
            if not key:
                return Answer(200, digits, "timeout")
            if key == "#":
                break
            digits += key
        return Answer(200, digits)

    async def _record(self, path: str) -> Answer:
        self.recorded.append(path)
        key = await self.person.speaks()
        if key == HANG_UP:
            self._hang_up()
        return Answer(200, str(ord(key)), "dtmf", 40_000) if key else Answer(200, "0", "timeout", 0)

    async def _press(self, *, first: bool) -> str:
        key = await self.person.presses(first=first)
        if key == HANG_UP:
            self._hang_up()
        return key

    def _hang_up(self) -> None:
        self.hung_up = True
        raise CallerHungUp("the caller hung up")


class FakeCall(Call):
    """A call in memory. ``FakeCall(["1", "600519#"])`` presses those keys when asked, then hangs up."""

    def __init__(
        self,
        presses: Sequence[str] = (),
        *,
        ahead: bool = False,
        person: Person | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.person = person or Typist(presses, ahead=ahead)
        self.fake_voice = FakeVoice()
        self.fake_channel = FakeChannel(self.person, self.fake_voice, environment)
        super().__init__(self.fake_channel, self.fake_voice)

    @property
    def variables(self) -> Mapping[str, str]:
        """The channel's variables."""
        return self.fake_channel.variables

    @property
    def said(self) -> list[str]:
        """What was said so far, as text (for the persons that remember it)."""
        return [utterance.text for utterance in getattr(self.person, "heard", [])]


class MemoryJournal:
    """A journal in a list."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> None:
        self.events.append(event)

    def kinds(self) -> list[str]:
        """The kinds of the events, in order."""
        return [event.kind for event in self.events]


class AnsweredAtOnce:
    """A queue without seats (``ivr.flow.waiting.WaitingRoom``): whoever comes in ends as ``how`` says.

    Who ``waits`` is number 3 in the queue, for 2 to 5 minutes, and nobody ever comes; who has waited ``seconds`` since
    joining may be told that it was too long.
    """

    def __init__(self, how: Entered = "talked", seconds: float = 0.0) -> None:
        self.how: Entered = how
        self.seconds = seconds
        self.left: list[tuple[str, LeftHow]] = []

    async def may_record(self, caller: Caller) -> bool:  # noqa: ARG002
        return True

    async def place(self, caller: Caller, wish: Wish, carried: str) -> str:  # noqa: ARG002 - all are alike here
        return carried or "place"

    async def enter(self, call_id: str, place: str, back: Returned | None) -> Entered:  # noqa: ARG002
        return self.how

    def ahead(self, call_id: str) -> Ahead | None:  # noqa: ARG002
        return Ahead(3, 2, 5)

    def can_be_answered(self, call_id: str) -> bool:  # noqa: ARG002
        return True

    def waited(self, call_id: str) -> float:  # noqa: ARG002
        return self.seconds

    def leave(self, call_id: str, how: LeftHow) -> bool:
        self.left.append((call_id, how))
        return True

    def taken(self, call_id: str) -> bool:  # noqa: ARG002
        return False


def plain_kit(prompts: Prompts, services: Mapping[str, Service], journal: EventSink) -> Kit:
    """An engine's kit for calls in memory, in which every caller who wants a person talks to one at once."""
    return plain_kit_with(AnsweredAtOnce(), prompts, services, journal)


def plain_kit_with(waiting: WaitingRoom, prompts: Prompts, services: Mapping[str, Service], journal: EventSink) -> Kit:
    """The same, with a queue of one's own."""
    return Kit(prompts, services, journal, Seal(b"calls in memory"), Studio("recordings", "beep"), waiting, "music")


def _answer(result: str, data: str | None = None) -> Answer:
    return Answer(200, result, data)


def _key(key: str) -> Answer:
    return _answer(str(ord(key)) if key else "0")
