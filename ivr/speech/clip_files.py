"""Two files for one clip: written so that a file which exists is complete, read so that one cut short is noticed."""

from __future__ import annotations

import os
from pathlib import Path

from ivr.speech.audio.clip import SLN16_BYTES_PER_ALAW_BYTE, Clip

ALAW = ".alaw"
SLN16 = ".sln16"
TEMPORARY = ".tmp"


def write_clip(base: Path, clip: Clip) -> None:
    """Write ``base.sln16`` and ``base.alaw``. The A-law file comes last: where it is, the other is too."""
    for suffix, data in ((SLN16, clip.sln16), (ALAW, clip.alaw)):
        temporary = base.with_name(f"{base.name}{suffix}.{os.getpid()}{TEMPORARY}")
        temporary.write_bytes(data)
        temporary.replace(base.with_name(base.name + suffix))


def read_clip(base: Path) -> Clip | None:
    """The clip, or None when a file is missing or cut short."""
    try:
        clip = Clip(base.with_name(base.name + ALAW).read_bytes(), base.with_name(base.name + SLN16).read_bytes())
    except FileNotFoundError:
        return None
    return clip if clip.whole else None


def delete_clip(base: Path) -> None:
    """Delete both files, the A-law one first."""
    base.with_name(base.name + ALAW).unlink(missing_ok=True)
    base.with_name(base.name + SLN16).unlink(missing_ok=True)


def sizes_agree(alaw_bytes: int, sln16_bytes: int) -> bool:
    """Whether two files of those sizes hold the same time, and some."""
    return alaw_bytes > 0 and sln16_bytes == alaw_bytes * SLN16_BYTES_PER_ALAW_BYTE
