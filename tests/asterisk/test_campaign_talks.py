"""Talks of campaigns from the agent's desk, and questionnaires by keys, by real calls. All told at the same time."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from carrier import Behaviour, number
from dial_house import DialHouse, attempt_in, ended, on_the_line, running
from hotline import CallOf, Hotline, Journal, Together, Voice
from queue_house import Desk, at_work, opened, waiting

from db.agent_pins import AgentPins
from db.answers import Answers
from db.events import utcnow
from ivr.agent_desk.card import masked
from ivr.identity.keys import pepper

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = DialHouse()
together = Together()
told = together.fixture()

OPEN = {"kept_open": True}
PIN = "274951"
PATIENCE = 30.0
WRAPPED = house.queue.story(seat=OPEN)
AFTERWARDS = house.campaign([number(Behaviour.PERSON, 1)], story=WRAPPED, script="event_invitation")
QUICK = house.queue.story(seat=OPEN)
MEANWHILE = house.campaign([number(Behaviour.PERSON, 1)], story=QUICK, script="event_invitation")
LOOKS_FIRST = house.queue.story()
SHOWN = house.campaign([number(Behaviour.PERSON, 1)], story=LOOKS_FIRST, script="event_invitation", mode="preview")
PASSES = house.queue.story()
SKIPPED = house.campaign([number(Behaviour.PERSON, 1)], story=PASSES, script="event_invitation", mode="preview")
KEYED = house.campaign([number(Behaviour.PRESSES_1, 1)], script="satisfaction_survey", call="questionnaire")
NOTICE = house.campaign([number(Behaviour.PRESSES_1, 1)], script="event_invitation")
PERSONAL = house.campaign([number(Behaviour.PROVES, 1)], script="allotment_result")
STRANGER = house.campaign([number(Behaviour.PRESSES_1, 1)], script="allotment_result")
CALLED = house.queue.story()
CALLER = CALLED.caller("gold", name_zh="陈静")


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    with house.joined() as asterisk, house.hotline(asterisk, "talks") as one:
        yield one


@dataclass
class AtDesk:
    """An agent who has logged in at the desk."""

    http: aiohttp.ClientSession
    url: str
    own: str

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        async with self.http.post(f"{self.url}/desk/{path}", json={"pass": self.own, **body}) as answer:
            told = await answer.json()
            assert answer.status == 200, told
            return dict(told)

    async def until(self, **wanted: Any) -> Mapping[str, Any]:
        """The card, once it says this; news are waited for, not asked for again and again."""
        stamp = ""
        async with asyncio.timeout(PATIENCE):
            while True:
                card = await self.post("card", stamp=stamp, seconds=5)
                if all(card.get(name) == value for name, value in wanted.items()):
                    return card
                stamp = card["stamp"]


@asynccontextmanager
async def logged_in(hotline: Hotline, desk: Desk) -> AsyncIterator[AtDesk]:
    secrets = hotline.asterisk.secrets
    async with opened(hotline) as store:
        pins = AgentPins(store, pepper(secrets.identity_key.encode()))
        await pins.set_pin(desk.agent.id, PIN, actor="test")
        pins.close()
    url = f"http://127.0.0.1:{hotline.asterisk.port('http')}"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {secrets.http_token}"}) as http:
        body = {"agent": desk.agent.id, "pin": PIN}
        async with http.post(f"{url}/desk/log_in", json=body) as answer:
            assert answer.status == 200, await answer.text()
            yield AtDesk(http, url, (await answer.json())["pass"])


@together
async def test_the_disposition_ends_the_wrap_up(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    (dialled,) = AFTERWARDS.numbers
    async with on_the_line(hotline, WRAPPED) as (desk, leg), logged_in(hotline, desk) as at:
        async with running(hotline, AFTERWARDS):
            row = await attempt_in(hotline, AFTERWARDS, dialled, "talking")
            card = await at.until(state="talking", call=row.call)
            assert "诚邀" in card["script"]["say"][0]["text"]
            assert "投资者见面会" in card["script"]["say"][0]["text"]
            await at.post("answer", call=row.call, step="opening", typed="1")
            told = await at.post("answer", call=row.call, step="how_many", typed="3")
            assert told["card"]["script"]["end"] == "completed"
            leg.hang_up()
            await at.until(state="wrap_up")
            await at.post("settle", call=row.call, disposition="completed", note="三位")
            await at.until(state="idle", kind="none")
            over = await ended(hotline, AFTERWARDS, dialled)
        assert (over.target.state, over.target.why) == ("reached", "completed")
        assert (over.last.disposition, over.last.note, over.last.agent) == ("completed", "三位", desk.agent.id)
        async with opened(hotline) as store:
            kept = {one.step: one.answer for one in await Answers(store).of(row.id)}
        assert kept == {"opening": "come", "how_many": "3"}
        await CallOf(journal, row.call).until("outbound.result", disposition="completed", agent=desk.agent.id)


@together
async def test_who_said_it_in_the_talk_is_ready_right_after_it(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    (dialled,) = MEANWHILE.numbers
    async with on_the_line(hotline, QUICK) as (desk, leg), logged_in(hotline, desk) as at:
        async with running(hotline, MEANWHILE):
            row = await attempt_in(hotline, MEANWHILE, dialled, "talking")
            await at.until(state="talking", call=row.call)
            await at.post("settle", call=row.call, disposition="no_time")
            leg.hang_up()
            await at.until(state="idle")
            over = await ended(hotline, MEANWHILE, dialled)
        assert (over.target.state, over.target.why) == ("waiting", "no_time")
        assert over.target.due_at - utcnow() > datetime.timedelta(hours=3)


@together
async def test_in_preview_the_agent_reads_and_then_accepts(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    (dialled,) = SHOWN.numbers
    async with at_work(hotline, LOOKS_FIRST) as desk, logged_in(hotline, desk) as at, running(hotline, SHOWN):
        card = await at.until(kind="campaign", mode="preview")
        assert house.network.invited()[dialled] == 0
        await at.post("accept", call=card["call"])
        ring = await desk.phone.rung()
        assert house.network.invited()[dialled] == 0, "not before the agent is there"
        ring.answer()
        row = await attempt_in(hotline, SHOWN, dialled, "talking")
        assert row.call == card["call"]
        offered = await CallOf(journal, row.call).until("offer.made", agent=desk.agent.id)
        assert offered["data"]["recording"], "the agent's first words say that it is recorded"
        await at.until(state="talking")
        await at.post("settle", call=row.call, disposition="refused")
        ring.hang_up()
        over = await ended(hotline, SHOWN, dialled)
        await at.until(state="idle")
    assert (over.target.state, over.last.disposition) == ("refused", "refused")
    assert house.network.invited()[dialled] == 1


@together
async def test_in_preview_the_agent_may_leave_it_to_somebody_else(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    (dialled,) = SKIPPED.numbers
    async with at_work(hotline, PASSES) as desk, logged_in(hotline, desk) as at, running(hotline, SKIPPED):
        card = await at.until(kind="campaign", mode="preview")
        await at.post("skip", call=card["call"])
        await at.until(state="idle")
        over = await ended(hotline, SKIPPED, dialled)
    assert (over.target.state, over.target.why, over.target.attempts) == ("waiting", "passed", 0)
    assert house.network.invited()[dialled] == 0


@together
async def test_a_questionnaire_by_keys(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """Whoever presses 1 again and again: yes, bad marks, cost, would recommend us."""
    (dialled,) = KEYED.numbers
    async with running(hotline, KEYED):
        over = await ended(hotline, KEYED, dialled)
    assert (over.target.state, over.target.why) == ("reached", "completed")
    async with opened(hotline) as store:
        kept = {one.step: one.answer for one in await Answers(store).of(over.last.id)}
    assert kept == {
        "opening": "yes",
        "service": "1",
        "hotline": "1",
        "trading": "1",
        "best": "cost",
        "recommend": "yes",
    }


@together
async def test_a_notice_is_confirmed_only_after_it_was_said(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    """Whoever presses 1 from the first word on confirms it once, when asked."""
    (dialled,) = NOTICE.numbers
    async with running(hotline, NOTICE):
        over = await ended(hotline, NOTICE, dialled)
    assert (over.target.state, over.target.why) == ("reached", "acknowledged")
    call = CallOf(journal, over.last.call)
    await call.until("outbound.result", disposition="heard_only")
    await call.until("step", path="notice_call/confirm/1")
    await call.until("outbound.result", disposition="acknowledged")


@together
async def test_a_personal_notice_is_for_who_knows_the_account(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    (dialled,), (strange,) = PERSONAL.numbers, STRANGER.numbers
    async with running(hotline, PERSONAL), running(hotline, STRANGER):
        known, unknown = await ended(hotline, PERSONAL, dialled), await ended(hotline, STRANGER, strange)
    assert (known.target.state, known.target.why) == ("reached", "acknowledged")
    assert (unknown.target.state, unknown.target.why) == ("waiting", "not_identified")
    told, heard = await journal.stored(known.last.call), await journal.stored(unknown.last.call)
    assert any("中签五百股" in event["data"].get("text", "") for event in told)
    assert not any("中签" in event["data"].get("text", "") for event in heard), "a stranger has heard nothing of it"
    keyed = [event for event in told if event["kind"] == "keyed" and event["data"]["path"] == "notice_call/digits"]
    assert keyed
    assert dialled[-4:] not in str([event["data"] for event in keyed])


@together
async def test_a_caller_has_a_card_too(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with (
        at_work(hotline, CALLED) as desk,
        logged_in(hotline, desk) as at,
        waiting(hotline, journal, CALLED, CALLER),
    ):
        ring = await desk.phone.rung()
        card = await at.until(kind="inbound")
        assert card["customer"]["name"]["zh"] == "陈静"
        assert card["customer"]["tier"] == "gold"
        ring.answer()
        await at.until(state="talking", number=masked(CALLER))
        ring.hang_up()
        await at.until(state="wrap_up", kind="inbound")
