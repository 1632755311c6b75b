"""Chinese characters as tone-numbered pinyin, which espeak NG says rightly where it stumbles over characters. Pure.

``贵州茅台`` → ``gui4 zhou1 mao2 tai2``. Readings that pypinyin's dictionary gets wrong on this market stand in
``READINGS``; letters of abbreviations are said as Mandarin speakers say them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast

# Words of this market that pypinyin reads wrongly (还款 as hái kuǎn) or may come to (pinned so that an upgrade of the
# dictionary changes nothing). Add stock names here when a name is misread.
READINGS: dict[str, list[list[str]]] = {
    "还款": [["huán"], ["kuǎn"]],
    "还本": [["huán"], ["běn"]],
    "还券": [["huán"], ["quàn"]],
    "涨停": [["zhǎng"], ["tíng"]],
    "重庆": [["chóng"], ["qìng"]],
    "六安": [["lù"], ["ān"]],
    "长江": [["cháng"], ["jiāng"]],
    "长安": [["cháng"], ["ān"]],
    "长城": [["cháng"], ["chéng"]],
    "长春": [["cháng"], ["chūn"]],
    "长电": [["cháng"], ["diàn"]],
    "长盈": [["cháng"], ["yíng"]],
    "长信": [["cháng"], ["xìn"]],
    "长海": [["cháng"], ["hǎi"]],
    "长源": [["cháng"], ["yuán"]],
    "长园": [["cháng"], ["yuán"]],
    "长飞": [["cháng"], ["fēi"]],
    "长虹": [["cháng"], ["hóng"]],
    "长川": [["cháng"], ["chuān"]],
    "长青": [["cháng"], ["qīng"]],
    "长华": [["cháng"], ["huá"]],
    "长缆": [["cháng"], ["lǎn"]],
    "长药": [["cháng"], ["yào"]],
    "长阳": [["cháng"], ["yáng"]],
    "长光": [["cháng"], ["guāng"]],
    "长龄": [["cháng"], ["líng"]],
    "重药": [["chóng"], ["yào"]],
    "厦工": [["xià"], ["gōng"]],
    "会稽山": [["kuài"], ["jī"], ["shān"]],
    "藏格": [["zàng"], ["gé"]],
    "朝阳": [["cháo"], ["yáng"]],
    "乐普": [["lè"], ["pǔ"]],
    "乐凯": [["lè"], ["kǎi"]],
    "六国": [["liù"], ["guó"]],
    "行情": [["háng"], ["qíng"]],
    "银行": [["yín"], ["háng"]],
    "重仓": [["zhòng"], ["cāng"]],
    "重组": [["chóng"], ["zǔ"]],
    "调仓": [["tiáo"], ["cāng"]],
    "转债": [["zhuǎn"], ["zhài"]],
    "中签": [["zhòng"], ["qiān"]],
    "同仁堂": [["tóng"], ["rén"], ["táng"]],
    "盘中": [["pán"], ["zhōng"]],
    "重听": [["chóng"], ["tīng"]],
    "重新": [["chóng"], ["xīn"]],
}

# How Mandarin speakers say the letters of ST, ETF, A股.
_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4", "H": "ei2 qi1",
    "I": "ai4", "J": "zhei4", "K": "kei4", "L": "ai2 lou5", "M": "ai2 mu5", "N": "en1", "O": "ou1", "P": "pi4",
    "Q": "kiu4", "R": "a4 er5", "S": "ai2 si5", "T": "ti4", "U": "you1", "V": "wei4", "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip

# Marks that shape how a text is said; every other one is a space, so that no mark-up reaches an engine.
_MARKS = {mark: mark for mark in ",.:;!?"} | dict(zip("，。、：；！？…—", ",.,:;!?.,", strict=True))

# 一 is said in its own tone, yī, where it is a figure: at the end, after 第 or a numeral, before a numeral, 月, 日, 点.
# Before anything else, and before the units of a number, it takes the tone that the next syllable asks for.
_NUMERALS = "零一二三四五六七八九十幺点"
_UNITS = "百千万亿"
_ONE_STAYS_AFTER = "第" + _NUMERALS
_ONE_STAYS_BEFORE = _NUMERALS + "月日号"


def load() -> None:
    """Load the dictionary now: a quarter of a second, and 55 MB for as long as the process lives. Else the first words
    do. The controller's own process is spared it: words are read where they are rendered."""
    _reader()


@cache
def _reader() -> Callable[[str], list[str]]:
    from pypinyin import Style, lazy_pinyin, load_phrases_dict

    load_phrases_dict(READINGS)
    # One element for each character that is none of ours, so that places in both rows agree.
    one_each = cast(Any, list)
    return lambda words: lazy_pinyin(words, style=Style.TONE3, neutral_tone_with_five=True, errors=one_each)


def pinyin(words: str) -> str:
    """Chinese words as pinyin syllables with tone numbers, pauses as commas and points. Empty when none can be said."""
    syllables = _reader()(words)
    said = "".join(_said(words, syllables, place) for place in range(len(words)))
    said = re.sub(r"\s+([,.:;!?])", r"\1", re.sub(r"\s+", " ", said)).strip().lstrip(",.:;!? ")
    return said if any(character.isalpha() for character in said) else ""


def initials(words: str) -> str:
    """Each syllable's first letter, small; letters and figures stay: ``长江电力`` → ``cjdl``, ``万科A`` → ``wka``."""
    syllables = zip(words, _reader()(words), strict=True)
    letters = (syllable[0] if syllable != character else character for character, syllable in syllables)
    return "".join(letter.lower() for letter in letters if letter.isascii() and letter.isalnum())


def _said(words: str, syllables: list[str], place: int) -> str:
    """One character as espeak NG is to read it."""
    character, syllable = words[place], syllables[place]
    if character in "一不":
        return f" {_toned(words, syllables, place)} "
    if syllable != character:
        return f" {syllable.replace('v', 'ü')} "
    return f" {_LETTERS[character.upper()]} " if character.upper() in _LETTERS else _MARKS.get(character, " ")


def _toned(words: str, syllables: list[str], place: int) -> str:
    """一 and 不 with the tone that they take there; espeak NG itself sees to the third tones."""
    before, after = words[:place][-1:], words[place + 1 : place + 2]
    next_tone = syllables[place + 1][-1:] if after else ""
    if words[place] == "不":
        return "bu2" if next_tone == "4" else "bu4"
    figure = not next_tone.isdigit() or after in _ONE_STAYS_BEFORE or (before and before in _ONE_STAYS_AFTER)
    if figure and not (after and after in _UNITS):
        return "yi1"
    return "yi2" if next_tone == "4" else "yi4"
