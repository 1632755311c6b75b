"""Agents on mobiles: rung over a trunk, shown the brokerage's number and no customer's, and asked for a key, so that no
voicemail ever takes a caller."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from conftest import RunningAsterisk, free_ports, settings_for, start_asterisk
from hotline import LOOK_SECONDS, OPENING, Hotline, following, voice
from queue_house import QueueHouse, at_phone, at_work, waiting
from seat_phone import PATIENCE, Ring, SeatPhone, seat_phone

from agent_routing.agents import Pause, Ready
from ivr.asterisk.render import QUALIFY_SECONDS, TRUNK_QUALIFY_TIMEOUT
from ivr.doctor import CHECKS, Finding, Status, examine
from ivr.supervise import lock

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

CARRIER = "carrier"
SHOWN = "02155550000"
MOBILE = {"kind": "mobile", "endpoint": "", "trunk": CARRIER, "number": "+8613800138000", "accept_key": True}

house = QueueHouse()
TAKEN = house.story(1, seat=MOBILE)
VOICEMAIL = house.story(2, seat={**MOBILE, "number": "+8613900139000"})
KEPT = house.story(1, seat={**MOBILE, "number": "+8613700137000", "kept_open": True})
CUSTOMER = TAKEN.caller("gold", name_zh="王黄金")


@pytest.fixture(scope="module")
def carrier_port() -> int:
    """Where the carrier's gateway listens."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def with_trunk(carrier_port: int) -> Iterator[RunningAsterisk]:
    """An Asterisk with a trunk to the carrier."""
    run_dir = Path(tempfile.mkdtemp(prefix="goldline-"))
    trunk = {"name": CARRIER, "host": "127.0.0.1", "port": carrier_port, "caller_id": SHOWN}
    running = start_asterisk(settings_for(run_dir, **{"sip.trunks": [trunk]}))
    yield running
    running.process.stop()
    shutil.rmtree(run_dir)


