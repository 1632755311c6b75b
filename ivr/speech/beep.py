"""The beep that opens a recording, made here: one second of warning would be rude, a quarter is plain."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ivr.speech.audio import shaping
from ivr.speech.audio.clip import SLN16_RATE
from ivr.speech.clip_files import read_clip, write_clip

PITCH_HZ = 1000.0
SECONDS = 0.25
PEAK = 0.25  # -12 dBFS: as loud as speech, and no key's pair of tones
_EDGE_SECONDS = 0.01


def write_beep(base: Path) -> None:
    """Write it to ``base`` (a path without extension) unless it is there. Raises OSError."""
    if read_clip(base) is None:
        base.parent.mkdir(parents=True, exist_ok=True)
        write_clip(base, shaping.seamless_clip_of(_tone()))


def _tone() -> shaping.Samples:
    time = np.arange(int(SECONDS * SLN16_RATE)) / SLN16_RATE
    edge = np.clip(np.minimum(time, SECONDS - time) / _EDGE_SECONDS, 0, 1)
    return (PEAK * edge * np.sin(2 * np.pi * PITCH_HZ * time)).astype(np.float32)
