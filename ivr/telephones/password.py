"""Passwords for telephones: made by us, so that none is ever guessed, and easy to type into a telephone's menu."""

from __future__ import annotations

import secrets
from typing import Final

# No 0, O, 1, l, I: they are read wrongly from paper.
LETTERS: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH: Final = 22  # 22 of 57 letters are 128 bits: as hard to find from the digest as the digest's own key


def new_password() -> str:
    """A password that nobody foresees."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
