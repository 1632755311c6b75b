"""Talks that move, real telephones at all ends: hold, transfer, consult, conference, verify, and what goes wrong.

Each telephone hums at a pitch of its own: who hears whom is measured at the ear (tones.py). Each story has a line,
agents and telephones of its own. All are told at the same time.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import RunningAsterisk, free_ports, settings_for, start_asterisk
from hotline import LOOK_SECONDS, Hotline, Journal, Together, Voice
from known_customers import KnownCustomers
from queue_house import QueueHouse, at_work
from seat_phone import PATIENCE, SeatPhone, seat_phone
from sipp import AUDIBLE_RMS, rms
from talks import Refused, recorded, talking
from tones import CALLER, FIRST, OUTSIDE, SECOND, hear, hum, pitches_ever

from agent_routing.agents import Ready
from ivr.asterisk.render import QUALIFY_SECONDS

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

house = QueueHouse()
together = Together()
told = together.fixture()

HOLD, OWN_HOLD, LEAVES, GIVES_UP = (house.story(1) for _ in range(4))
KEYS, CALLER_KEYS = house.story(2), house.story(1)
VERIFY = house.story(1, recorded=True)
OUT, NO_RIGHT = house.story(1, role="senior"), house.story(1)
TO_AGENT, TO_SKILL, CONSULT, CONFERENCE, REFUSED = (house.story(2) for _ in range(5))
RETURN = house.story(2, recorded=True)


for each in house.stories:
    each.caller("platinum")  # with so many seats at work one is kept idle for the upper tiers (policy.yaml)
known = KnownCustomers()
PROVES = known.one()
GATEWAY = free_ports(1)[0]  # of the carrier


@pytest.fixture(scope="module")
def with_trunk() -> Iterator[RunningAsterisk]:
    """An Asterisk with a trunk to the carrier."""
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))
    trunk = {"name": "carrier", "host": "127.0.0.1", "port": GATEWAY, "caller_id": "02155550000"}
    running = start_asterisk(settings_for(run_dir, **{"sip.trunks": [trunk]}))
    yield running
    running.process.stop()
    shutil.rmtree(run_dir)


@pytest.fixture(scope="module")
def hotline(with_trunk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(with_trunk, "talks", known=known) as one:
        yield one


async def is_there(hotline: Hotline) -> None:
    """Until Asterisk has asked the carrier's gateway whether it is there, and had an answer."""
    async with asyncio.timeout(QUALIFY_SECONDS + PATIENCE):
        while not re.search(r"carrier/.* Avail", await asyncio.to_thread(hotline.asterisk.cli, "pjsip show contacts")):
            await asyncio.to_thread(hotline.asterisk.cli, "pjsip qualify carrier")
            await asyncio.sleep(LOOK_SECONDS)


async def heard(phone: SeatPhone, sound: bytes) -> None:
    """Until the telephone has heard this sound."""
    async with asyncio.timeout(PATIENCE):
        while sound not in bytes(phone.heard):
            await asyncio.sleep(LOOK_SECONDS)


@together
async def test_hold_and_back(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, HOLD) as talk:
        for _ in range(2):
            await talk.act("hold")
            await hear(caller=(talk.phone, set()), agent=(talk.desk.phone, set()))
            await talk.phone.hears_more(0.5)
            assert rms(talk.phone.sound()[-4000:]) > AUDIBLE_RMS, "no music on hold"
            with pytest.raises(Refused, match="on hold"):
                await talk.act("hold")
            await talk.act("resume")
            await talk.together()
        assert (await talk.desk.session()).state == "talking"
        talk.ring.hang_up()
        await talk.call.until("talk.ended", how="agent")
        await talk.call.until_said("goodbye")
        await talk.desk.until("wrap_up")
        assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")


@together
async def test_the_telephones_own_hold(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, OWN_HOLD) as talk:
        talk.ring.hold()
        await hear(caller=(talk.phone, set()))
        await talk.phone.hears_more(0.5)
        assert rms(talk.phone.sound()[-4000:]) > AUDIBLE_RMS, "no music on hold"
        talk.ring.resume()
        await talk.together()
        talk.phone.hang_up()
        await talk.call.until("talk.ended", how="caller")
    await talk.call.until_ended("caller")


@together
async def test_a_caller_gives_up_on_hold(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, GIVES_UP) as talk:
        await talk.act("hold")
        talk.phone.hang_up()
        await talk.ring.ended()
        await talk.call.until("talk.ended", how="caller")
        await talk.desk.until("wrap_up")
    await talk.call.until_ended("caller")


