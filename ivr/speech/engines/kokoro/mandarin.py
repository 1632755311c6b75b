"""Pinyin with tone numbers to Kokoro's phonemes. Pure.

Kokoro learnt Mandarin from broad IPA with an arrow for each tone. That is a table of initials and finals, which is why
no other package is needed for it: ``bench/phonemes.py`` compares it with the one that the model was trained with.
"""

from __future__ import annotations

import re
from functools import cache

from ivr.speech.pinyin import pinyin

_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}

_INITIALS = {
    "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l",
    "g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s", "": "",
}  # fmt: skip
_BUZZING = ("z", "c", "s", "zh", "ch", "sh", "r")  # i after these is no i

# The tone's arrow stands where the underscore is: after the vowel.
_FINALS = {
    "a": "a_", "ai": "ai_", "an": "a_n", "ang": "a_ŋ", "ao": "au_", "e": "ɤ_", "ei": "ei_", "en": "ə_n", "eng": "ə_ŋ",
    "i": "i_", "ia": "ja_", "ian": "jɛ_n", "iang": "ja_ŋ", "iao": "jau_", "ie": "je_", "in": "i_n", "iu": "jou_",
    "ing": "i_ŋ", "iong": "jʊ_ŋ", "io": "jɔ_", "ong": "ʊ_ŋ", "ou": "ou_", "u": "u_", "ua": "wa_", "uo": "wo_",
    "o": "wo_", "uai": "wai_", "uan": "wa_n", "ui": "wei_", "un": "wə_n", "uang": "wa_ŋ", "ueng": "wə_ŋ", "ü": "y_",
    "üe": "ɥe_", "üan": "ɥɛ_n", "ün": "y_n",
}  # fmt: skip
_WHOLE = {"er": "ɚ_", "r": "ɚ_", "o": "ɔ_", "ê": "ɛ_", "n": "n_", "ng": "ŋ_", "m": "m_"}  # syllables without an initial

# Spelling at the beginning of a syllable: y and w stand for i, u and ü.
_SPELLED = [
    ("yu", "ü"), ("yi", "i"), ("you", "iu"), ("y", "i"), ("wu", "u"), ("wei", "ui"), ("wen", "un"), ("weng", "ueng"),
    ("w", "u"),
]  # fmt: skip


def phonemes(words: str) -> str:
    """Chinese words as phonemes, with the marks that shape how they are said. Empty when none can be said."""
    said = ""
    for part in re.findall(r"[a-zêü]+[1-5]|[,.:;!?]", pinyin(words)):
        said += f"{part} " if len(part) == 1 else syllable(part)
    return said.strip()


@cache
def syllable(spelled: str) -> str:
    """One syllable: ``zhou1`` → ``ꭧou→``. Empty when there is no such syllable."""
    letters, tone = spelled[:-1], _TONES[spelled[-1]]
    if letters in _WHOLE:
        return _WHOLE[letters].replace("_", tone)
    initial = next((start for start in _INITIALS if start and letters.startswith(start)), "")
    final = _final(letters) if not initial else letters.removeprefix(initial)
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "ü" + final[1:]
    sound = "ɨ_" if final == "i" and initial in _BUZZING else _FINALS.get(final, "")
    return (_INITIALS[initial] + sound).replace("_", tone) if sound else ""


def _final(letters: str) -> str:
    """The final of a syllable that begins with y, w or a vowel."""
    for written, meant in sorted(_SPELLED, key=lambda pair: -len(pair[0])):
        if letters == written or (letters.startswith(written) and meant + letters[len(written) :] in _FINALS):
            return meant + letters[len(written) :]
    return letters
