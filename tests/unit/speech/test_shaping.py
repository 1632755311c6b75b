"""What is heard of a clip: level, ends, rate, no clipping."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.speech.audio import alaw, shaping
from ivr.speech.audio.clip import SLN16_RATE, join, silence


def tone(seconds: float, level: float, rate: int = 22050, pitch: float = 440.0) -> shaping.Samples:
    return (level * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def quiet(seconds: float, rate: int = 22050) -> shaping.Samples:
    return np.zeros(int(seconds * rate), dtype=np.float32)


def linear(clip_bytes: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(clip_bytes, dtype="<i2").astype(np.float64) / 32768


def test_silence_at_both_ends_goes_but_a_breath_stays() -> None:
    clip = shaping.shape(np.concatenate([quiet(1), tone(0.5, 0.3), quiet(2)]), 22050, 0)
    assert 0.5 <= clip.seconds < 0.6


def test_silence_inside_stays() -> None:
    clip = shaping.shape(np.concatenate([tone(0.5, 0.3), quiet(1), tone(0.5, 0.3)]), 22050, 0)
    assert clip.seconds == pytest.approx(2.0, abs=0.06)


def test_both_forms_hold_the_same_sound() -> None:
    clip = shaping.shape(tone(0.5, 0.3), 22050, 0)
    assert clip.whole
    narrow, wide = alaw.decode(clip.alaw).astype(float) / 32768, linear(clip.sln16)
    assert np.sqrt((narrow**2).mean()) == pytest.approx(np.sqrt((wide**2).mean()), rel=0.02)
    crossings = np.diff(np.signbit(wide)).sum()
    assert crossings / 2 / clip.seconds == pytest.approx(440, rel=0.02)


def test_pauses_do_not_count_for_the_level() -> None:
    alone = shaping.level_dbfs(tone(0.3, 0.2), 22050)
    paused = shaping.level_dbfs(np.concatenate([tone(0.3, 0.2), quiet(3), tone(0.3, 0.2)]), 22050)
    assert paused == pytest.approx(alone, abs=0.5)
    assert shaping.level_dbfs(quiet(1), 22050) == float("-inf")


def test_what_is_too_loud_is_bent_and_never_cut() -> None:
    clip = shaping.shape(tone(0.5, 0.5), 22050, 12)
    peak = np.abs(linear(clip.sln16)).max()
    assert shaping.KNEE < peak <= shaping.CEILING + 0.001
    assert (np.abs(alaw.decode(clip.alaw).astype(int)) > 30000).sum() == 0


def test_a_clip_begins_and_ends_at_zero_so_that_joints_do_not_click() -> None:
    clip = shaping.clip_of(tone(0.5, 0.5), 22050)
    joined = linear(join([clip, silence(20), clip]).sln16)
    assert abs(linear(clip.sln16)[0]) < 0.001
    assert abs(linear(clip.sln16)[-2:]).max() < 0.01
    assert np.abs(np.diff(joined)).max() < np.abs(np.diff(linear(clip.sln16))).max() + 0.01


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 44100, 48000])
def test_every_rate_keeps_its_length(rate: int) -> None:
    clip = shaping.clip_of(tone(1.0, 0.3, rate), rate)
    assert clip.whole
    assert clip.seconds == pytest.approx(1.0, abs=0.002)


def test_nothing_gives_an_empty_clip() -> None:
    assert shaping.shape(quiet(1), 22050, 0).alaw == b""
    assert shaping.shape(quiet(0), 22050, 0).alaw == b""


@given(st.lists(st.floats(-1, 1, width=32), max_size=3000), st.sampled_from([8000, 22050, 48000]))
def test_any_samples_give_two_forms_of_one_length(values: list[float], rate: int) -> None:
    clip = shaping.shape(np.array(values, dtype=np.float32), rate, 20)
    assert len(clip.sln16) == 4 * len(clip.alaw)


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 1), (2, 2), (3, 1), (4, 2)])
def test_every_kind_of_pcm_wav_is_read(width: int, channels: int) -> None:
    one = tone(0.2, 0.5, 8000).astype(np.float64)
    if width == 1:
        data = np.repeat(np.rint(one * 127 + 128).astype(np.uint8), channels).tobytes()
    else:
        numbers = np.repeat(np.rint(one * (2 ** (8 * width - 1) - 1)).astype(np.int64), channels)
        data = b"".join(int(number).to_bytes(width, "little", signed=True) for number in numbers)
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, width, 8000, 0, "NONE", ""))
        writer.writeframes(data)
    samples, rate = shaping.samples_of_wav(file.getvalue())
    assert rate == 8000
    assert np.allclose(samples, one, atol=0.01)


def test_a_wav_with_made_up_lengths_is_read_to_its_end() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes((tone(0.2, 0.5, 8000) * 32767).astype("<i2").tobytes())
    data = bytearray(file.getvalue())
    data[4:8] = data[40:44] = b"\xff\xff\xff\x7f"
    assert len(shaping.samples_of_wav(bytes(data))[0]) == 1600


@pytest.mark.parametrize("data", [b"", b"RIFF", b"ID3 no wave at all", b"RIFF\x00\x00\x00\x00WAVEdata"])
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a PCM WAV"):
        shaping.samples_of_wav(data)


def test_silence_lasts_as_long_as_it_should() -> None:
    assert silence(250).seconds == 0.25
    assert not np.frombuffer(silence(250).sln16, np.int16).any()
    assert len(silence(250).sln16) == 250 * SLN16_RATE // 1000 * 2
