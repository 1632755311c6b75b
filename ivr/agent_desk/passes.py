"""What says that whoever asks is this agent: a pass, given for a PIN, good for a shift. Pure.

It is text that only this installation can write, so a restarted controller knows it again.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
from typing import ClassVar, Final

from ivr.errors import GoldlineError

GOOD_FOR: Final = datetime.timedelta(hours=12)
_SIGN_DIGITS: Final = 32  # hex digits of HMAC-SHA256 that are kept: 128 bits
_FORM: Final = re.compile(rf"([0-9]{{1,32}})-([0-9]{{1,12}})-([0-9a-f]{{{_SIGN_DIGITS}}})")


class NoPass(GoldlineError):
    """Whoever asks has not proven to be an agent, or it is too long ago."""

    error_id: ClassVar[str] = "no-desk-pass"

    def __init__(self) -> None:
        super().__init__("Nobody has logged in at this desk.", remedy="Log in with the agent's number and PIN.")


class Passes:
    """Writes and reads passes. ``key`` is a secret of the installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, agent: str, now: datetime.datetime) -> str:
        """A pass for this agent."""
        body = f"{agent}-{int((now + GOOD_FOR).timestamp())}"
        return f"{body}-{self._sign(body)}"

    def read(self, text: str, now: datetime.datetime) -> str:
        """Whose pass it is. Raises NoPass."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise NoPass
        agent, until, sign = found.groups()
        if not hmac.compare_digest(sign, self._sign(f"{agent}-{until}")) or now.timestamp() >= int(until):
            raise NoPass
        return agent

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()[:_SIGN_DIGITS]
