"""Files as Asterisk leaves them: closed, or with a header that tells of no sound yet."""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path

RATE = 8000
HEADER_BYTES = 44


def closed(file: Path, seconds: float = 2.0, sound: int = 7) -> Path:
    """A recording that Asterisk has closed."""
    with wave.open(str(file), "wb") as handle:
        handle.setnchannels(1)
        handle.setsampwidth(2)
        handle.setframerate(RATE)
        handle.writeframes(bytes([sound]) * int(2 * RATE * seconds))
    return file


def being_written(file: Path, seconds: float = 2.0) -> Path:
    """A recording whose header says nothing of its length yet."""
    closed(file, seconds)
    with file.open("r+b") as handle:
        handle.seek(4)
        handle.write(struct.pack("<I", 36))
        handle.seek(40)
        handle.write(struct.pack("<I", 0))
    return file


def aged(file: Path, seconds: float, now: float) -> Path:
    """The same file, last written to so long ago."""
    os.utime(file, (now - seconds, now - seconds))
    return file
