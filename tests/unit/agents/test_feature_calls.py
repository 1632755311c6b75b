"""What an agent hears who dials a feature code, and what the store says afterwards. On both databases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from agent_routing import feature_codes, pause_reasons, seat_times
from agent_routing.agents import Answer, HangUp, LogIn, Ring, RoleNotAllowed
from agent_routing.desk import AgentDesk
from db.agent import Agent, Seat, Session
from db.agent_pins import AgentPins
from db.agents import Agents
from db.seats import Seats
from db.store import Store
from ivr.agents.feature_calls import FeatureCalls
from ivr.agents.log_in import LogIns
from ivr.contract import DONE_HANGUP, DONE_SPY, VAR_DONE, VAR_SPY, VAR_SPY_HOW
from ivr.queueing.supervision import SpyHow, Supervisor
from ivr.queueing.talk_desk import NoTalk
from ivr.speech.catalogue import Catalogue
from ivr.testing import FakeCall

PROMPTS = Path(__file__).parents[3] / "prompts"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PIN, WRONG = "264813", "135790"
CATALOGUE = Catalogue.load(PROMPTS)


class Talks:
    """Agent 802 is in a talk, and any supervisor may come in."""

    async def at_seat(self, agent: str, how: SpyHow, seat: str, by: Supervisor) -> Mapping[str, str]:
        if by.power != "supervisor":
            raise RoleNotAllowed("No.")
        if agent != "802":
            raise NoTalk(agent)
        return {VAR_SPY: f"leg of {agent}"}


class Office:
    """Two seats, a Chinese agent 801 and an English one 802."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.desk = AgentDesk(store, seat_times.read(), pause_reasons.read())
        self.pins = AgentPins(store, b"pepper", QUICK)
        self.talks = Talks()
        self.calls = FeatureCalls(
            store,
            self.desk,
            LogIns(store, self.pins, b"key"),
            CATALOGUE,
            feature_codes.read(),
            pause_reasons.read(),
            "zh",
            self.talks,
        )

    async def dial(self, code: str, *presses: str, endpoint: str = "8001") -> str:
        """Dial it, press that; the last words that were heard."""
        call = FakeCall(presses)
        await self.calls.serve(call, code, endpoint)
        assert call.variables[VAR_DONE] == DONE_HANGUP
        return call.said[-1]

    async def session(self, agent: str = "801") -> Session:
        found = await self.desk.sessions.get(agent)
        assert found
        return found

    async def talking(self) -> None:
        """801 sits at S1 and is in a talk."""
        await self.desk.do("801", LogIn("S1"))
        await self.desk.reserve("801", "call-1")
        await self.desk.do("801", Ring("call-1"))
        await self.desk.do("801", Answer("call-1"))


@pytest.fixture
async def office(store: Store) -> Office:
    office = Office(store)
    await Agents(store).put(
        [Agent("801", "李雷", "Li Lei"), Agent("802", "韩梅梅", "Han Meimei", languages=("en", "zh"))], actor="boss"
    )
    await Seats(store).put(
        [Seat("S1", "softphone", endpoint="8001"), Seat("S2", "browser", endpoint="8002")], actor="boss"
    )
    for agent in ("801", "802"):
        await office.pins.set_pin(agent, PIN, actor="boss")
    return office


async def test_an_agent_logs_in_with_number_and_pin(office: Office) -> None:
    assert await office.dial("*11", "801#", PIN) == "李雷，签入成功。"
    assert (await office.session()).seat == "S1"
    assert await office.dial("*11802", PIN, endpoint="8002") == "Han Meimei, you are logged in."


async def test_a_slip_is_asked_again_and_three_wrong_ones_end_the_call(office: Office) -> None:
    assert await office.dial("*11", "80#", "801#", "12#", PIN) == "李雷，签入成功。"
    assert "不符" in await office.dial("*11802", WRONG, "802#", WRONG, "802#", WRONG, endpoint="8002")
    assert "一分钟后再试" in await office.dial("*11802", PIN, endpoint="8002")
    assert await office.desk.sessions.get("802") is None


async def test_silence_ends_the_call_with_a_word(office: Office) -> None:
    assert "没有收到有效输入" in await office.dial("*11", "")
    assert "没有收到有效输入" in await office.dial("*11801", "")


async def test_a_taken_seat_and_a_second_seat_are_refused(office: Office) -> None:
    await office.dial("*11801", PIN)
    assert "Somebody else is logged in" in await office.dial("*11802", PIN)
    assert "已在座席S一签入，请先签出" in await office.dial("*11801", PIN, endpoint="8002")


async def test_a_pause_by_the_reasons_key_or_by_the_menu(office: Office) -> None:
    await office.dial("*11801", PIN)
    assert await office.dial("*122") == "已示忙，午餐。"
    assert (await office.session()).reason == "lunch"
    assert await office.dial("*12", "3") == "已示忙，会议。"
    assert "没有这个示忙原因" in await office.dial("*120")
    assert await office.dial("*13") == "已示闲。"
    assert (await office.session()).state == "idle"


async def test_in_a_talk_the_pause_comes_after_it(office: Office) -> None:
    await office.talking()
    assert await office.dial("*121") == "本次通话结束后示忙，小休。"
    assert (await office.session()).next_state == "paused"
    assert await office.dial("*16") == "李雷，座席S一。您正在通话中。本次通话结束后示忙。"
    assert await office.dial("*19") == "您正在通话中。请在通话结束后再操作。"
    assert await office.dial("*13") == "已示闲。"
    assert (await office.session()).next_state is None


async def test_wrap_up_is_ended_and_made_longer(office: Office) -> None:
    await office.talking()
    await office.desk.do("801", HangUp("call-1"))
    before = (await office.session()).until
    assert await office.dial("*15") == "话后处理已延长。"
    after = (await office.session()).until
    assert before
    assert after
    assert after > before
    assert await office.dial("*14") == "话后处理结束，已示闲。"
    assert await office.dial("*14") == "您正在等待来电。无需操作。"
    assert await office.dial("*19") == "已签出。"


async def test_what_cannot_be_is_told_with_the_remedy(office: Office) -> None:
    for code in ("*13", "*14", "*15", "*16", "*19", "*121"):
        assert await office.dial(code) == "此座席无人签入，请先签入。", code
    assert "没有这个功能码" in await office.dial("*77")
    assert "没有这个功能码" in await office.dial("*1399")
    assert "没有登记为座席" in await office.dial("*16", endpoint="goldline-trunk")


def test_every_state_has_its_words() -> None:
    from db.agent import STATES

    for state in STATES:
        if state != "logged_out":
            for prompt in (f"seat_state_{state}", f"seat_remedy_{state}"):
                for language in CATALOGUE.languages:
                    assert CATALOGUE.has(prompt, language), prompt


async def test_a_supervisor_comes_into_a_talk_and_nobody_else_does(office: Office) -> None:
    await office.desk.do("801", LogIn("S1"))
    assert await office.dial("*21802") == "您没有此项权限。"
    await Agents(office.store).put([Agent("801", name_zh="李雷", role="supervisor")], actor="test")
    assert await office.dial("*21801") == "该座席没有可以监听的通话。"
    call = FakeCall(["802#"])
    await office.calls.serve(call, "*22", "8001")
    assert call.variables[VAR_DONE] == DONE_SPY
    assert (call.variables[VAR_SPY], call.variables[VAR_SPY_HOW]) == ("leg of 802", "whisper")


async def test_codes_of_talks_are_for_talks(office: Office) -> None:
    await office.desk.do("801", LogIn("S1"))
    assert (await office.dial("*31")).endswith("此功能请在通话中使用。")
