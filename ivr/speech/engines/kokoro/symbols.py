"""The phonemes that Kokoro was trained on, and their numbers: those of them that our two languages use. Pure.

The numbers are those of the vocabulary in the model's own configuration (Kokoro-82M v1.0, ``config.json``).
"""

from __future__ import annotations

MOST = 400  # symbols said in one go: the model takes 510, but hurries towards the end of a long row

NUMBERS: dict[str, int] = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, " ": 16, "ʦ": 20, "ʨ": 21, "ꭧ": 23, "A": 24, "I": 25, "O": 31,
    "T": 36, "W": 39, "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "d": 46, "e": 47, "f": 48, "h": 50, "i": 51, "j": 52,
    "k": 53, "l": 54, "m": 55, "n": 56, "o": 57, "p": 58, "s": 61, "t": 62, "u": 63, "v": 64, "w": 65, "x": 66,
    "y": 67, "z": 68, "ɑ": 69, "æ": 72, "ɔ": 76, "ɕ": 77, "ð": 81, "ʤ": 82, "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87,
    "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102, "ŋ": 112, "θ": 119, "ɹ": 123, "ɻ": 126, "ʂ": 130, "ʃ": 131, "ʧ": 133,
    "ʊ": 135, "ʌ": 138, "ɤ": 140, "ʒ": 147, "ˈ": 156, "ˌ": 157, "ʰ": 162, "↓": 169, "→": 171, "↗": 172, "↘": 173,
    "ᵻ": 177,
}  # fmt: skip


def numbers_of(phonemes: str) -> list[int]:
    """The phonemes as the model takes them; what it does not know is left out."""
    return [NUMBERS[symbol] for symbol in phonemes if symbol in NUMBERS]
