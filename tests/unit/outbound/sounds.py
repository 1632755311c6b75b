"""Sounds for tests of announcements: tones, music, and the wear of a line, in numpy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from outbound.announcements.features import RATE

Sound = npt.NDArray[np.float32]


def tone(hertz: float, seconds: float, peak: float = 0.1) -> Sound:
    """A sine."""
    return (peak * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def silence(seconds: float) -> Sound:
    """Nothing."""
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def beats(*on_off: tuple[float, float], hertz: float = 450.0, rounds: int = 1) -> Sound:
    """A tone that comes and goes."""
    return np.concatenate(
        [tone(hertz, on) if sounds else silence(off) for on, off in on_off * rounds for sounds in (1, 0)]
    )


def noise(length: int, seed: int = 1) -> Sound:
    """White noise, RMS 1."""
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


def noisy(sound: Sound, snr_db: float, seed: int = 1) -> Sound:
    """With white noise so far below the mean level of the sound."""
    level = float(np.sqrt(np.mean(sound[np.abs(sound) > 0.01] ** 2)))
    return (sound + noise(len(sound), seed) * level * 10 ** (-snr_db / 20)).astype(np.float32)


def music(seconds: float, seed: int = 1) -> Sound:
    """A tune of plucked notes over a bass."""
    rng = np.random.default_rng(seed)
    tune = [tone(float(hertz), 0.25, 0.15) * np.linspace(1, 0.2, RATE // 4, dtype=np.float32) for hertz in
            rng.choice([262, 294, 330, 392, 440, 523, 587, 659], int(seconds * 4))]  # fmt: skip
    song = np.concatenate(tune)
    return (song + tone(131, len(song) / RATE, 0.05)[: len(song)]).astype(np.float32)
