"""The tones of a telephone network, by pitch and rhythm. Pure; a stream, fed in pieces of any length.

China's (GB/T 3380, YDN 065): all at 450 Hz; ring tone 1 s on and 4 s off, busy 0.35 s on and off, congestion 0.7 s on
and off, unallocated number three times 0.1 s on and off and then 0.4 s on and off. ITU-T E.180: special information
tones, 950, 1400 and 1800 Hz for a third of a second each, before an announcement. ITU-T T.30: a fax that answers (CED)
holds 2100 Hz, one that calls (CNG) sends half a second of 1100 Hz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from outbound.announcements.features import RATE, Samples

Tone = Literal["ringing", "busy", "congestion", "unallocated", "special_information", "fax"]
TONES: Final[tuple[Tone, ...]] = get_args(Tone)

_WINDOW: Final = 256  # 32 ms: the pitch to 4 Hz, the rhythm to a hop
_HOP: Final = 128
_HOP_SECONDS: Final = _HOP / RATE
_PURE: Final = 0.8  # of the power lies within two bins of the peak: no vowel of speech keeps that up
_SOFTEST: Final = 10 ** (-50 / 10)  # power below which there is nothing, full scale 1.0 …
_QUIET: Final = 10 ** (-8 / 10)  # … or this share of the loudest of late: lines have noise
_FORGETS: Final = 0.9977  # of the loudest, with each frame: 4 s of the pause of a ring tone take it down by 2.5 dB
_SETTLED: Final = 3  # frames alike begin a new run: a lost packet or two end none
_LOOKS_EVERY: Final = 3
_CHAOS: Final = 8  # frames unlike each other and the run before: some other sound
_SAME_HERTZ: Final = 25.0
_KEPT: Final = 24  # runs remembered: three rounds of the longest rhythm
_HALF_BINS: Final = 2
_LOWEST_BIN: Final = 6  # below 170 Hz there is hum

_CALL_HERTZ: Final = (395.0, 495.0)  # 450 in China, 400 to 440+480 elsewhere
_SIT_HERTZ: Final = ((900.0, 1010.0), (1340.0, 1450.0), (1740.0, 1860.0))
_CED_HERTZ: Final = (2080.0, 2120.0)  # 2100 ± 15 (T.30 §4.3.3.2)
_CED_SECONDS: Final = 0.5  # it lasts 2.6 s at least; so much is left of it between two lost packets
_CNG_HERTZ: Final = (1060.0, 1140.0)  # 1100 ± 38 (T.30 §4.3.3.3)


@dataclass(frozen=True, slots=True)
class Run:
    """One kind of sound without a break. ``hertz`` of a pure tone, 0.0 for silence, None for any other sound."""

    hertz: float | None
    seconds: float

    def is_tone(self, hertz: tuple[float, float], least: float, most: float) -> bool:
        """A tone in this band that lasts so long."""
        return bool(self.hertz) and hertz[0] <= (self.hertz or 0) <= hertz[1] and least <= self.seconds <= most


class ToneStream:
    """Hears tones. ``runs`` is what it heard last, without the run that goes on (``present``)."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, dtype=np.float32)
        self._frames: list[float | None] = []  # of the present run
        self._pending: list[float | None] = []  # frames that do not fit it, and may be the next one's
        self._peak = 0.0  # the loudest power of late
        self._since = 0  # frames since a rhythm was looked for
        self.runs: list[Run] = []

    def feed(self, samples: Samples) -> Tone | None:
        """The tone that these samples make sure, if any."""
        heard = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        count = (len(heard) - _WINDOW) // _HOP + 1
        if count <= 0:
            self._rest = heard
            return None
        self._rest = heard[count * _HOP :]
        found: Tone | None = None
        for hertz in self._pitches(heard, count):
            self._take(hertz)
            self._since += 1
            # A rhythm is looked for in quiet and in tones only, and no more often than it can have changed.
            if self._since >= _LOOKS_EVERY and self._frames[0] is not None:
                self._since = 0
                found = found or tone_of([*self.runs, self.present()])
        return found

    def present(self) -> Run:
        """The run that goes on."""
        pitches = [hertz for hertz in self._frames if hertz]
        seconds = len(self._frames) * _HOP_SECONDS
        if self._frames and self._frames[0]:
            return Run(float(np.median(pitches)), seconds)
        return Run(self._frames[0] if self._frames else 0.0, seconds)

    def _take(self, hertz: float | None) -> None:
        if not self._frames or _alike(self._frames[-1], hertz):
            # A tone that comes back after a lost packet had gone on.
            self._frames += [hertz] * (len(self._pending) + 1)
            self._pending = []
            return
        self._pending.append(hertz)
        latest = self._pending[-_SETTLED:]
        settled = len(latest) == _SETTLED and all(_alike(latest[0], one) for one in latest[1:])
        if not settled and len(self._pending) < _CHAOS:
            return
        if settled:  # the frames between belong to the run before: so does what a window smears, at both its ends
            self._frames += [self._frames[-1]] * (len(self._pending) - _SETTLED)
        self.runs = [*self.runs[1 - _KEPT :], self.present()]
        self._frames = latest if settled else [None] * len(self._pending)
        self._pending = []

    def _pitches(self, heard: Samples, count: int) -> list[float | None]:
        """For each frame the pitch of a pure tone, 0.0 for quiet, None for any other sound."""
        frames = np.lib.stride_tricks.sliding_window_view(heard, _WINDOW)[::_HOP][:count]
        power = np.abs(np.fft.rfft(frames * _HANN, axis=1)) ** 2
        power[:, :_LOWEST_BIN] = 0
        total = power.sum(axis=1)
        peak = np.clip(power.argmax(axis=1), _HALF_BINS, power.shape[1] - _HALF_BINS - 1)
        bins = np.arange(-_HALF_BINS, _HALF_BINS + 1)
        around = np.take_along_axis(power, peak[:, None] + bins, axis=1)
        near = np.maximum(around.sum(axis=1), 1e-12)
        share = near / np.maximum(total, 1e-12)
        hertz = (peak + (around * bins).sum(axis=1) / near) * RATE / _WINDOW
        found: list[float | None] = []
        for loud, pure, pitch in zip(total / _FULL_SCALE, share, hertz, strict=True):
            self._peak = max(float(loud), self._peak * _FORGETS)
            if loud < max(_SOFTEST, self._peak * _QUIET):
                found.append(0.0)
            else:
                found.append(float(pitch) if pure >= _PURE else None)
        return found


