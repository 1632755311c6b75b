"""Two other ways of recognising a recording, in their plain form, given their best threshold with hindsight.

* correlation: normalised cross-correlation of the waveforms, pieces of 1.5 s of what was heard against each reference;
* Haitsma and Kalker: one bit for each difference in time and frequency of neighbouring bands, 16 bits every 16 ms,
  and the share of differing bits over 2.5 s ("A highly robust audio fingerprinting system", ISMIR 2002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.announcements_parts.voices import RATE, Sound
from outbound.announcements.features import HOP_SECONDS, mel_power
from outbound.announcements.references import Reference

Scores = dict[str, float]  # by outcome, the higher the surer


class Correlation:
    """Of waveforms."""

    name = "correlation"
    piece = int(1.5 * RATE)

    def __init__(self, known: Sequence[tuple[Reference, Sound]]) -> None:
        self._size = 1 << (max(len(sound) for _, sound in known) + self.piece).bit_length()
        self._known = [
            (one, len(sound), np.fft.rfft(sound, self._size), np.concatenate([[0.0], np.cumsum(np.square(sound))]))
            for one, sound in known
        ]

    def scores(self, heard: Sound, hidden: str = "") -> Scores:
        """How well each outcome fits."""
        best: Scores = {}
        for begin in range(0, max(1, len(heard) - self.piece + 1), self.piece):
            piece = np.asarray(heard[begin : begin + self.piece], np.float64)
            energy = float((piece**2).sum())
            if energy < 1e-3:
                continue
            turned = np.conj(np.fft.rfft(piece, self._size))
            for one, length, spectrum, sums in self._known:
                if one.outcome == hidden or length < len(piece):
                    continue
                dots = np.fft.irfft(spectrum * turned, self._size)
                places = length - len(piece) + 1
                windows = sums[len(piece) :][:places] - sums[:places]
                score = float((dots[:places] / np.sqrt(energy * np.maximum(windows, energy * 0.01))).max())
                best[one.outcome] = max(best.get(one.outcome, 0.0), score)
        return best


class HaitsmaKalker:
    """Bits, and how many of them differ."""

    name = "Haitsma-Kalker"
    window = int(2.5 / HOP_SECONDS)

    def __init__(self, known: Sequence[tuple[Reference, Sound]]) -> None:
        self._known = [(one, _bits(sound)) for one, sound in known]

    def scores(self, heard: Sound, hidden: str = "") -> Scores:
        """How well each outcome fits: one minus the share of bits that differ."""
        best: Scores = {}
        bits = _bits(heard)
        for one, reference in self._known:
            if one.outcome == hidden or min(len(bits), len(reference)) < 20:
                continue
            agree = bits @ reference.T / bits.shape[1]  # per pair of frames, -1 to 1
            score = _best_diagonal(agree, min(self.window, len(bits), len(reference)))
            best[one.outcome] = max(best.get(one.outcome, 0.0), (score + 1) / 2)
        return best


def _bits(sound: Sound) -> npt.NDArray[np.float32]:
    bands = np.log(mel_power(sound) + 1e-9)
    change = bands[4:] - bands[:-4]
    return np.where(change[:, 1:] > change[:, :-1], 1, -1).astype(np.float32)


def _best_diagonal(agree: npt.NDArray[np.float32], window: int) -> float:
    """The best mean over ``window`` steps down any diagonal."""
    rows, columns = agree.shape
    # Each row is moved one to the left of the one above, so that diagonals become columns.
    leaning = np.zeros((rows, rows + columns), dtype=np.float32)
    for row in range(rows):
        leaning[row, rows - row : rows - row + columns] = agree[row]
    sums = np.cumsum(leaning, axis=0)
    sums[window:] -= sums[:-window].copy()
    return float(sums[window - 1 :].max() / window)
