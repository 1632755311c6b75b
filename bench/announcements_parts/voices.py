"""Speech by espeak NG at 8 kHz, in more voices than the product has: for references and for what must not match."""

from __future__ import annotations

import subprocess
from functools import cache

import numpy as np
import numpy.typing as npt

from ivr.speech.audio import shaping
from ivr.speech.pinyin import pinyin

Sound = npt.NDArray[np.float32]  # 8 kHz, full scale 1.0
RATE = 8000
_ZH, _EN = "cmn-latn-pinyin", "en-us"


@cache
def say(words: str, language: str = "zh", variant: str = "", speed: int = 180, pitch: int = 50) -> Sound:
    """Words in one language, trimmed, at the active level that telephone networks expect."""
    text = pinyin(words) if language == "zh" else words
    voice = (_ZH if language == "zh" else _EN) + (f"+{variant}" if variant else "")
    done = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdin", "--stdout"],
        input=text.encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    raw, rate = shaping.samples_of_wav(done.stdout)
    sound = shaping.resample(shaping.trim(raw, rate), rate, RATE)
    level = shaping.level_dbfs(sound, RATE)
    return shaping.limit((sound * 10 ** ((shaping.TARGET_DBFS - level) / 20)).astype(np.float32))


def silence(seconds: float) -> Sound:
    """Digital silence."""
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def bilingual(zh: str, en: str, variant: str, speed: int, pitch: int, pause: float = 0.35) -> Sound:
    """A carrier's announcement: Mandarin, and the English after it when there is any."""
    parts = [say(zh, "zh", variant, speed, pitch), silence(pause)]
    if en:
        parts += [say(en, "en", variant, speed, pitch), silence(pause)]
    return np.concatenate(parts)