@pytest.fixture(scope="module")
def hotline(with_trunk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(with_trunk, "mobiles") as one:
        yield one


@asynccontextmanager
async def carrier(hotline: Hotline, port: int) -> AsyncIterator[SeatPhone]:
    """The carrier, once Asterisk has seen that it is there: whatever mobile is rung behind it."""
    async with seat_phone(CARRIER, "", hotline.asterisk.port("sip"), register=False, own_port=port) as gateway:
        await trunk_finding(hotline, Status.OK)
        yield gateway


async def heard(phone: SeatPhone, sound: bytes, since: int = 0) -> None:
    async with asyncio.timeout(PATIENCE):
        while sound[:OPENING] not in bytes(phone.heard[since:]):
            await asyncio.sleep(LOOK_SECONDS)


async def test_an_agent_on_a_mobile_takes_a_call_with_the_key(hotline: Hotline, carrier_port: int) -> None:
    async with (
        following(hotline) as journal,
        voice(hotline) as speech,
        carrier(hotline, carrier_port) as gateway,
        at_phone(hotline, TAKEN, gateway) as desk,
        waiting(hotline, journal, TAKEN, CUSTOMER) as (phone, call),
    ):
        ring = await gateway.rung()
        assert ring.dialled == "13800138000"
        assert (ring.number, ring.display) == (SHOWN, "")
        assert CUSTOMER not in ring.invite
        ring.answer()
        await heard(gateway, await speech.sound("accept_call"))
        assert (await speech.sound("whisper_gold"))[:OPENING] in bytes(gateway.heard)
        assert (await desk.session()).state == "ringing"
        ring.press("1")
        await call.until("talk.began", agent=desk.agent.id)
        await desk.until("talking")
        ring.hang_up()
        await call.until("talk.ended", how="agent")
        await desk.until("wrap_up")
        await call.until_ended("hotline")
        assert await phone.over() == 0


async def test_a_voicemail_takes_nobody(hotline: Hotline, carrier_port: int) -> None:
    async with (
        following(hotline) as journal,
        voice(hotline) as speech,
        carrier(hotline, carrier_port) as gateway,
        at_phone(hotline, VOICEMAIL, gateway) as mobile,
        waiting(hotline, journal, VOICEMAIL) as (phone, call),
    ):
        ring = await gateway.rung()
        ring.answer()
        await heard(gateway, await speech.sound("accept_call"))
        async with at_work(hotline, VOICEMAIL, 1) as beside:
            await ring.ended()
            await call.until("offer.failed", agent=mobile.agent.id, how="no_answer")
            await call.until("offer.made", agent=beside.agent.id)
            (takes := await beside.phone.rung()).answer()
            await call.until("talk.began", agent=beside.agent.id)
            await mobile.until("idle")
            takes.hang_up()
            await call.until("talk.ended", agent=beside.agent.id, how="agent")
            await call.until_ended("hotline")
            assert "talk.began" not in (await call.kinds())[: (await call.kinds()).index("offer.failed")]
            assert await phone.over() == 0


async def test_a_leg_that_is_kept_on_the_line_brings_caller_after_caller(hotline: Hotline, carrier_port: int) -> None:
    async with (
        following(hotline) as journal,
        voice(hotline) as speech,
        carrier(hotline, carrier_port) as gateway,
    ):

        async def opened() -> Ring:
            ring = await gateway.rung()
            begins = len(gateway.heard)
            ring.answer()
            await heard(gateway, await speech.sound("accept_call"), begins)
            ring.press("1")
            return ring

        opening = asyncio.create_task(opened())
        async with at_phone(hotline, KEPT, gateway) as desk:
            leg = await opening
            async with waiting(hotline, journal, KEPT) as (phone, call):
                await call.until("talk.began", agent=desk.agent.id)
                assert (await speech.sound("whisper_normal"))[:OPENING] in bytes(gateway.heard)
                phone.hang_up()
                await call.until("talk.ended", how="caller")
            await desk.until("wrap_up")
            await desk.do(Ready())
            await desk.seen("idle")

            # Another controller finds the leg.
            hotline.kill()
            await hotline.start()
            await desk.seen("idle")
            async with waiting(hotline, journal, KEPT) as (phone, call):
                await call.until("talk.began", agent=desk.agent.id)
                await desk.until("talking")
                assert not leg.over.is_set()
                assert gateway.rings.empty(), "it was not rung again"
                # The agent ends the talk by putting the receiver down; the leg is opened anew.
                leg.hang_up()
                await call.until("talk.ended", how="agent")
                assert await phone.over() == 0
            await desk.until("wrap_up")
            opening = asyncio.create_task(opened())
            await desk.do(Ready())
            leg = await opening
            await desk.seen("idle")

            await desk.do(Pause("break"))
            await leg.ended()
            opening = asyncio.create_task(opened())
            await desk.resume()
            leg = await opening
            await desk.seen("idle")
            leg.hang_up()
            await desk.until("gone")


# Last: it leaves the gateway silent.
async def test_the_doctor_asks_the_gateway(hotline: Hotline, carrier_port: int) -> None:
    async with carrier(hotline, carrier_port):
        assert CARRIER in (await trunk_finding(hotline, Status.OK)).what
    assert CARRIER in (await trunk_finding(hotline, Status.FAIL)).what


async def trunk_finding(hotline: Hotline, status: Status) -> Finding:
    """What the doctor finds, once Asterisk has asked the gateway again."""
    check = next(one for one in CHECKS if one.name == "trunks")
    async with asyncio.timeout(QUALIFY_SECONDS + TRUNK_QUALIFY_TIMEOUT + PATIENCE):
        while True:
            with lock.held(hotline.asterisk.layout.run_dir):
                (finding,) = await examine(hotline.settings, [check])
            if finding.status is status:
                return finding
            await asyncio.to_thread(hotline.asterisk.cli, f"pjsip qualify {CARRIER}")
            await asyncio.sleep(LOOK_SECONDS)
