"""Seats as telephones: who may register, on every road; feature codes; what becomes of a seat that is taken away."""

from __future__ import annotations

import asyncio
import datetime
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hotline import LOOK_SECONDS, OPENING, Hotline, Journal, Together, Voice, hotline
from queue_house import opened
from sipp import PATIENCE
from telephone import Dialled, Road, Telephone, telephone

from agent_routing import pause_reasons, seat_times
from agent_routing.agents import LogIn, Pause
from agent_routing.desk import AgentDesk
from db.agent import Agent, Seat, SeatKind, Session
from db.agent_pins import AgentPins
from db.agents import Agents
from db.events import utcnow
from db.seat_passwords import SeatPasswords
from db.seats import Seats
from db.store import Store
from ivr.agents.log_in import LogIns
from ivr.ami.client import AmiClient
from ivr.contract import AMI_ACTIONS, SIP_REALM
from ivr.identity.keys import pepper
from ivr.speech.values import Name
from ivr.telephones.password import new_password

__all__ = ["hotline"]

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]
together = Together()
told = together.fixture()

PIN, WRONG = "264813", "135790"
LUNCH = {"reason": Name({"zh": "午餐", "en": "Lunch"})}
ROADS: tuple[tuple[Road, str, SeatKind], ...] = (
    ("udp", "sip", "softphone"),
    ("tcp", "sip", "softphone"),
    ("tls", "sips", "softphone"),
    ("ws", "ws", "browser"),
    ("wss", "wss", "browser"),
)


class Office:
    """Seats and agents of one story."""

    def __init__(self, hotline: Hotline, store: Store) -> None:
        self.hotline = hotline
        self.store = store
        self.agents = AgentDesk(store, seat_times.read(), pause_reasons.read())

    async def seat(self, kind: SeatKind = "softphone") -> tuple[Seat, str]:
        """A new seat, and its telephone's password."""
        name = f"8{secrets.randbelow(10**7):07d}"
        seat = Seat(f"S{name}", kind, endpoint=name)
        await Seats(self.store).put([seat], actor="test")
        return seat, await self.password(seat)

    async def password(self, seat: Seat) -> str:
        """A new password for its telephone."""
        made = new_password()
        await SeatPasswords(self.store).put(seat.id, made, realm=SIP_REALM, actor="test")
        return made

    async def agent(self) -> Agent:
        """A new agent, with a PIN."""
        agent = Agent(f"7{secrets.randbelow(10**5):05d}", name_zh="李雷", name_en="Li Lei")
        await Agents(self.store).put([agent], actor="test")
        pins = AgentPins(self.store, pepper(self.hotline.asterisk.secrets.identity_key.encode()))
        await pins.set_pin(agent.id, PIN, actor="test")
        pins.close()
        return agent

    async def wrong_tries(self, agent: Agent, count: int) -> None:
        """So many tries are held against the agent, made in the last days at another seat each."""
        key = self.hotline.asterisk.secrets.identity_key.encode()
        pins = AgentPins(self.store, pepper(key))
        for number in range(count):
            then = utcnow() - datetime.timedelta(hours=count - number)
            log_ins = LogIns(self.store, pins, key, lambda then=then: then)  # type: ignore[misc]
            assert (await log_ins.prove(f"elsewhere {number}", agent.id, WRONG)).how == "wrong"
        pins.close()

    async def session(self, agent: Agent) -> Session:
        """What the agent is doing."""
        session = await self.agents.sessions.get(agent.id)
        assert session
        return session

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[tuple[Seat, Telephone]]:
        """A new seat with its telephone, registered."""
        seat, password = await self.seat()
        async with telephone(seat.endpoint, password, self.hotline.asterisk.port("sip")) as phone:
            await registered(phone)
            yield seat, phone


@asynccontextmanager
async def office(hotline: Hotline) -> AsyncIterator[Office]:
    async with opened(hotline) as store:
        yield Office(hotline, store)


