"""Sound at 8 kHz as a row of vectors that a network changes little. Pure; a stream, fed in pieces of any length.

In each frame (64 ms, every 16 ms) the power in 18 mel bands is raised to 0.3, as hearing compresses it: what is loud
counts, noise in the gaps does not. Then what stays the same is taken away: what the last third of a second had in each
band (a steady tone, hum, the colour of a line; the idea of RASTA, Hermansky and Morgan 1994), what all bands have in
common, and the level; and soft frames are brought nearer to loud ones. Of the fingerprint of Haitsma and Kalker (ISMIR
2002) it keeps the overlapping frames and the differences in time and frequency; unlike it, a difference keeps its size.
docs/decisions/0007-announcements-by-recordings.md says why.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]  # one channel at 8 kHz, full scale 1.0
Vectors = npt.NDArray[np.float32]  # frames × BANDS

Rows = TypeVar("Rows", npt.NDArray[np.float32], npt.NDArray[np.float64])

RATE: Final = 8000
WINDOW: Final = 512
HOP: Final = 128
HOP_SECONDS: Final = HOP / RATE
BANDS: Final = 18
LOWEST_HZ: Final = 250.0  # narrow lines pass 300 to 3400 Hz
HIGHEST_HZ: Final = 3400.0

_ALONE: Final = 250_000
_COMPRESSION: Final = 0.3
_SMALLEST_POWER: Final = 1e-9
_FORGETS: Final = 0.05  # of what a band had, with each frame: a time constant of 0.32 s
_RISES: Final = 0.2  # the level follows a louder sound within five frames …
_FALLS: Final = 0.995  # … and a softer one in three seconds
_SOFTEST: Final = 0.05  # below this nothing is made louder: speech at -50 dBFS is about here
_LEAST_LENGTH: Final = 0.1  # of a vector that is made longer: below it lies noise
_EVENED: Final = 0.5  # of what loud and soft frames differ by, as an exponent: soft syllables say as much as loud ones
_MEAN_LENGTH: Final = 1.34  # makes vectors of speech one long, in the mean of squares


class FeatureStream:
    """Turns sound into vectors, one for each 16 ms from the 64th millisecond on."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, dtype=np.float32)
        self._steady: npt.NDArray[np.float64] | None = None
        self._follower = 0.0
        self._level = _SOFTEST

    def feed(self, samples: Samples) -> Vectors:
        """The vectors that these samples complete; maybe none."""
        heard = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        count = (len(heard) - WINDOW) // HOP + 1
        if count <= 0:
            self._rest = heard
            return np.zeros((0, BANDS), dtype=np.float32)
        self._rest = heard[count * HOP :]
        return self._finish((mel_power(heard) + _SMALLEST_POWER) ** _COMPRESSION)

    def _finish(self, bands: npt.NDArray[np.float64]) -> Vectors:
        steady = bands[0] if self._steady is None else self._steady
        moving = np.empty_like(bands)
        for place, frame in enumerate(bands):
            steady = steady + _FORGETS * (frame - steady)
            moving[place] = frame - steady
        self._steady = steady
        moving -= moving.mean(axis=1, keepdims=True)
        lengths = np.sqrt((moving**2).sum(axis=1))
        scales = np.empty(len(bands))
        for place, length in enumerate(lengths):
            self._follower += _RISES * (length - self._follower)
            self._level = max(self._level * _FALLS, self._follower, _SOFTEST)
            scales[place] = _MEAN_LENGTH / self._level
        scales *= np.maximum(lengths * scales, _LEAST_LENGTH) ** -_EVENED
        vectors: Vectors = (moving * scales[:, None]).astype(np.float32)
        return vectors


def features(samples: Samples) -> Vectors:
    """All vectors of a whole recording."""
    return FeatureStream().feed(np.asarray(samples, dtype=np.float32))


def product(rows: Rows, matrix: Rows) -> Rows:
    """``rows @ matrix`` in pieces so small that the library of linear algebra (OpenBLAS: from 2^18 multiplications on)
    does not share them out among threads: these would go on spinning, and take the cores from calls."""
    most = max(1, _ALONE // matrix.size)
    pieces = [rows[begin : begin + most] @ matrix for begin in range(0, len(rows), most)]
    return np.concatenate(pieces) if pieces else rows @ matrix


def mel_power(samples: Samples) -> npt.NDArray[np.float64]:
    """The power of each frame in each band."""
    count = max(0, (len(samples) - WINDOW) // HOP + 1)
    if not count:
        return np.zeros((0, BANDS))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP][:count]
    power = np.abs(np.fft.rfft(frames * _HANN, axis=1)) ** 2 / WINDOW
    return product(power, _FILTERS)


def _mel_filters() -> npt.NDArray[np.float64]:
    """Triangles that overlap by half, evenly spaced in mel: power spectrum → bands."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    mel = np.linspace(lowest, highest, BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    filters: npt.NDArray[np.float64] = np.clip(
        np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)), 0, None
    )
    return filters


_HANN: Final = np.hanning(WINDOW)
_FILTERS: Final = _mel_filters()
