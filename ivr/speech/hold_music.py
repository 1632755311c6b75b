"""Music on hold, made here: a quiet loop of soft chords that starts where it ends. Ours, so free of any licence.

Written as ``.alaw`` and ``.sln16`` for Asterisk's ``res_musiconhold`` in files mode.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ivr.speech.audio import shaping
from ivr.speech.audio.clip import SLN16_RATE, Clip
from ivr.speech.clip_files import read_clip, write_clip

FILE_NAME = "goldline-hold"
LEVEL_DBFS = -30.0  # well below speech: it comforts and does not hurt after a minute

_BAR_SECONDS = 4.0
_NOTES_PER_BAR = 8
# Ten bars, forty seconds: a calm turn in D major that leads back to its beginning. MIDI note numbers.
_BARS = (
    (50, 57, 62, 66), (47, 54, 62, 66), (43, 55, 59, 62), (45, 57, 61, 64), (54, 57, 61, 66),
    (47, 54, 59, 62), (52, 55, 59, 67), (45, 57, 62, 64), (43, 55, 62, 66), (45, 57, 61, 67),
)  # fmt: skip
_PATTERN = (0, 2, 1, 3, 2, 3, 1, 2)  # which note of the chord is plucked at each eighth
_PARTIALS = ((1.0, 1.0), (2.0, 0.30), (3.0, 0.10), (4.0, 0.04))  # multiples of the pitch, and how loud
_LOWEST_AUDIBLE_MIDI = 52  # below E3 a telephone carries only the overtones: such notes go up an octave


def loop() -> Clip:
    """The loop as a clip. It has no seam: what rings over the end is mixed into the beginning."""
    length = int(len(_BARS) * _BAR_SECONDS * SLN16_RATE)
    mix = np.zeros(length, dtype=np.float64)
    step = _BAR_SECONDS / _NOTES_PER_BAR
    for bar, chord in enumerate(_BARS):
        for place, which in enumerate(_PATTERN):
            start = int((bar * _BAR_SECONDS + place * step) * SLN16_RATE)
            _mix_round(mix, start, _plucked(chord[which], 0.8 if place else 1.0))
        for note in chord[:3]:
            _mix_round(mix, int(bar * _BAR_SECONDS * SLN16_RATE), _held(note))
    level = shaping.level_dbfs(mix.astype(np.float32), SLN16_RATE)
    quiet = (mix * 10 ** ((LEVEL_DBFS - level) / 20)).astype(np.float32)
    return shaping.seamless_clip_of(quiet)


def write_hold_music(directory: Path) -> Path:
    """Write the loop into ``directory`` unless it is there; returns its path without extension."""
    base = directory / FILE_NAME
    if read_clip(base) is None:
        directory.mkdir(parents=True, exist_ok=True)
        write_clip(base, loop())
    return base


def _plucked(note: int, strength: float) -> shaping.Samples:
    """A note that is struck and dies away, like a soft guitar."""
    seconds = 3.2
    time = np.arange(int(seconds * SLN16_RATE)) / SLN16_RATE
    tone = sum(level * np.sin(2 * np.pi * _pitch(note) * multiple * time) * np.exp(-time * (1.1 + multiple * 0.5))
               for multiple, level in _PARTIALS)  # fmt: skip
    attack = np.minimum(1.0, time / 0.012)
    release = np.minimum(1.0, (seconds - time) / 0.2)
    return np.asarray(tone * attack * release * strength * 0.5, dtype=np.float32)


def _held(note: int) -> shaping.Samples:
    """A note that swells and fades over a bar and into the next, like distant strings."""
    seconds = _BAR_SECONDS * 1.5
    time = np.arange(int(seconds * SLN16_RATE)) / SLN16_RATE
    swell = np.sin(np.pi * time / seconds) ** 2
    pitch = _pitch(note)
    tone = np.sin(2 * np.pi * pitch * time) + 0.5 * np.sin(2 * np.pi * pitch * 1.003 * time)
    return np.asarray(tone * swell * 0.12, dtype=np.float32)


def _pitch(note: int) -> float:
    if note < _LOWEST_AUDIBLE_MIDI:
        note += 12
    return float(440.0 * 2 ** ((note - 69) / 12))


def _mix_round(mix: np.ndarray[tuple[int], np.dtype[np.float64]], start: int, sound: shaping.Samples) -> None:
    """Add a sound; what reaches over the end goes on at the beginning."""
    room = len(mix) - start
    mix[start : start + len(sound)] += sound[:room]
    if len(sound) > room:
        mix[: len(sound) - room] += sound[room:]
