"""What a caller said after the beep: where the file is and how long it is."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIX: Final = ".wav"  # as the flow node ``record`` has Asterisk write it
HEADER_BYTES: Final = 44
BYTES_PER_SECOND: Final = 16_000  # 8 kHz, 16 bits, one channel (Asterisk's format_wav)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording that is there."""

    file: Path
    seconds: float


def recorded(directory: Path, name: str) -> Recorded | None:
    """The recording of this name; None when the caller left no words. Raises OSError when it cannot be read."""
    file = directory / f"{name}{SUFFIX}"
    if not name or not file.is_file():
        return None
    seconds = _seconds(file)
    return Recorded(file, seconds) if seconds > 0 else None


def _seconds(file: Path) -> float:
    try:
        with wave.open(str(file)) as sound:
            told = sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        told = 0.0
    # The header gets its length when the file is closed: an Asterisk that was killed leaves it at nothing.
    return told or max(0, file.stat().st_size - HEADER_BYTES) / BYTES_PER_SECOND
