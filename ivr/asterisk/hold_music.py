"""Music on hold, made here: no licence to clear, no file to fetch, and every machine plays the same.

A slow progression of soft chords that joins its own beginning. Pure, but for ``ensure``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 8000  # samples per second: what the trunk carries
CHORD_SECONDS = 4.0
LOUDNESS = 0.16  # of full scale, so that the first prompt after it is never the quieter of the two
FILE_NAME = "goldline.sln"  # signed linear, 16 bit, 8 kHz, little endian (Asterisk's format_sln)

# MIDI notes: C major 7, A minor 7, F major 7, G 6, within the 300-3400 Hz that a telephone passes
CHORDS = ((60, 64, 67, 71), (57, 64, 67, 72), (65, 69, 72, 76), (67, 71, 74, 76))


def compose() -> npt.NDArray[np.int16]:
    """The whole loop as samples."""
    count = int(RATE * CHORD_SECONDS)
    moment = np.arange(count) / RATE
    swell = np.sin(np.pi * moment / CHORD_SECONDS) ** 0.5  # each chord rises from silence and falls back: no clicks
    parts = []
    for chord in CHORDS:
        voices = np.zeros(count)
        for place, note in enumerate(chord):
            pitch = 440.0 * 2 ** ((note - 69) / 12)
            start = np.clip((moment - 0.35 * place) * 4, 0.0, 1.0)  # one voice after the other
            voices += start * (np.sin(2 * np.pi * pitch * moment) + 0.25 * np.sin(4 * np.pi * pitch * moment))
        parts.append(voices * swell / len(chord))
    return np.asarray(np.concatenate(parts) * LOUDNESS * 32767, dtype=np.int16)


def ensure(directory: Path) -> Path:
    """The file, written unless it is there. An operator's own music in the same directory is played beside it."""
    file = directory / FILE_NAME
    if not file.exists():
        fresh = directory / f".{FILE_NAME}.{os.getpid()}"
        fresh.write_bytes(compose().astype("<i2").tobytes())
        fresh.chmod(0o600)
        fresh.replace(file)
    return file
