"""Supervisors at others' talks: who hears whom is measured at every ear (tones.py). Every act is audited.

Each story has a line, agents and telephones of its own. All are told at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from conftest import RunningAsterisk
from hotline import Hotline, Journal, Together, Voice
from queue_house import Desk, QueueHouse, Story, at_work, opened, waiters, waiting
from talks import Refused, Talking, done, talking
from telephone import telephone
from tones import CALLER, FIRST, LOOK_SECONDS, PATIENCE, SUPERVISOR, WINDOW_BYTES, hear, hum, pitches

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import LogIn
from agent_routing.desk import AgentDesk
from db.audit import Audit
from db.events import utcnow

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = QueueHouse()
together = Together()
told = together.fixture()

LISTEN, TAKE_OVER, REFUSED, ON_HOLD = (house.story(2) for _ in range(4))
BY_CODE = house.story(2, role="supervisor")
UP = house.story(1)
for each in (LISTEN, TAKE_OVER, REFUSED, ON_HOLD, BY_CODE):
    each.caller("platinum")  # with many seats at work one is kept idle for the upper tiers (policy.yaml)


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(asterisk, "supervisors") as one:
        yield one


@asynccontextmanager
async def watched(hotline: Hotline, journal: Journal, story: Story) -> AsyncIterator[tuple[Talking, Desk]]:
    """A talk of the story's first agent, and the second one, paused, who is the supervisor."""
    async with at_work(hotline, story, 1) as supervisor:
        await supervisor.pause()
        supervisor.phone.hum(hum(SUPERVISOR))
        async with talking(hotline, journal, story) as talk:
            yield talk, supervisor


async def audited(journal: Journal, actor: str) -> list[tuple[str, str]]:
    """What this actor did, as (what, to whom), in order."""
    since = utcnow().replace(year=2000)
    rows = await Audit(journal.store).by_actor(actor, since, utcnow())
    return [(row.what, str(row.data.get("agent") or row.data.get("call"))) for row in reversed(rows)]


@together
async def test_listen_whisper_barge(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with watched(hotline, journal, LISTEN) as (talk, supervisor):
        at = {"at": supervisor.seat.id, "actor": "chen"}
        for how, caller_hears, agent_hears in (
            ("listen", {FIRST}, {CALLER}),
            ("whisper", {FIRST}, {CALLER, SUPERVISOR}),
            ("barge", {FIRST, SUPERVISOR}, {CALLER, SUPERVISOR}),
        ):
            await talk.act(how, **at)
            ring = await supervisor.phone.rung()
            ring.answer()
            await hear(
                supervisor=(supervisor.phone, {CALLER, FIRST}),
                caller=(talk.phone, caller_hears),
                agent=(talk.desk.phone, agent_hears),
            )
            if how != "barge":
                ring.hang_up()
                await talk.together()
        talk.ring.hang_up()
        await ring.ended()  # with the talk
        assert await talk.phone.over() == 0
        agent = talk.desk.agent.id
        assert await audited(journal, "chen") == [
            ("talk.listened", agent),
            ("talk.whispered", agent),
            ("talk.barged", agent),
        ]
        assert (await supervisor.session()).state == "paused"
    await talk.call.until_ended("hotline")


@together
async def test_a_listener_stays_while_the_caller_is_on_hold(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with watched(hotline, journal, ON_HOLD) as (talk, supervisor):
        await talk.act("listen", at=supervisor.seat.id)
        ring = await supervisor.phone.rung()
        ring.answer()
        await hear(supervisor=(supervisor.phone, {CALLER, FIRST}))
        await talk.act("hold")
        await hear(caller=(talk.phone, set()), supervisor=(supervisor.phone, {FIRST}))
        await talk.act("resume")
        await talk.together()
        await hear(supervisor=(supervisor.phone, {CALLER, FIRST}))
        talk.phone.hang_up()
        await ring.ended()
        await talk.desk.until("wrap_up")
    await talk.call.until_ended("caller")


@together
async def test_take_over(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with watched(hotline, journal, TAKE_OVER) as (talk, supervisor):
        await talk.act("take-over", at=supervisor.seat.id, actor="lin")
        ring = await supervisor.phone.rung()
        ring.answer()
        await talk.ring.ended()
        await talk.call.until("talk.moved", how="taken_over", to=supervisor.agent.id)
        await hear(caller=(talk.phone, {SUPERVISOR}), supervisor=(supervisor.phone, {CALLER}))
        await talk.desk.until("wrap_up")
        assert (await supervisor.until("talking")).call == talk.call.id
        assert await audited(journal, "lin") == [("talk.taken_over", talk.desk.agent.id)]
        ring.hang_up()
        await talk.call.until("talk.ended", agent=supervisor.agent.id, how="agent")
        assert (await supervisor.until("wrap_up")).next_state == "paused"
        assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")


@together
async def test_by_a_code_at_the_supervisors_telephone(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    own, seat, password = BY_CODE.agents[1], BY_CODE.seats[1], BY_CODE.passwords[1]
    async with (
        opened(hotline) as store,
        telephone(seat.endpoint, password, hotline.asterisk.port("sip")) as phone,
    ):
        assert await phone.register() == 200
        await AgentDesk(store, seat_times.read(), pause_reasons.read()).do(own.id, LogIn(seat.id))
        async with talking(hotline, journal, BY_CODE) as talk:
            listens = await phone.dial(f"*21{talk.desk.agent.id}")
            await listens.answered()
            async with asyncio.timeout(PATIENCE):
                while pitches(bytes(phone.ear)[-WINDOW_BYTES:]) != {CALLER, FIRST}:
                    await asyncio.sleep(LOOK_SECONDS)
            assert await audited(journal, own.id) == [("talk.listened", talk.desk.agent.id)]
            await talk.together()
            talk.phone.hang_up()
            await listens.ended()
    await talk.call.until_ended("caller")


@together
async def test_what_cannot_be_is_refused_and_disturbs_nobody(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with watched(hotline, journal, REFUSED) as (talk, supervisor):
        with pytest.raises(Refused, match="no seat"):
            await talk.act("listen", at="nowhere")
        with pytest.raises(Refused, match="in that very talk"):
            await talk.act("listen", at=talk.desk.seat.id)
        with pytest.raises(Refused, match="is in no talk"):
            await done(hotline, f"talks/{supervisor.agent.id}/listen", at=talk.desk.seat.id)
        with pytest.raises(Refused, match="waits for a person"):
            await done(hotline, f"queue/{talk.call.id}/up")
        await talk.together()
        talk.phone.hang_up()
        await talk.call.until("talk.ended", how="caller")
    await talk.call.until_ended("caller")


@together
async def test_a_caller_is_moved_up(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, UP) as desk:
        await desk.pause()
        async with (
            waiting(hotline, journal, UP) as (_first_phone, first),
            waiting(hotline, journal, UP) as (_second_phone, second),
        ):
            answer = await done(hotline, f"queue/{second.id}/up", actor="wu")
            assert answer["position"] < (await waiters(hotline))[first.id]["position"]
            assert (await waiters(hotline))[second.id]["front"]
            assert await audited(journal, "wu") == [("caller.moved_up", second.id)]
            await desk.resume()
            ring = await desk.phone.rung()
            offer = await second.until("offer.made")
            assert offer["data"]["standing"] == "front"
            ring.answer()
            await second.until("talk.began")
            ring.hang_up()
            await second.until_ended("hotline")
