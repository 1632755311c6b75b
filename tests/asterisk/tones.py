"""Who hears whom: each telephone hums at a pitch of its own, and what comes to an ear is measured for each pitch.

One bin of a Fourier sum for each pitch (G. Goertzel, Am. Math. Monthly 65, 1958, p. 34) over a window in which every
pitch here has whole periods, so that none leaks into another.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

import numpy as np

from ivr.speech.audio import alaw

CALLER, FIRST, SECOND, SUPERVISOR, OUTSIDE = 1010, 1310, 1610, 1910, 2210  # Hz; not the pitches of the hold music
PITCHES = (CALLER, FIRST, SECOND, SUPERVISOR, OUTSIDE)
AMPLITUDE = 5000  # of 32,767
HEARD = AMPLITUDE / 8  # a hum is there; mixed ones are not made quieter
WINDOW_SECONDS = 0.4
WINDOW_BYTES = 3200
PATIENCE = 20.0
LOOK_SECONDS = 0.1
NOBODY: frozenset[int] = frozenset()


class Ear(Protocol):
    """A telephone: what came to its ear, with times (time.monotonic())."""

    def sound_since(self, at: float) -> bytes: ...


def hum(pitch: int) -> bytes:
    """A second of that pitch, A-law; it can be repeated without a seam."""
    axis = np.arange(8000) / 8000
    return alaw.encode((AMPLITUDE * np.sin(2 * np.pi * pitch * axis)).astype(np.int16))


def pitches(sound: bytes) -> frozenset[int]:
    """The pitches that are heard at the end of this sound; a window that is not full has none."""
    if len(sound) < WINDOW_BYTES * 3 // 4:
        return NOBODY
    samples = alaw.decode(sound[-WINDOW_BYTES:]).astype(np.float64)
    axis = np.arange(len(samples)) / 8000
    return frozenset(
        pitch
        for pitch in PITCHES
        if abs(np.sum(samples * np.exp(-2j * np.pi * pitch * axis))) * 2 / len(samples) > HEARD
    )


def pitches_ever(sound: bytes) -> set[int]:
    """The pitches that are heard anywhere in this sound, each for a window at least."""
    found: set[int] = set()
    for end in range(WINDOW_BYTES, len(sound) + 1, WINDOW_BYTES // 2):
        found |= pitches(sound[:end][-WINDOW_BYTES:])
    return found


def heard_now(ear: Ear) -> frozenset[int]:
    """Who is heard at this moment."""
    return pitches(ear.sound_since(time.monotonic() - WINDOW_SECONDS))


async def hear(**expected: tuple[Ear, set[int]]) -> None:
    """Until every ear hears exactly these pitches, all at the same time."""
    deadline = time.monotonic() + PATIENCE
    while True:
        wrong = {name: sorted(heard_now(ear)) for name, (ear, wanted) in expected.items() if heard_now(ear) != wanted}
        if not wrong:
            return
        assert time.monotonic() < deadline, f"they hear {wrong}"
        await asyncio.sleep(LOOK_SECONDS)
