"""English words to Kokoro's phonemes, by way of the IPA that the espeak-ng program writes.

espeak-ng says how a word sounds; the table turns its way of writing into the one that Kokoro was trained on (single
letters for diphthongs, no length marks: American English).
"""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache

from ivr.speech.engines.engine import RENDER_SECONDS
from ivr.speech.engines.espeak import PROGRAM

VOICE = "en-us"

# Longest first: a diphthong before its vowels.
_AS_TRAINED = (
    ("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("əʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("dʒ", "ʤ"), ("tʃ", "ʧ"),
    ("ɜː", "ɜɹ"), ("ɹɹ", "ɹ"), ("ɚ", "əɹ"), ("ɝ", "ɜɹ"), ("əl", "ᵊl"), ("n̩", "ᵊn"), ("l̩", "ᵊl"), ("ɾ", "T"), ("ɐ", "ə"),
    ("r", "ɹ"), ("x", "k"), ("ɬ", "l"), ("ʔ", "t"), ("o", "ɔ"), ("e", "A"), ("g", "ɡ"), ("ː", ""),
)  # fmt: skip
_FIXED = re.compile("|".join(re.escape(written) for written, _ in _AS_TRAINED))
_TABLE = dict(_AS_TRAINED)
# A point in a.m. ends nothing.
_CLAUSE = re.compile(r"(.+?)((?:[,:;!?]+|(?<![ap]\.m)\.(?=\s|$))+|$)\s*", re.DOTALL)


def phonemes(text: str) -> str:
    """English words and common marks as phonemes, with the marks. Raises OSError and subprocess errors."""
    said: list[str] = []
    for clause, marks in _CLAUSE.findall(text):
        sounds = _spoken(clause.strip())
        if sounds:
            said.append(sounds + marks[:1])
    return " ".join(said)


def as_trained(ipa: str) -> str:
    """espeak-ng's IPA as Kokoro knows it. Pure."""
    ipa = re.sub(r"\([a-z-]+\)", "", ipa)  # where espeak-ng changes to another language and back
    return " ".join(_FIXED.sub(lambda match: _TABLE[match.group()], ipa).split())


@lru_cache(maxsize=4096)
def _spoken(clause: str) -> str:
    done = subprocess.run(
        [PROGRAM, "-q", "--ipa", "-v", VOICE, "--stdin"],
        input=clause.encode(),
        capture_output=True,
        timeout=RENDER_SECONDS,
        check=True,
    )
    return as_trained(done.stdout.decode(errors="replace"))
