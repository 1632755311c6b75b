"""A recording on disk as samples at 8 kHz: WAV (PCM or A-law), ``.sln`` and ``.alaw`` as Asterisk writes them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from ivr.errors import GoldlineError
from ivr.speech.audio import alaw, shaping
from outbound.announcements.features import RATE, Samples

SUFFIXES: Final = (".wav", ".sln", ".alaw")
LONGEST_SECONDS: Final = 600.0

_PCM, _ALAW = 1, 6  # of WAVE_FORMAT
_MOST_BYTES: Final = int(LONGEST_SECONDS * 48_000 * 2 * 2)


class SoundUnreadable(GoldlineError):
    """A recording that cannot be read."""

    error_id: ClassVar[str] = "sound-unreadable"


def read_sound(path: Path) -> Samples:
    """The samples, one channel at 8 kHz, full scale 1.0; empty when nothing is recorded. Raises SoundUnreadable."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SoundUnreadable(
            f"{path}: a recording ends in {', '.join(SUFFIXES)}.", remedy=f"Try: sox {path.name} -r 8000 -c 1 x.wav"
        )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SoundUnreadable(f"{path} holds more than {LONGEST_SECONDS / 60:.0f} minutes.", remedy="Cut it.")
        data = path.read_bytes()
    except OSError as error:
        raise SoundUnreadable(f"{path} cannot be read: {error.strerror}.", remedy="Is the path right?") from error
    if suffix == ".alaw":
        return _of_alaw(data)
    if suffix == ".sln":
        return shaping.samples_of_pcm(data[: len(data) // 2 * 2])
    try:
        return _of_wav(data)
    except (ValueError, struct.error) as error:
        raise SoundUnreadable(
            f"{path} is no WAV file of PCM or A-law: {error}.",
            remedy="Try: sox FILE -r 8000 -c 1 -e signed -b 16 x.wav",
        ) from error


def _of_wav(data: bytes) -> Samples:
    # By hand: the standard library's reader knows no A-law, and believes the length in the header, which is zero in a
    # file that Asterisk is still writing or died over.
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("it has no WAV header")
    place, form = 12, None
    while place + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"fmt ":
            form = struct.unpack_from("<HHIIHH", data, place)
        if name == b"data":
            break
        place += length + length % 2
    else:
        raise ValueError("it holds no sound")
    if form is None:
        raise ValueError("it does not say its format")
    kind, channels, rate, _, _, bits = form
    sound = data[place : place + length] if 0 < length <= len(data) - place else data[place:]
    if not 1 <= channels <= 8 or not 4_000 <= rate <= 192_000:
        raise ValueError(f"{channels} channels at {rate} Hz")
    if kind == _ALAW and bits == 8:
        samples = _of_alaw(sound[: len(sound) // channels * channels])
        samples = samples.reshape(-1, channels).mean(axis=1, dtype=np.float32)
    elif kind == _PCM and bits in (8, 16, 24, 32):
        whole = len(sound) // (channels * bits // 8) * (channels * bits // 8)
        samples = shaping.samples_of_pcm(sound[:whole], bits // 8, channels)
    else:
        raise ValueError(f"format {kind} with {bits} bits")
    return shaping.resample(samples, rate, RATE)


def _of_alaw(data: bytes) -> Samples:
    return alaw.decode(data).astype(np.float32) / np.float32(2**15)
