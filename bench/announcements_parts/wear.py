"""What networks and rooms do to sound: noise, clipping, codecs, speed, level, loss. Seeded; numpy, and sox for GSM."""

from __future__ import annotations

import subprocess

import numpy as np

from bench.announcements_parts.voices import RATE, Sound
from ivr.speech.audio import alaw, shaping


def _level(sound: Sound) -> float:
    return float(10 ** (shaping.level_dbfs(sound, RATE) / 20)) if len(sound) and np.abs(sound).max() > 0 else 0.0


def with_noise(sound: Sound, noise: Sound, snr_db: float) -> Sound:
    """With noise so far below the active level of the sound."""
    noise = np.resize(noise, len(sound))
    rms = float(np.sqrt(np.mean(noise**2))) or 1.0
    return (sound + noise * (_level(sound) / rms * 10 ** (-snr_db / 20))).astype(np.float32)


def white(length: int, rng: np.random.Generator) -> Sound:
    """White noise."""
    return rng.standard_normal(length).astype(np.float32)


def hum(length: int, rng: np.random.Generator) -> Sound:
    """Mains hum of 50 Hz with its harmonics."""
    time = np.arange(length) / RATE
    tones = [np.sin(2 * np.pi * (50 * n * time + rng.random())) / n for n in (1, 2, 3, 5, 7, 9)]
    return np.sum(tones, axis=0).astype(np.float32)


def babble(length: int, talk: list[Sound], rng: np.random.Generator) -> Sound:
    """Six voices at once, out of other speech."""
    total = np.zeros(length, dtype=np.float32)
    for _ in range(6):
        row = np.concatenate([talk[i] for i in rng.permutation(len(talk))])
        total += np.roll(np.resize(row, length), int(rng.integers(length)))
    return total


def clipped(sound: Sound, share: float = 0.25) -> Sound:
    """Overdriven: everything above this share of the peak is cut square, and what is left fills the scale."""
    peak = np.abs(sound).max() * share
    return (np.clip(sound, -peak, peak) / peak * 0.9).astype(np.float32)


def louder(sound: Sound, db: float) -> Sound:
    """At another level, cut at full scale."""
    return np.clip(sound * 10 ** (db / 20), -1, 1).astype(np.float32)


def at_speed(sound: Sound, factor: float) -> Sound:
    """Played faster (above 1) or slower, with its pitch: a clock that is wrong."""
    places = np.arange(0, len(sound) - 1, factor)
    return np.interp(places, np.arange(len(sound)), sound).astype(np.float32)


def lossy(sound: Sound, share: float, rng: np.random.Generator, concealed: bool = False) -> Sound:
    """With packets of 20 ms lost, two in a row as often as not; silence in their place, or the packet before."""
    worn = sound.copy()
    packet = RATE // 50
    lost = rng.random(len(sound) // packet + 1) < share / 1.5
    lost |= np.roll(lost, 1) & (rng.random(len(lost)) < 0.5)
    for place in np.flatnonzero(lost):
        begin, end = place * packet, min((place + 1) * packet, len(sound))
        worn[begin:end] = worn[begin - packet : begin][: end - begin] if concealed and begin >= packet else 0
    return worn


def through_alaw(sound: Sound) -> Sound:
    """A-law and back."""
    pcm = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
    return (alaw.decode(alaw.encode(pcm)) / 32768).astype(np.float32)


def through_gsm(sound: Sound) -> Sound:
    """GSM 06.10 full rate and back, by sox."""
    raw = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1"]
    pcm = np.clip(np.rint(sound * 32767), -32768, 32767).astype("<i2").tobytes()
    coded = subprocess.run(
        ["sox", "-D", *raw, "-", "-t", "gsm", "-"], input=pcm, capture_output=True, check=True, timeout=60
    ).stdout
    plain = subprocess.run(
        ["sox", "-t", "gsm", "-r", "8000", "-c", "1", "-", *raw, "-"],
        input=coded,
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    return (np.frombuffer(plain, dtype="<i2") / 32768).astype(np.float32)


def telephone(sound: Sound) -> Sound:
    """Only 300 to 3400 Hz, as narrow lines have it."""
    spectrum = np.fft.rfft(sound)
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)
