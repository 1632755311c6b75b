"""A clip: sound in the two forms that Asterisk plays, and how clips are joined. Pure.

``alaw`` is 8 kHz A-law (what trunks in China carry), ``sln16`` is 16 kHz linear (what a wideband phone is made from).
Both hold the same time, so that ``len(sln16) == 4 * len(alaw)``: a file cut short is noticed by that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.speech.audio import alaw as alaw_codec

ALAW_RATE = 8000  # samples, and bytes, a second
SLN16_RATE = 16000
SLN16_BYTES_PER_ALAW_BYTE = 4  # twice the samples, two bytes each


@dataclass(frozen=True, slots=True)
class Clip:
    """A run of sound in both forms."""

    alaw: bytes
    sln16: bytes

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.alaw) / ALAW_RATE

    @property
    def size(self) -> int:
        """Bytes of both forms together."""
        return len(self.alaw) + len(self.sln16)

    @property
    def whole(self) -> bool:
        """Both forms hold the same time, and some."""
        return len(self.alaw) > 0 and len(self.sln16) == len(self.alaw) * SLN16_BYTES_PER_ALAW_BYTE


def silence(milliseconds: int) -> Clip:
    """Nothing, for that long."""
    count = milliseconds * ALAW_RATE // 1000
    return Clip(bytes([alaw_codec.SILENCE]) * count, bytes(count * SLN16_BYTES_PER_ALAW_BYTE))


def join(clips: Iterable[Clip]) -> Clip:
    """One after the other. Clips begin and end in silence, so that no joint is heard as a click."""
    row = list(clips)
    return Clip(b"".join(clip.alaw for clip in row), b"".join(clip.sln16 for clip in row))
