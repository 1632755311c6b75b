"""From the one key of the installation a key for each purpose: what leaks of one use says nothing of another. Pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, Literal

from db.identity_tries import TryKey
from db.phone_numbers import stored_form

Purpose = Literal["seal", "pins", "callers", "accounts", "codes", "agents", "desk"]

# What trunks put where a number was withheld: RFC 3323 (4.1.1.3, "anonymous"), Asterisk's presentations, and habits.
WITHHELD_FORMS: Final = frozenset(
    ("", "anonymous", "unavailable", "unknown", "private", "restricted", "withheld", "asterisk", "<unknown>")
)


def derived_key(key: bytes, purpose: Purpose) -> bytes:
    """The key for this purpose, made of the installation's (``secrets.toml``, ``identity_key``)."""
    return hmac.new(key, f"goldline {purpose}".encode(), hashlib.sha256).digest()


def pepper(key: bytes) -> bytes:
    """The key under which PINs are hashed (``db.pins.Pins``)."""
    return derived_key(key, "pins")


class Digests:
    """Of accounts, callers and codes under the installation's key: equal for equal, and telling nothing else."""

    def __init__(self, key: bytes) -> None:
        self._callers = derived_key(key, "callers")
        self._accounts = derived_key(key, "accounts")
        self._codes = derived_key(key, "codes")

    def caller(self, number: str) -> TryKey:
        """Whose tally a call with this caller ID is on, however a trunk wrote the number."""
        stored = stored_form(number)
        if stored.lower() in WITHHELD_FORMS:
            return TryKey("withheld", _digest(self._callers, ""))
        return TryKey("caller", _digest(self._callers, stored))

    def account(self, account: str) -> TryKey:
        """The tally of what was typed as an account number, whether there is such an account or not."""
        return TryKey("account", _digest(self._accounts, account))

    def code(self, account: str, code: str) -> str:
        """A one-time code of this account."""
        return _digest(self._codes, f"{account}\n{code}")


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
