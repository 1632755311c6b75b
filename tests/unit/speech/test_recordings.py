"""Recorded clips take the place of rendered ones; a bad recording is told and never played."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from speech_fakes import FakeEngine, make_composer

from ivr.speech.audio import shaping
from ivr.speech.recordings import Recordings, clip_of_recording
from ivr.speech.utterance import Piece, Utterance

GREETING = Utterance("zh", (Piece("欢迎致电", prompt="greeting"),))


def record(file: Path, level: float = 0.3, seconds: float = 1.0, rate: int = 44100) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    samples = level * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate)
    with wave.open(str(file), "wb") as writer:
        writer.setparams((2, 2, rate, 0, "NONE", ""))
        writer.writeframes(np.repeat(np.clip(samples * 32767, -32768, 32767), 2).astype("<i2").tobytes())


async def test_a_recording_takes_the_place_of_a_prompt_and_of_a_word(engine: FakeEngine, tmp_path: Path) -> None:
    record(tmp_path / "prompts/zh/greeting.wav")
    record(tmp_path / "prompts/zh/words/一千.wav", seconds=0.5)
    recordings = Recordings.load(tmp_path / "prompts")
    assert not recordings.problems
    composer = make_composer(engine, tmp_path, recordings)
    sound = await composer.compose(Utterance("zh", (*GREETING.pieces, Piece("一千"))))
    assert engine.said == []
    assert sound.seconds == pytest.approx(1.6, abs=0.1)
    await composer.compose(Utterance("en", GREETING.pieces))
    assert engine.said == ["欢迎致电"]


async def test_a_new_recording_is_heard_after_the_next_start(engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "prompts/zh/greeting.wav"
    record(file)
    old = await make_composer(engine, tmp_path, Recordings.load(tmp_path / "prompts")).compose(GREETING)
    record(file, seconds=2.0)
    composer = make_composer(engine, tmp_path, Recordings.load(tmp_path / "prompts"))
    assert composer.ready(GREETING) is None
    assert (await composer.compose(GREETING)).seconds > old.seconds + 0.5


async def test_when_a_recording_has_gone_the_engine_speaks(engine: FakeEngine, tmp_path: Path) -> None:
    file = tmp_path / "prompts/zh/greeting.wav"
    record(file)
    recordings = Recordings.load(tmp_path / "prompts")
    file.unlink()
    assert (await make_composer(engine, tmp_path, recordings).compose(GREETING)).seconds > 0.1
    assert engine.said == ["欢迎致电"]


@pytest.mark.parametrize("level", [0.02, 0.3, 0.9])
def test_every_recording_comes_out_equally_loud(tmp_path: Path, level: float) -> None:
    record(tmp_path / "prompts/zh/greeting.wav", level)
    recording = Recordings.load(tmp_path / "prompts").find("zh", "", "greeting")
    assert recording is not None
    clip = clip_of_recording(recording)
    samples = np.frombuffer(clip.sln16, "<i2").astype(np.float32) / 32768
    assert shaping.level_dbfs(samples, 16000) == pytest.approx(shaping.TARGET_DBFS, abs=1)


def test_what_cannot_be_used_is_told_with_its_file_and_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "zh"
    record(folder / "silent.wav", level=0)
    record(folder / "clipped.wav", level=3)
    record(folder / "slow.wav", rate=4000)
    record(folder / "long.wav", seconds=301, rate=8000)
    (folder / "text.wav").write_text("this is no sound")
    (folder / "empty.wav").touch()
    (folder / "song.flac").write_text("this is no sound either")
    record(folder / "good.wav")
    recordings = Recordings.load(tmp_path)
    assert [problem.file.rpartition("/")[2] for problem in recordings.problems] == [
        "clipped.wav",
        "empty.wav",
        "long.wav",
        "silent.wav",
        "slow.wav",
        "song.flac",
        "text.wav",
    ]
    assert all(problem.message and problem.remedy for problem in recordings.problems)
    assert len(recordings) == 1


def test_a_recording_of_no_prompt_is_noticed(tmp_path: Path) -> None:
    record(tmp_path / "zh/greting.wav")
    assert [file.name for file in Recordings.load(tmp_path).strangers(frozenset({"greeting"}))] == ["greting.wav"]


def test_no_directory_is_no_recording(tmp_path: Path) -> None:
    assert len(Recordings.load(tmp_path / "nowhere")) == 0
