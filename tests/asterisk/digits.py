"""Looking for digits that must be nowhere, in whatever dress: plain, reversed, spaced, encoded, read aloud.

Six digits turn up by chance in clocks, digests and call ids, of which a hotline writes thousands; those are taken out
of a text before it is searched for so few. Longer ones, and every encoded form, are searched for in the whole.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

CHANCE_DIGITS = 8  # with fewer a number is likely to turn up by chance
SPOKEN = ("〇一二三四五六七八九", "零幺二三四五六七八九", "零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
CHANCE = re.compile(
    rb"\d\d:\d\d:\d\d[.,]\d+"  # a clock's microseconds
    rb"|\d{10}\.\d+"  # Asterisk's call ids and time stamps
    rb"|\d\.\d{4,}"  # measured seconds
    rb"|[0-9a-fA-F]{16,}"  # digests
    rb"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)


def forms(digits: str) -> Mapping[str, bytes]:
    """The digits in every dress, by its name. The first two are plain digits."""
    found = {"plain": digits.encode(), "reversed": digits[::-1].encode()}
    for name, between in (
        ("spaced", " "),
        ("comma", ","),
        ("comma and space", ", "),
        ("hyphens", "-"),
        ("lines", "\n"),
    ):
        found[name] = between.join(digits).encode()
    found["quoted one by one"] = '", "'.join(digits).encode()
    found["hex"] = binascii.hexlify(digits.encode())
    for shift in range(3):  # wherever in a longer text they begin
        coded = base64.b64encode(b"\0" * shift + digits.encode())
        found[f"base64 +{shift}"] = coded[(0, 2, 3)[shift] : len(coded) - (4 if (shift + len(digits)) % 3 else 0)]
    for number, words in enumerate(SPOKEN):
        spoken = [words[int(digit)] for digit in digits]
        found[f"spoken {number}"] = "".join(spoken).encode()
        found[f"spoken {number}, spaced"] = " ".join(spoken).encode()
        found[f"spoken {number}, escaped"] = "".join(spoken).encode("unicode_escape")
    return found


def traces(digits: str, text: bytes) -> list[str]:
    """In which dresses the digits stand in the text."""
    found = []
    for name, form in forms(digits).items():
        if form not in text:
            continue
        if name in ("plain", "reversed") and len(digits) < CHANCE_DIGITS and form not in CHANCE.sub(b"", text):
            continue
        found.append(name)
    return found


def traces_below(folder: Path, digits: Mapping[str, str]) -> Iterator[str]:
    """Each trace in the names and contents of the files below ``folder``; ``digits`` by what they are."""
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        content = file.read_bytes() if file.is_file() and not file.is_symlink() else b""
        for what, sought in digits.items():
            for dress in traces(sought, name.encode()):
                yield f"{what}, {dress}: in the name {name}"
            for dress in traces(sought, content):
                yield f"{what}, {dress}: in {name}"
