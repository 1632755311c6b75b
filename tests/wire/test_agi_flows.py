"""The hotline's own flow over TCP, and the call in memory held against it: both must live through the same.

``ivr.testing.FakeCall`` serves golden tests and ships with the product; here each story is told to it and to the fake
Asterisk, which in turn is held against a real one (``tests/asterisk/test_agi_contract.py``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from fake_asterisk import FakeAsterisk, FakeChannel

from ivr.agi.server import AgiServer, AgiSession
from ivr.call import Call
from ivr.config import CHECKOUT
from ivr.contract import DONE_HANGUP, VAR_CHECKPOINT, VAR_DONE
from ivr.flow.engine import Engine, Entry
from ivr.flow.library import read_all
from ivr.services.offline import A_TRADING_MORNING, offline_services
from ivr.speech.catalogue import Catalogue
from ivr.testing import FakeCall, FakeVoice, MemoryJournal, plain_kit

ENTRY = Entry("main", "zh")
STORIES = {
    "a price": ["1", "600519#"],
    "a price without the hash": ["1", "600519", "2"],
    "a share and an index": ["1", "000001#", "2", "*"],
    "an unknown code, then a known one": ["1", "999999#", "600036#"],
    "too many, too few": ["1", "60051999#", "6005#", "600519#"],
    "star at once": ["1", "*", "1", "600519#"],
    "hash at once": ["1", "#", "600519#"],
    "notices": ["2", "1", "2", "1", "*"],
    "English": ["8", "1", "600519#", "#"],
    "wrong keys to the end": ["7", "9", "0"],
    "goodbye": ["#"],
    "nothing": [],
}


class Patient(FakeChannel):
    """A caller who hears each prompt out and presses one group of keys per question, then hangs up."""

    groups: deque[str]

    def run(self, words: Sequence[bytes], *, dead: bool) -> bytes:
        if words[0] == b"STREAM":
            waiting, self._queue = self._queue, deque()
            try:
                return super().run(words, dead=dead)
            finally:
                self._queue = waiting
        if words[:2] == [b"GET", b"OPTION"] and not self._queue:
            if self.groups:
                self.press(self.groups.popleft())
            else:
                self.hang_up_when_listening()
        return super().run(words, dead=dead)


class Hotline:
    """The main flow over demonstration data."""

    def __init__(self, engine: Engine, journal: MemoryJournal) -> None:
        self.engine = engine
        self.journal = journal

    def story(self) -> list[tuple[str, Any]]:
        """What was said and keyed, and what the call did, in order."""
        wanted = {"said": "text", "keyed": "keys", "step": "path", "call.ended": "how"}
        return [(event.kind, event.data[wanted[event.kind]]) for event in self.journal.events if event.kind in wanted]


async def hotline() -> Hotline:
    prompts = Catalogue.load(CHECKOUT / "prompts")
    services = await offline_services(lambda: A_TRADING_MORNING)
    flows, problems, _ = read_all(CHECKOUT / "dialplans", prompts, services)
    assert not problems
    journal = MemoryJournal()
    return Hotline(Engine(lambda: flows, plain_kit(prompts, services, journal)), journal)


async def over_tcp(presses: list[str]) -> tuple[Hotline, FakeAsterisk]:
    house = await hotline()
    voice = FakeVoice()

    async def serve(session: AgiSession) -> None:
        await house.engine.run(Call(session, voice), ENTRY)

    server = AgiServer(serve)
    await server.start()
    channel = Patient()
    channel.groups = deque(presses)
    asterisk = FakeAsterisk(caller_id="13800138000", arguments=["95500"], channel=channel)
    await asterisk.call("127.0.0.1", server.port)
    await server.stop(5)
    return house, asterisk


@pytest.mark.parametrize("presses", STORIES.values(), ids=STORIES)
async def test_the_call_in_memory_lives_through_the_same_as_one_over_tcp(presses: list[str]) -> None:
    in_memory = await hotline()
    await in_memory.engine.run(FakeCall(presses, environment={"agi_callerid": "13800138000"}), ENTRY)
    real, _ = await over_tcp(presses)
    assert real.story() == in_memory.story()


async def test_a_call_that_ended_well_says_so_last() -> None:
    house, asterisk = await over_tcp(["#"])
    assert asterisk.channel.variables[VAR_DONE] == DONE_HANGUP
    assert list(asterisk.channel.variables)[-1] == VAR_DONE
    assert house.story()[-1] == ("call.ended", "hotline")


async def test_a_caller_who_leaves_leaves_no_done_but_a_checkpoint() -> None:
    house, asterisk = await over_tcp(["1"])
    assert VAR_DONE not in asterisk.channel.variables
    assert VAR_CHECKPOINT in asterisk.channel.variables
    assert house.story()[-1] == ("call.ended", "caller")
