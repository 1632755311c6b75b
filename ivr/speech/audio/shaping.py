"""From an engine's raw sound to a clip: rate, trimming, loudness, limiter. Pure.

Samples are float32 arrays, one channel, full scale at 1.0.
"""

from __future__ import annotations

import io
import struct
import wave
from typing import cast

import numpy as np
import numpy.typing as npt
import soxr

from ivr.speech.audio import alaw
from ivr.speech.audio.clip import ALAW_RATE, SLN16_RATE, Clip

Samples = npt.NDArray[np.float32]

VERSION = 1  # part of every cached clip's name: raise it when this file changes what is heard

TARGET_DBFS = -20.0  # active level of every voice: as loud as a telephone network expects speech, with room for peaks
CEILING = 10 ** (-3 / 20)  # no sample goes above -3 dBFS: A-law and the far end's echo canceller stay linear
KNEE = 10 ** (-8 / 20)  # above this the limiter bends; below it nothing is changed

FRAME_SECONDS = 0.010  # a level is measured in frames of this length
SILENCE_DBFS = -50.0  # a frame below this is never speech
GATE_DB = 10.0  # a frame this far below the mean of the rest does not count for loudness (as in ITU-R BS.1770)
TRIM_DB = 40.0  # a frame this far below the loudest is silence at the head or tail
HEAD_SECONDS = 0.010  # kept before the first sound, so that no consonant is cut
TAIL_SECONDS = 0.030  # kept after the last
FADE_SECONDS = 0.004  # both ends go to zero over this time: no click at a joint


def samples_of_pcm(data: bytes, bytes_per_sample: int = 2, channels: int = 1) -> Samples:
    """Little-endian signed PCM (8 bit: unsigned, as WAV has it) as samples; several channels are mixed to one."""
    if bytes_per_sample == 1:
        numbers = (np.frombuffer(data, dtype=np.uint8).astype(np.float32) - 128) / 128
    elif bytes_per_sample == 2:
        numbers = np.frombuffer(data, dtype="<i2").astype(np.float32) / 2**15
    elif bytes_per_sample == 3:
        octets = np.frombuffer(data, dtype=np.uint8).reshape(-1, 3).astype(np.int32)
        wide = (octets[:, 0] << 8 | octets[:, 1] << 16 | octets[:, 2] << 24).astype(np.int32)
        numbers = (wide / 2**31).astype(np.float32)
    elif bytes_per_sample == 4:
        numbers = (np.frombuffer(data, dtype="<i4") / 2**31).astype(np.float32)
    else:
        raise ValueError(f"PCM of {bytes_per_sample} bytes a sample")
    return cast(Samples, numbers.reshape(-1, channels).mean(axis=1, dtype=np.float32))


def samples_of_wav(data: bytes) -> tuple[Samples, int]:
    """The samples and the rate of a WAV file. Raises ValueError when it is none, or not PCM."""
    try:
        with wave.open(io.BytesIO(_with_true_lengths(data))) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError, struct.error) as error:
        raise ValueError(f"not a PCM WAV file: {error}") from error
    whole = len(frames) - len(frames) % (width * channels)
    return samples_of_pcm(frames[:whole], width, channels), rate


def _with_true_lengths(data: bytes) -> bytes:
    # espeak-ng writes WAV to a pipe with made-up lengths, for it cannot go back and mend them.
    start = data.find(b"data", 12, 4096)
    if data[:4] != b"RIFF" or start < 0:
        return data
    (told,) = struct.unpack_from("<I", data, start + 4)
    there = len(data) - start - 8
    if told <= there:
        return data
    return b"".join(
        (b"RIFF", struct.pack("<I", len(data) - 8), data[8 : start + 4], struct.pack("<I", there), data[start + 8 :])
    )


