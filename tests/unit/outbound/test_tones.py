"""Tones by pitch and rhythm, on a clean line and on a bad one."""

from __future__ import annotations

import numpy as np
import pytest

from outbound.announcements.features import RATE
from outbound.announcements.tones import Tone, ToneStream
from tests.unit.outbound.sounds import Sound, beats, music, noise, noisy, silence, tone

TONES: list[tuple[Tone, Sound, float]] = [
    ("ringing", beats((1.0, 4.0), rounds=2), 3.2),
    ("ringing", beats((1.0, 4.0), hertz=425.0, rounds=2), 3.2),
    ("busy", beats((0.35, 0.35), rounds=8), 2.2),
    ("busy", beats((0.5, 0.5), hertz=425.0, rounds=6), 3.2),
    ("congestion", beats((0.7, 0.7), rounds=6), 4.3),
    ("unallocated", beats((0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.4, 0.4), rounds=4), 3.1),
    (
        "special_information",
        np.concatenate([tone(950, 0.33), tone(1400, 0.33), tone(1800, 0.33), silence(1)]),
        1.1,
    ),
    ("fax", tone(2100, 3.0), 1.2),
    ("fax", beats((0.5, 3.0), hertz=1100.0, rounds=2), 1.8),
]


def first(sound: Sound) -> tuple[Tone, float] | None:
    stream = ToneStream()
    for place in range(0, len(sound), 160):
        found = stream.feed(sound[place : place + 160])
        if found:
            return found, place / RATE
    return None


@pytest.mark.parametrize(("name", "sound", "within"), TONES)
def test_each_tone_is_heard_in_time(name: Tone, sound: Sound, within: float) -> None:
    for bad in (sound, noisy(sound, 15), sound * np.float32(0.1)):
        found = first(np.concatenate([silence(0.3), bad]))
        assert found is not None
        assert found[0] == name
        assert found[1] <= within + 0.3


@pytest.mark.parametrize(
    "sound",
    [
        music(10),
        noise(60_000) * np.float32(0.2),
        silence(5),
        tone(450, 8.0),  # a dial tone
        beats((0.2, 0.2), rounds=20),
        beats((1.0, 1.0), rounds=5),
        tone(1000, 3.0),
    ],
)
def test_no_tone_is_heard_in_anything_else(sound: Sound) -> None:
    assert first(sound) is None


def test_a_lost_packet_does_not_break_a_tone() -> None:
    sound = beats((0.35, 0.35), rounds=6)
    sound[1000:1160] = 0
    assert first(sound) == ("busy", pytest.approx(2.1, abs=0.2))
