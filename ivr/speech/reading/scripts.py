"""Which language each part of a text is in, by its script. Pure.

A Chinese prompt may hold English (``For English, press eight``), an English one Chinese. Each part is read by the
rules, and said by the voice, of its own language. Abbreviations (``ETF``, ``A``) belong to the language around them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Four capitals and fewer are spelled in the language around them: A股, ETF, TCL, QDII. More is a word: HUAWEI.
ABBREVIATION_LETTERS = 4

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LATIN = "A-Za-z\u00c0-\u024f"
# A run of another script takes with it the figures and marks inside it, up to its own last word, figure or full stop.
_ENGLISH = re.compile(rf"[{_LATIN}][{_LATIN}0-9 '’,.&%:;?!*#-]*(?:(?<=[{_LATIN}0-9.?!%*#]))")
_CHINESE = re.compile(rf"[{_HAN}][{_HAN}0-9，。、：；！？“”《》（）%*#]*")
_WORD = re.compile(rf"[{_LATIN}][{_LATIN}'’]*")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text, and the language it is in."""

    language: str
    text: str


def spans(language: str, text: str) -> list[Span]:
    """The parts of a text that is mainly in ``language``, in order."""
    pattern = {"zh": _ENGLISH, "en": _CHINESE}[language]
    other = {"zh": "en", "en": "zh"}[language]
    parts: list[Span] = []
    done = 0
    for match in pattern.finditer(text):
        if language == "zh" and not _has_english_word(match.group()):
            continue
        parts += [Span(language, text[done : match.start()]), Span(other, match.group())]
        done = match.end()
    parts.append(Span(language, text[done:]))
    return [part for part in parts if part.text.strip()]


def is_abbreviation(word: str) -> bool:
    """Whether a Latin word is spelled letter by letter."""
    return word.isupper() and len(word) <= ABBREVIATION_LETTERS


def _has_english_word(text: str) -> bool:
    return any(not is_abbreviation(word) for word in _WORD.findall(text))