def level_dbfs(samples: Samples, rate: int) -> float:
    """The level of the active part, in dB below full scale; -inf when there is none.

    Frames that are silent, or far below the rest, do not count: so a digit and a long sentence of one voice measure
    alike, whatever pauses they hold.
    """
    power = _frame_power(samples, rate)
    loud = power[power > _power(SILENCE_DBFS)]
    if not loud.size:
        return float("-inf")
    active = loud[loud > loud.mean() * 10 ** (-GATE_DB / 10)]
    return float(10 * np.log10(active.mean()))


def trim(samples: Samples, rate: int) -> Samples:
    """Without the silence at both ends but for a breath. Empty when there is no sound at all."""
    power = _frame_power(samples, rate)
    if not power.size:
        return samples[:0]
    threshold = max(power.max() * 10 ** (-TRIM_DB / 10), _power(SILENCE_DBFS - 10))
    heard = np.flatnonzero(power > threshold)
    if not heard.size:
        return samples[:0]
    frame = _frame_length(rate)
    start = max(0, int(heard[0]) * frame - int(HEAD_SECONDS * rate))
    end = min(len(samples), (int(heard[-1]) + 1) * frame + int(TAIL_SECONDS * rate))
    return samples[start:end]


def limit(samples: Samples) -> Samples:
    """Bent softly towards the ceiling above the knee: loud peaks stay speech instead of being cut square."""
    magnitude = np.abs(samples)
    over = magnitude > KNEE
    if not over.any():
        return samples
    room = CEILING - KNEE
    bent = samples.copy()
    bent[over] = np.sign(samples[over]) * (KNEE + room * np.tanh((magnitude[over] - KNEE) / room))
    return bent


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """At another rate."""
    if rate == wanted or not len(samples):
        return samples
    return cast(Samples, soxr.resample(samples, rate, wanted, quality="HQ").astype(np.float32))


def shape(samples: Samples, rate: int, gain_db: float) -> Clip:
    """A clip of raw sound: trimmed, louder by ``gain_db``, limited, with soft ends. Empty when nothing is heard."""
    return clip_of(trim(samples, rate) * np.float32(10 ** (gain_db / 20)), rate)


def clip_of(samples: Samples, rate: int) -> Clip:
    """Both forms of samples at their own rate, limited, with soft ends."""
    wide = limit(resample(samples, rate, SLN16_RATE))
    wide = _fade(wide, SLN16_RATE)
    wide = np.concatenate([wide, np.zeros(len(wide) % 2, dtype=np.float32)])
    return _both_forms(wide, resample(wide, SLN16_RATE, ALAW_RATE))


def seamless_clip_of(wide: Samples) -> Clip:
    """Both forms of a loop at 16 kHz, whose end goes over into its beginning: no fades, and none made by resampling."""
    around = SLN16_RATE // 10
    narrow = resample(np.concatenate([wide[-around:], wide, wide[:around]]), SLN16_RATE, ALAW_RATE)
    return _both_forms(wide, narrow[around // 2 :])


def _both_forms(wide: Samples, narrow: Samples) -> Clip:
    count = len(wide) // 2
    narrow = np.concatenate([narrow[:count], np.zeros(max(0, count - len(narrow)), dtype=np.float32)])
    return Clip(alaw.encode(_int16(narrow)), _int16(wide).astype("<i2").tobytes())


def _fade(samples: Samples, rate: int) -> Samples:
    length = min(int(FADE_SECONDS * rate), len(samples) // 2)
    if not length:
        return samples
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    faded = samples.copy()
    faded[:length] *= ramp
    faded[-length:] *= ramp[::-1]
    return faded


def _int16(samples: Samples) -> alaw.Int16:
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)


def _frame_length(rate: int) -> int:
    return max(1, int(FRAME_SECONDS * rate))


def _frame_power(samples: Samples, rate: int) -> npt.NDArray[np.float64]:
    frame = _frame_length(rate)
    count = -(-len(samples) // frame)
    padded = np.zeros(count * frame, dtype=np.float64)
    padded[: len(samples)] = samples
    power: npt.NDArray[np.float64] = (padded.reshape(count, frame) ** 2).mean(axis=1)
    return power


def _power(dbfs: float) -> float:
    return float(10 ** (dbfs / 10))
