"""Who a caller has proven to be, and how a call carries that over a restart. Pure.

A proof rides in the checkpoint on the caller's own channel, sealed: a process that reaches the FastAGI port of this
machine can claim any checkpoint, but no customer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final, Literal

How = Literal["pin", "sms"]

SEAL_DIGITS: Final = 32  # hex digits of HMAC-SHA256 that are kept: 128 bits
_FORM: Final = re.compile(rf"(pin|sms)-([0-9]{{1,18}})-([0-9a-f]{{{SEAL_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class Proof:
    """A customer (the store's own number, never the account number) and what proved it."""

    customer: int
    how: How


class Seal:
    """Writes proofs so that nobody else can. ``key`` is a secret of the installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, call_id: str, proof: Proof) -> str:
        """The proof as text for the checkpoint of this call, and of no other."""
        body = f"{proof.how}-{proof.customer}"
        return f"{body}-{self._sign(call_id, body)}"

    def read(self, call_id: str, text: str) -> Proof | None:
        """Back from text; None for what we did not write for this call."""
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        how, customer, sign = found.groups()
        if not hmac.compare_digest(sign, self._sign(call_id, f"{how}-{customer}")):
            return None
        return Proof(int(customer), "pin" if how == "pin" else "sms")

    def _sign(self, call_id: str, body: str) -> str:
        return hmac.new(self._key, f"{call_id}\n{body}".encode(), hashlib.sha256).hexdigest()[:SEAL_DIGITS]
