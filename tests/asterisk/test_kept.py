"""What is kept of talks, by real calls: recordings, callers who were missed, and the mark after a talk.

Each story has a line, agents and telephones of its own. All are told at the same time.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from callback_house import PATIENCE, missed
from conftest import RunningAsterisk
from hotline import LOOK_SECONDS, CallOf, Happened, Hotline, Journal, Together, Voice
from kept import kept
from queue_house import QueueHouse, at_work, opened, waiting
from sipp import Phone, fresh_number
from tones import AMPLITUDE, CALLER, FIRST, hear, hum

from db.missed import MissedCallers
from db.recordings import Recordings
from ivr.queueing.last_talks import LEAST_SECONDS
from ivr.speech.audio import alaw

pytestmark = [pytest.mark.asterisk, pytest.mark.seats]

Samples = npt.NDArray[np.float64]
WINDOW = 800  # samples: whole periods of every pitch

house = QueueHouse()
together = Together()
told = together.fixture()

BOTH, NINE, NEVER = (house.story(recorded=True) for _ in range(3))
MISSED = house.story()
MARK, NO_MARK = house.story(survey=True), house.story(survey=True)
PRIVATE = NEVER.caller(recording_refused=True)
GIVES_UP = MISSED.caller()


@pytest.fixture(scope="module")
def hotline(asterisk: RunningAsterisk) -> Iterator[Hotline]:
    with house.hotline(asterisk, "kept") as one:
        yield one


def file_of(hotline: Hotline, name: str) -> Path:
    return hotline.asterisk.layout.talks_dir / f"{name}.wav"


def samples_of(file: Path) -> Samples:
    with wave.open(str(file)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float64)


def loudness(samples: Samples, pitch: int) -> float:
    """How loud this pitch is, in the middle one of the recording's tenths of a second."""
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    parts = 2 * np.mean(windows * np.exp(-2j * np.pi * pitch * np.arange(WINDOW) / 8000), axis=1)
    return float(np.median(np.abs(parts)))


def likeness(samples: Samples, sound: bytes) -> float:
    """How much of this sound (A-law) is anywhere in the recording: 1 for all of it."""
    sought = alaw.decode(sound).astype(np.float64)
    size = len(samples) + len(sought)
    found = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(sought, size)), size)
    return float(np.max(np.abs(found)) / np.sum(sought**2))


async def talk_of(hotline: Hotline, phone: Phone, desk_phone: object) -> None:
    """Until both hear one another hum."""
    await hear(caller=(phone, {FIRST}), agent=(desk_phone, {CALLER}))  # type: ignore[arg-type]


@together
async def test_the_file_holds_both_voices_and_nothing_else(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, BOTH) as desk, waiting(hotline, journal, BOTH) as (phone, call):
        phone.hum(hum(CALLER))  # from before the talk until after it: none of that is in the file
        desk.phone.hum(hum(FIRST))
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        await talk_of(hotline, phone, desk.phone)
        ring.hang_up()
        ended = await call.until("talk.ended")
        await call.until_said("goodbye")
        assert await phone.over() == 0
    row = await kept(hotline, call)
    file = file_of(hotline, row.name)
    assert (row.state, row.consent, row.agent, row.seat) == ("kept", "announced", desk.agent.id, desk.seat.id)
    assert row.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert abs(row.seconds - ended["data"]["seconds"]) < 1.0
    heard = samples_of(file)
    assert loudness(heard, CALLER) > AMPLITUDE / 2
    assert loudness(heard, FIRST) > AMPLITUDE / 2
    assert likeness(heard, hum(CALLER)[:WINDOW]) > 0.5, "the measure is good for nothing"
    for prompt in ("whisper_normal", "recording_notice", "queue_welcome", "goodbye"):
        assert likeness(heard, await voice.opening(prompt)) < 0.3, f"{prompt} is in the file"
    assert "recording_notice" in await call.said()


@together
async def test_who_pressed_nine_is_not_recorded(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, NINE) as desk, hotline.dialled(NINE.number, caller=fresh_number()) as phone:
        call = await journal.call_of(phone)
        await call.until_said("recording_notice")
        phone.press("9")
        ring = await desk.phone.rung()
        ring.answer()
        offer = await call.until("offer.made")
        assert "recording" not in offer["data"]
        await call.until("talk.began")
        ring.hang_up()
        assert await phone.over() == 0
    row = await kept(hotline, call)
    assert (row.state, row.consent, row.bytes) == ("refused", "refused", 0)
    assert not file_of(hotline, row.name).exists()


@together
async def test_who_never_wants_it_is_neither_told_nor_recorded(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, NEVER) as desk, waiting(hotline, journal, NEVER, PRIVATE) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        ring.hang_up()
        await call.until("talk.ended")
        assert await phone.over() == 0
    await call.until_ended("hotline")
    assert "recording_notice" not in await call.said()
    async with opened(hotline) as store:
        assert not await Recordings(store).listed(call=call.id)


@together
async def test_who_gives_up_is_missed_until_the_next_call_is_answered(
    hotline: Hotline, journal: Journal, voice: Voice
) -> None:
    async with at_work(hotline, MISSED) as desk:
        await desk.pause()
        async with waiting(hotline, journal, MISSED, GIVES_UP) as (phone, first):
            phone.hang_up()
            assert await phone.over() == 0
        await first.until_ended("caller")
        entry = await missed(hotline, GIVES_UP)
        assert (entry.reason, entry.line) == ("abandoned", MISSED.number)
        await desk.resume()

        def is_second(one: Happened) -> bool:
            return one["kind"] == "call.started" and one["data"]["caller"] == GIVES_UP and one["call"] != first.id

        async with hotline.dialled(MISSED.number, caller=GIVES_UP) as phone:
            second = CallOf(journal, (await journal.until(is_second, "a second call"))["call"])
            ring = await desk.phone.rung()
            ring.answer()
            await second.until("talk.began")
            ring.hang_up()
            assert await phone.over() == 0
    deadline = time.monotonic() + PATIENCE
    async with opened(hotline) as store:
        while any(one.id == entry.id for one in await MissedCallers(store).open()):
            assert time.monotonic() < deadline, "still on the list"
            await asyncio.sleep(LOOK_SECONDS)


@together
async def test_a_caller_gives_a_mark_after_the_talk(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, MARK) as desk, waiting(hotline, journal, MARK) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        await phone.hears_more(LEAST_SECONDS + 0.5)
        ring.hang_up()
        await call.until_said("survey_question")
        phone.press("5")
        mark = await call.until("survey")
        assert mark["data"] == {"agent": desk.agent.id, "score": 5}
        await call.until_said("survey_thanks")
        assert await phone.over() == 0
    await call.until_ended("hotline")


@together
async def test_hanging_up_instead_of_a_mark_is_no_error(hotline: Hotline, journal: Journal, voice: Voice) -> None:
    async with at_work(hotline, NO_MARK) as desk, waiting(hotline, journal, NO_MARK) as (phone, call):
        ring = await desk.phone.rung()
        ring.answer()
        await call.until("talk.began")
        await phone.hears_more(LEAST_SECONDS + 0.5)
        ring.hang_up()
        await call.until_said("survey_question")
        phone.hang_up()
        assert await phone.over() == 0
    await call.until_ended("caller")
    assert "survey" not in await call.kinds()