@together
async def test_who_leaves_a_caller_on_hold_gives_it_back_in_front(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with talking(hotline, journal, LEAVES) as talk:
        await talk.act("hold")
        await hear(caller=(talk.phone, set()))
        talk.ring.hang_up()
        again = await talk.call.until("wait.joined", again=True)
        assert again["data"]["joined"] == talk.joined
        await talk.desk.until("wrap_up")
        talk.phone.hang_up()
        assert await talk.phone.over() == 0
    await talk.call.until_ended("caller")


@together
async def test_transfer_to_an_agent(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, TO_AGENT, 1) as second:
        await second.pause()
        async with talking(hotline, journal, TO_AGENT) as talk:
            with pytest.raises(Refused, match="paused"):
                await talk.act("transfer", agent=second.agent.id)
            await talk.together()
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.act("transfer", agent=second.agent.id)
            ring = await second.phone.rung()
            await talk.ring.ended()
            await talk.desk.until("wrap_up")
            ring.answer()
            await talk.call.until("talk.began", agent=second.agent.id)
            await hear(caller=(talk.phone, {SECOND}), second=(second.phone, {CALLER}))
            await second.until("talking")
            kinds = [(one["kind"], one["data"].get("how")) for one in talk.call._known()]
            assert ("talk.moved", "transfer") in kinds
            assert ("talk.ended", "moved") in kinds
            ring.hang_up()
            await talk.call.until("talk.ended", agent=second.agent.id, how="agent")
            await second.until("wrap_up")
            assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")


@together
async def test_who_does_not_take_a_transfer_leaves_the_caller_in_front(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, REFUSED, 1) as second:
        await second.pause()
        async with talking(hotline, journal, REFUSED) as talk:
            await second.resume()
            await second.seen("idle")
            await talk.act("transfer", agent=second.agent.id)
            (await second.phone.rung()).refuse()
            again = await talk.call.until("wait.joined", again=True)
            assert again["data"]["joined"] == talk.joined
            await second.until("idle")
            talk.phone.hang_up()
            assert await talk.phone.over() == 0
    await talk.call.until_ended("caller")


@together
async def test_transfer_to_a_skill(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, TO_SKILL) as talk:
        with pytest.raises(Refused, match="Nobody else at work has astrology"):
            await talk.act("transfer", skill="astrology", level=1)
        await talk.together()
        async with at_work(hotline, TO_SKILL, 1) as second:
            second.phone.hum(hum(SECOND))
            await talk.act("transfer", skill=TO_SKILL.name, level=2)
            ring = await second.phone.rung()
            again = await talk.call.until("wait.joined", again=True)
            assert again["data"]["joined"] == talk.joined
            assert again["data"]["required"] == {TO_SKILL.name: 2}
            ring.answer()
            began = await talk.call.until("talk.began", agent=second.agent.id)
            assert began["data"]["waited"] > 0
            await hear(caller=(talk.phone, {SECOND}), second=(second.phone, {CALLER}))
            await talk.desk.until("wrap_up")
            ring.hang_up()
            assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")


@together
async def test_consult_and_complete(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, CONSULT, 1) as second:
        await second.pause()
        async with talking(hotline, journal, CONSULT) as talk:
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.act("consult", agent=second.agent.id)
            ring = await second.phone.rung()
            assert talk.desk.agent.id in ring.display
            ring.answer()
            await hear(caller=(talk.phone, set()), first=(talk.desk.phone, {SECOND}), second=(second.phone, {FIRST}))
            await second.until("talking")
            await talk.act("complete")
            await talk.ring.ended()
            await hear(caller=(talk.phone, {SECOND}), second=(second.phone, {CALLER}))
            await talk.call.until("talk.moved", how="transfer", to=second.agent.id)
            await talk.desk.until("wrap_up")
            assert (await second.until("talking")).call == talk.call.id
            ring.hang_up()
            await talk.call.until("talk.ended", agent=second.agent.id, how="agent")
            await second.until("wrap_up")
            assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")


@together
async def test_consult_and_return(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, RETURN, 1) as second:
        await second.pause()
        async with talking(hotline, journal, RETURN) as talk:
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.act("consult", agent=second.agent.id)
            (await second.phone.rung()).refuse()
            await talk.together()  # by itself
            await second.until("idle")
            for returns in ("by command", "by itself"):
                await talk.act("consult", agent=second.agent.id)
                ring = await second.phone.rung()
                ring.answer()
                await hear(first=(talk.desk.phone, {SECOND}), second=(second.phone, {FIRST}))
                if returns == "by command":
                    await talk.act("return")
                    await ring.ended()
                else:
                    ring.hang_up()
                await talk.together()
                await second.until("wrap_up")
                await second.do(Ready())
                await second.seen("idle")
            assert (await talk.desk.session()).state == "talking"
            talk.desk.phone.hum(hum(OUTSIDE))  # the agent goes on, at another pitch
            await hear(caller=(talk.phone, {OUTSIDE}))
            await talk.phone.hears_more(1.0)
            talk.phone.hang_up()
            await talk.call.until("talk.ended", agent=talk.desk.agent.id, how="caller")
            assert pitches_ever(await recorded(hotline, talk)) == {CALLER, FIRST, OUTSIDE}, "not what the agents said"
    await talk.call.until_ended("caller")


@together
async def test_a_conference_of_three(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, CONFERENCE, 1) as second:
        await second.pause()
        async with talking(hotline, journal, CONFERENCE) as talk:
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.act("consult", agent=second.agent.id)
            ring = await second.phone.rung()
            ring.answer()
            await hear(first=(talk.desk.phone, {SECOND}))
            await talk.act("conference")
            await hear(
                caller=(talk.phone, {FIRST, SECOND}),
                first=(talk.desk.phone, {CALLER, SECOND}),
                second=(second.phone, {CALLER, FIRST}),
            )
            talk.ring.hang_up()
            await talk.desk.until("wrap_up")
            await hear(caller=(talk.phone, {SECOND}), second=(second.phone, {CALLER}))
            ring.hang_up()
            await talk.call.until("talk.ended", agent=second.agent.id, how="agent")
            assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")


@together
async def test_by_keys_in_the_talk(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, KEYS, 1) as second:
        await second.pause()
        async with talking(hotline, journal, KEYS) as talk:
            await second.resume()
            await second.seen("idle")
            second.phone.hum(hum(SECOND))
            await talk.ring.type("*31")
            await hear(caller=(talk.phone, set()), agent=(talk.desk.phone, set()))
            await talk.ring.type("*31")
            await talk.together()
            await talk.ring.type("*33")
            await heard(talk.desk.phone, await voice.opening("talk_whom"))
            await talk.ring.type(f"{second.agent.id}#")
            ring = await second.phone.rung()
            ring.answer()
            await hear(first=(talk.desk.phone, {SECOND}), second=(second.phone, {FIRST}))
            await talk.ring.type("*34")
            await talk.ring.ended()
            await hear(caller=(talk.phone, {SECOND}), second=(second.phone, {CALLER}))
            talk.phone.hang_up()
            await talk.call.until("talk.ended", agent=second.agent.id, how="caller")
    await talk.call.until_ended("caller")


@together
async def test_a_callers_keys_do_nothing(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, CALLER_KEYS) as talk:
        for keys in ("*31", "*34", "*36"):
            talk.phone.press(keys)
            await talk.phone.pressed()
            await talk.together()
        assert await talk.stage() == "together"
        talk.phone.hang_up()
        await talk.call.until("talk.ended", how="caller")
    await talk.call.until_ended("caller")


@together
async def test_verified_by_secret_digits(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, VERIFY) as talk:
        await talk.ring.type("*36")
        await talk.call.until_said("enter_account")
        talk.phone.hum(hum(OUTSIDE))  # what is said meanwhile is nobody's business
        heard = len(talk.desk.phone.heard)
        talk.phone.press(f"{PROVES.account}#1{PROVES.pin}#")
        await talk.call.until("errand.ended", flow="verify", how="hotline", proven=True)
        proven = await voice.sound("talk_caller_proven")
        talk.phone.hum(hum(CALLER))
        await talk.together()
        ear = bytes(talk.desk.phone.heard[heard:])
        assert proven[:4000] in ear, "the agent was not told"
        assert OUTSIDE not in pitches_ever(ear)
        await talk.ring.type("*36")  # it holds for the rest of the call
        await talk.call.until("errand.ended", flow="verify", proven=True)
        await talk.together()
        talk.ring.hang_up()
        await talk.call.until("talk.ended", how="agent")
        sound = await recorded(hotline, talk)
        assert pitches_ever(sound) == {CALLER, FIRST}
        assert await talk.phone.over() == 0
    await talk.call.until_ended("hotline")
    for event in await journal.stored(talk.call.id):
        assert PROVES.pin not in str(event["data"])
        assert PROVES.account not in str(event["data"])


@together
async def test_a_number_outside(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with (
        seat_phone("carrier", "", hotline.asterisk.port("sip"), register=False, own_port=GATEWAY) as network,
        talking(hotline, journal, OUT) as talk,
    ):
        network.hum(hum(OUTSIDE))
        await is_there(hotline)
        await talk.act("consult", number="021 5550 1234")
        ring = await network.rung()
        assert ring.dialled == "02155501234"
        assert ring.number == "02155550000"
        ring.answer()
        await hear(agent=(talk.desk.phone, {OUTSIDE}), outside=(network, {FIRST}), caller=(talk.phone, set()))
        await talk.act("return")
        await ring.ended()
        await talk.together()
        await talk.act("transfer", number="02155501234")
        (await network.rung()).refuse()
        again = await talk.call.until("wait.joined", again=True)
        assert again["data"]["joined"] == talk.joined
        await talk.desk.until("wrap_up")
        talk.phone.hang_up()
        await talk.call.until_ended("caller")


@together
async def test_not_every_agent_may_call_outside(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with talking(hotline, journal, NO_RIGHT) as talk:
        with pytest.raises(Refused, match="may not call outside"):
            await talk.act("transfer", number="02155501234")
        with pytest.raises(Refused, match="no telephone number"):
            await talk.act("consult", number="12")
        await talk.together()
        talk.phone.hang_up()
        await talk.call.until("talk.ended", how="caller")
    await talk.call.until_ended("caller")
