"""The voices: which one says which language, how fast, and how loud it comes out of the engine. Pure.

Both engines that render speech here (pyttsx3 and the espeak-ng program) drive espeak NG, so a voice has a name in each.
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.speech.errors import SpeechError


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of espeak NG.

    ``level_dbfs`` is the active level it was measured at (``ivr.speech.audio.shaping.level_dbfs`` over the catalogue):
    one gain for all that a voice says, or one digit would be louder than the next.
    """

    language: str
    program_name: str  # what espeak-ng -v takes
    driver_name: str  # what pyttsx3 takes: the voice's file
    words_per_minute: int
    level_dbfs: float


# Debian 12's espeak NG (1.51) says many Chinese characters as English letters, but tone-numbered pinyin rightly.
VOICES = {
    "zh": Voice("zh", "cmn-latn-pinyin", "sit/cmn-latn-pinyin", 170, -16.7),
    "en": Voice("en", "en-us", "gmw/en-us", 165, -19.4),
}


def voice_of(language: str) -> Voice:
    """The voice of a language. Raises SpeechError when there is none."""
    try:
        return VOICES[language]
    except KeyError:
        raise SpeechError(f"There is no voice for {language!r}.", remedy=f"Known: {', '.join(VOICES)}.") from None
