"""What is said after an answer is given piece by piece while Asterisk writes it, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from ivr.ami.client import AmiClient
from ivr.ami.errors import ActionTimeout
from ivr.dialing import early_media
from ivr.dialing.early_media import WAV_HEADER, EarlyMediaRecorder

BEFORE = np.arange(1, 301, dtype="<i2")  # early media, before the answer
AFTER = np.arange(1000, 3000, dtype="<i2")


class Recorder:
    """The account that may record: notes what it is told."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.told: list[str] = []
        self.refuses = refuses

    async def action(self, name: str, headers: Mapping[str, str], *, deadline: float) -> None:
        self.told.append(name)
        if self.refuses:
            raise ActionTimeout(name, deadline)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_media, "FOLLOW_SECONDS", 0.001)


def recorder_of(account: Recorder, folder: Path) -> EarlyMediaRecorder:
    return EarlyMediaRecorder(cast(AmiClient, account), folder)


async def test_what_was_said_before_the_answer_is_not_given_again(tmp_path: Path) -> None:
    account = Recorder()
    recorder = recorder_of(account, tmp_path)
    recorder.begin("attempt-1", "chan")
    file = tmp_path / "attempt-1.wav"
    file.write_bytes(bytes(WAV_HEADER) + BEFORE.tobytes())
    heard = np.zeros(0, dtype=np.int16)
    async with contextlib.aclosing(recorder.after_answer("attempt-1", "chan", 60)) as pieces:
        rest = AFTER.tobytes()
        for size in (3, 999, 5000):  # a sample may be half written
            coming = asyncio.ensure_future(anext(pieces))
            await asyncio.sleep(0)
            with file.open("ab") as written:
                written.write(rest[:size])
            rest = rest[size:]
            heard = np.concatenate([heard, await coming])
    assert heard.tolist() == AFTER[: len(heard)].tolist()
    assert len(heard) == len(AFTER)
    assert account.told == ["MixMonitor"]  # once, and nobody's recording is stopped
    assert not file.exists()
    assert await recorder.take("attempt-1") is None


async def test_without_early_media_the_recording_begins_at_the_answer(tmp_path: Path) -> None:
    account = Recorder()
    pieces = recorder_of(account, tmp_path).after_answer("attempt-2", "chan", 60)
    file = tmp_path / "attempt-2.wav"
    first = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)
    file.write_bytes(bytes(WAV_HEADER) + AFTER.tobytes())
    assert (await first).tolist() == AFTER.tolist()
    await pieces.aclose()
    assert account.told == ["MixMonitor"]
    assert not list(tmp_path.iterdir())


async def test_where_nothing_is_recorded_it_ends_in_time(tmp_path: Path) -> None:
    pieces = recorder_of(Recorder(refuses=True), tmp_path).after_answer("attempt-3", "chan", 0.05)
    assert [piece async for piece in pieces] == []
