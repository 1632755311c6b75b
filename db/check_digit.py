"""A check digit, so that a mistyped number is no number instead of somebody else's. Pure.

Damm's: of the decimal digits alone, it finds every single wrong digit and every two neighbours in the wrong order
(H. M. Damm, Total anti-symmetrische Quasigruppen, Marburg 2004; the table is the one of order 10 given there).
"""

from __future__ import annotations

from typing import Final

_TABLE: Final = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def check_digit(digits: str) -> str:
    """The digit to write behind these."""
    interim = 0
    for digit in digits:
        interim = _TABLE[interim][int(digit)]
    return str(interim)


def is_checked(number: str) -> bool:
    """Whether the last digit of this number is the check digit of the others."""
    return number.isascii() and number.isdigit() and check_digit(number) == "0"
