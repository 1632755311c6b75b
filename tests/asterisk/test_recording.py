"""A caller's words on a real Asterisk: where a recording ends, and that a hang-up in the middle of it loses nothing."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import sipp
from conftest import RunningAsterisk
from sipp import PATIENCE, Phone

from ivr.agi.errors import CallerHungUp
from ivr.agi.server import AgiServer, AgiSession
from ivr.call import Call, Recorded, RecordingFailed
from ivr.contract import DONE_HANGUP
from ivr.speech.audio import alaw
from ivr.speech.utterance import Piece, Sound, Utterance

pytestmark = pytest.mark.asterisk

PROMPT = Utterance("zh", (Piece("请留言"),), ("leave_message",))
SPEECH_SECONDS = 2.0

Handler = Callable[[Call], Awaitable[Recorded]]


class OneSound:
    """A voice that knows one sound."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ready(self, _utterance: Utterance) -> Sound | None:
        return Sound(str(self.path), 0.25)

    async def compose(self, _utterance: Utterance) -> Sound:
        return Sound(str(self.path), 0.25)


def speech() -> bytes:
    """Two seconds that are as loud as somebody speaking, A-law."""
    time = np.arange(int(SPEECH_SECONDS * 8000)) / 8000
    return alaw.encode(
        (6000 * np.sin(2 * np.pi * 300 * time) * (1 + np.sin(2 * np.pi * 3 * time)) / 2).astype(np.int16)
    )


def heard_in(path: Path) -> tuple[float, float]:
    """Seconds of a recording, and of those how many are not silent."""
    with wave.open(str(path.with_suffix(".wav"))) as file:
        assert file.getframerate() == 8000
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
    blocks = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loud = float(np.count_nonzero(np.sqrt((blocks**2).mean(axis=1)) > 300)) / 50
    return len(samples) / 8000, loud


@asynccontextmanager
async def recorder(asterisk: RunningAsterisk, handler: Handler) -> AsyncIterator[asyncio.Future[Recorded]]:
    """A controller that answers the next call, runs the handler and hangs up; the handler's result is the future."""
    outcome: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()

    async def serve(session: AgiSession) -> None:
        call = Call(session, OneSound(asterisk.layout.beep))
        try:
            await call.answer()
            outcome.set_result(await handler(call))
            await call.finish(DONE_HANGUP)
        except Exception as error:
            if not outcome.done():
                outcome.set_exception(error)
            if not isinstance(error, CallerHungUp):
                await call.finish(DONE_HANGUP)

    server = AgiServer(serve, port=asterisk.port("agi"))
    await server.start()
    try:
        yield outcome
    finally:
        await server.stop(0)


def record_into(asterisk: RunningAsterisk, path: Path) -> Handler:
    """Ask for words, at most twenty seconds of them, until two of silence."""

    async def record(call: Call) -> Recorded:
        await call.play(PROMPT)
        return await call.record(str(path), beep=str(asterisk.layout.beep), most=20, silence=2)

    return record


async def beeped(phone: Phone) -> None:
    """The prompt (a beep here) and the beep itself have been heard."""
    await asyncio.wait_for(phone.answered.wait(), PATIENCE)
    await phone.hears_more(0.5)


async def test_a_key_ends_it(asterisk: RunningAsterisk) -> None:
    path = asterisk.layout.recordings_dir / "90000000000000000001"
    async with recorder(asterisk, record_into(asterisk, path)) as outcome, sipp.dialled(asterisk.port("sip")) as phone:
        await beeped(phone)
        phone.speak(speech())
        await until_loud(path)
        phone.press("#")
        recorded = await asyncio.wait_for(outcome, PATIENCE)
        assert await phone.over() == 0
    length, _ = heard_in(path)
    assert recorded.key == "#"
    assert abs(recorded.seconds - length) < 0.1


async def test_silence_ends_it_and_is_cut_off(asterisk: RunningAsterisk) -> None:
    path = asterisk.layout.recordings_dir / "90000000000000000002"
    async with recorder(asterisk, record_into(asterisk, path)) as outcome, sipp.dialled(asterisk.port("sip")) as phone:
        await beeped(phone)
        phone.speak(speech())
        recorded = await asyncio.wait_for(outcome, PATIENCE)
        assert await phone.over() == 0
    length, loud = heard_in(path)
    assert recorded.key == ""
    assert 0.7 * SPEECH_SECONDS < loud <= SPEECH_SECONDS + 0.1
    assert loud <= length < loud + 3
    assert abs(recorded.seconds - length) < 0.1


async def test_whoever_says_nothing_has_no_recording_to_speak_of(asterisk: RunningAsterisk) -> None:
    path = asterisk.layout.recordings_dir / "90000000000000000003"
    async with recorder(asterisk, record_into(asterisk, path)) as outcome, sipp.dialled(asterisk.port("sip")) as phone:
        recorded = await asyncio.wait_for(outcome, PATIENCE)
        assert await phone.over() == 0
    assert recorded.seconds < 1.5


async def test_what_was_said_before_a_hang_up_is_kept(asterisk: RunningAsterisk) -> None:
    path = asterisk.layout.recordings_dir / "90000000000000000004"
    async with recorder(asterisk, record_into(asterisk, path)) as outcome, sipp.dialled(asterisk.port("sip")) as phone:
        await beeped(phone)
        phone.speak(speech())
        await until_loud(path)
        phone.hang_up()
        assert await phone.over() == 0
        with pytest.raises(CallerHungUp):
            await asyncio.wait_for(outcome, PATIENCE)
    _, loud = heard_in(path)
    assert loud > 0.5


async def test_a_place_that_cannot_be_written_to_is_told(asterisk: RunningAsterisk) -> None:
    path = asterisk.layout.recordings_dir / "nowhere" / "90000000000000000005"
    asterisk.layout.recordings_dir.joinpath("nowhere").write_text("a file where a folder should be")
    async with recorder(asterisk, record_into(asterisk, path)) as outcome, sipp.dialled(asterisk.port("sip")) as phone:
        with pytest.raises(RecordingFailed):
            await asyncio.wait_for(outcome, PATIENCE)
        assert await phone.over() == 0


async def until_loud(path: Path) -> None:
    """Until the file holds half a second of speech."""
    file = path.with_suffix(".wav")
    async with asyncio.timeout(PATIENCE):
        while not file.exists() or file.stat().st_size < 16_000:
            await asyncio.sleep(0.05)