def tone_of(runs: Sequence[Run]) -> Tone | None:
    """The tone that these runs end with, the last of them being the one that goes on."""
    if not runs:
        return None
    last = runs[-1]
    if last.is_tone(_CED_HERTZ, _CED_SECONDS, 60.0):
        return "fax"
    quiet = last.seconds if last.hertz == 0.0 else 0.0
    if len(runs) >= 2 and runs[-2].is_tone(_CNG_HERTZ, 0.4, 0.6) and quiet >= 1.0:
        return "fax"
    if len(runs) >= 3 and all(run.is_tone(band, 0.2, 0.45) for band, run in zip(_SIT_HERTZ, runs[-3:], strict=True)):
        return "special_information"
    for tone, beats, rounds in _RHYTHMS:
        if _rhythm(runs, beats * rounds):
            return tone
    # The pause of a ring tone is long; of it two seconds are enough.
    if len(runs) >= 2 and runs[-2].is_tone(_CALL_HERTZ, 0.7, 2.2) and quiet >= 2.0:
        return "ringing"
    return None


# Half a second is the busy tone of many exchanges abroad.
_RHYTHMS: Final[tuple[tuple[Tone, tuple[float, ...], int], ...]] = (
    ("busy", (0.35,), 3),
    ("busy", (0.5,), 3),
    ("congestion", (0.7,), 3),
    ("unallocated", (0.1, 0.1, 0.1, 0.4), 2),
)


def _rhythm(runs: Sequence[Run], beats: tuple[float, ...]) -> bool:
    """Whether the runs end with these beats, each as long on as off; of the last pause most is enough."""
    rows = runs[-2 * len(beats) :]
    if len(rows) < 2 * len(beats):
        return False
    for place, beat in enumerate(beats):
        on, off = rows[2 * place], rows[2 * place + 1]
        slack = max(0.05, 0.2 * beat)
        if not on.is_tone(_CALL_HERTZ, beat - slack, beat + slack) or off.hertz != 0.0:
            return False
        if off.seconds < beat - slack or (place < len(beats) - 1 and off.seconds > beat + slack):
            return False
    return True


def _alike(one: float | None, other: float | None) -> bool:
    if not one or not other:
        return one == other
    return abs(one - other) <= _SAME_HERTZ


_HANN: Final[npt.NDArray[np.float64]] = np.hanning(_WINDOW)
_FULL_SCALE: Final = float((_HANN**2).sum()) * _WINDOW / 4  # what a sine at full scale has, its power taken as 1