async def registered(phone: Telephone, status: int = 200) -> None:
    """Until it is answered so: what the store says is taken over within moments."""
    await until(lambda: _is(phone.register(), status), f"REGISTER answered with {status}")


async def _is(asked: Awaitable[int], status: int) -> bool:
    return await asked == status


async def rung(hotline: Hotline, seat: Seat, wanted: bool) -> bool:
    """Whether Asterisk knows where to ring the seat, or does not, as it is wanted."""
    contacts = await asyncio.to_thread(hotline.asterisk.cli, "pjsip show contacts")
    return (f"{seat.endpoint}/" in contacts) is wanted


async def until(wanted: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await wanted():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(LOOK_SECONDS)


async def says(call: Dialled, sound: bytes) -> None:
    """Until this was heard, and the call is over."""
    await call.hears(sound)
    await call.ended()


async def keyed(phone: Telephone, code: str, *entries: tuple[str, str], voice: Voice) -> Dialled:
    """Dial a code, and answer each question (a prompt) as soon as it is known which one it is."""
    call = await phone.dial(code)
    await call.answered()
    for prompt, keys in entries:
        await call.hears((await voice.sound(prompt))[:OPENING])
        call.press(keys)
    return call


@together
async def test_an_agent_logs_in_pauses_resumes_and_logs_out(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with office(hotline) as at, at.desk() as (seat, phone):
        agent = await at.agent()
        name = {"agent": Name({"zh": agent.name_zh, "en": agent.name_en})}
        questions = (("seat_enter_agent", f"{agent.id}#"), ("seat_enter_pin", PIN))
        await says(await keyed(phone, "*11", *questions, voice=voice), await voice.sound("seat_logged_in", values=name))
        session = await at.session(agent)
        assert (session.state, session.seat) == ("idle", seat.id)

        await says(await phone.dial("*122"), await voice.sound("seat_paused", values=LUNCH))
        assert (await at.session(agent)).reason == "lunch"
        await says(await phone.dial("*13"), await voice.sound("seat_resumed"))
        assert (await at.session(agent)).state == "idle"
        await says(await phone.dial("*19"), await voice.sound("seat_logged_out"))
        assert (await at.session(agent)).state == "logged_out"


@together
async def test_what_cannot_be_done_is_told_with_the_remedy(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with office(hotline) as at, at.desk() as (seat, phone):
        await says(await phone.dial("*13"), await voice.sound("seat_nobody"))
        agent = await at.agent()
        await at.agents.do(agent.id, LogIn(seat.id))
        await at.agents.do(agent.id, Pause("lunch"))
        paused = await voice.sound("seat_state_paused", values=LUNCH)
        await says(await phone.dial("*14"), paused[:8000])  # there is no wrap-up to end
        assert (await at.session(agent)).state == "paused"


@together
async def test_a_wrong_pin_is_refused_and_the_sixth_locks(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with office(hotline) as at, at.desk() as (_, phone):
        agent = await at.agent()
        await at.wrong_tries(agent, 5)
        call = await keyed(phone, f"*11{agent.id}", ("seat_enter_pin", WRONG), voice=voice)
        locked = await voice.sound("seat_log_in_locked")
        await says(call, locked)
        call = await keyed(phone, f"*11{agent.id}", ("seat_enter_pin", PIN), voice=voice)
        await says(call, locked)
        assert await at.agents.sessions.get(agent.id) is None, "the right one comes too late"

        other = await at.agent()
        call = await keyed(phone, f"*11{other.id}", ("seat_enter_pin", WRONG), voice=voice)
        await call.hears(await voice.sound("seat_log_in_wrong"))
        call.hang_up()
        assert await at.agents.sessions.get(other.id) is None


@together
async def test_every_road_leads_in_with_the_password_and_none_without(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    asterisk = hotline.asterisk
    actions = AmiClient(
        host="127.0.0.1", port=asterisk.port("ami"), username=AMI_ACTIONS, secret=asterisk.secrets.ami_actions
    )
    await actions.start()
    await actions.wait_connected(PATIENCE)
    async with office(hotline) as at:

        async def one(road: Road, port: str, kind: SeatKind) -> None:
            seat, password = await at.seat(kind)
            certificate = asterisk.layout.certificate if road in ("tls", "wss") else None
            where = asterisk.port(port)
            async with telephone(seat.endpoint, password, where, road=road, certificate=certificate) as phone:
                await registered(phone)
                ring = {"Channel": f"PJSIP/{seat.endpoint}", "Application": "Wait", "Data": "1", "Async": "true"}
                await actions.action("Originate", ring)
                async with asyncio.timeout(PATIENCE):
                    invite = await phone.invited.get()
                assert ("a=fingerprint:" in invite) is (kind == "browser"), road
                assert ("a=crypto:" in invite) is (kind == "softphone"), road
            async with telephone(seat.endpoint, "wrong", where, road=road, certificate=certificate) as thief:
                assert await thief.register() == 401, road

        await asyncio.gather(*(one(*road) for road in ROADS))
    await actions.stop()


@together
async def test_a_telephone_that_asks_for_encryption_gets_it(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with office(hotline) as at, at.desk() as (_, phone):
        await says(await phone.dial("*16"), await voice.sound("seat_nobody"))
        phone.ear.clear()
        answer = await (await phone.dial("*16", encrypted=True)).answered()
        assert re.search(r"m=audio \d+ RTP/SAVP ", answer)
        assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in answer


@together
async def test_no_caller_reaches_a_feature_code(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with office(hotline) as at:
        seat, password = await at.seat()
        async with telephone(seat.endpoint, password, hotline.asterisk.port("sip")) as phone:
            await registered(phone)
        sip = hotline.asterisk.port("sip")
        async with telephone("13912345678", "", sip) as trunk:
            call = await trunk.dial("*11")  # a number like any other, which the hotline answers
            await call.answered()
            await call.hears((await voice.sound("greeting"))[:8000])
            call.hang_up()
            # A trunk's caller who claims to be a seat is asked for its password.
            assert await (await trunk.dial("*11", user=seat.endpoint)).status == 401


@together
async def test_a_seat_that_is_taken_away_is_gone_and_nobody_else_notices(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with office(hotline) as at, at.desk() as (removed, phone), at.desk() as (moved, other):
        talk = await phone.dial(hotline.settings.sip.number)
        await talk.answered()
        still = await other.dial(hotline.settings.sip.number)
        await still.answered()
        await Seats(at.store).remove(removed.id, actor="test")
        await registered(phone, 403)  # the trunk has this address in tests: elsewhere 401
        await until(lambda: rung(hotline, removed, False), "the telephone is forgotten")
        assert await rung(hotline, moved, True), "the other seat is still registered"
        greeting = await voice.sound("greeting")
        for call in (talk, still):
            await call.hears(greeting)  # its telephone is no account any more, and its call goes on
            call.hang_up()
        assert await at.password(moved)
        await registered(other, 401)
        await until(lambda: rung(hotline, moved, False), "who registered with the old password is rung no more")


@together
async def test_a_seat_calls_under_its_own_name(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with office(hotline) as at, at.desk() as (seat, phone):
        call = await phone.dial(hotline.settings.sip.number)
        await call.answered()
        begun = await journal.until(
            lambda one: one["kind"] == "call.started" and one["data"]["caller"] == seat.endpoint, "a call of the seat"
        )
        assert begun["data"]["caller"] == seat.endpoint
        call.hang_up()


@together
async def test_a_seat_whose_line_drops_is_found_out_in_seconds(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with office(hotline) as at, at.desk() as (_, phone):
        call = await phone.dial(hotline.settings.sip.number)
        await call.answered()
        await call.hears((await voice.sound("greeting"))[:4000])
        phone.fall_silent()
        began = time.monotonic()
        await call.ended()
        assert time.monotonic() - began < hotline.settings.sip.seat_silence + 4
        assert "cause=44" in call.bye, "whoever watches can tell it from a telephone that was put down"
