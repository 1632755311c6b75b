"""What every format of quotes needs: figures read strictly, the marks before a new share's name, the port to a format.

Pure. A format turns an answer's bytes into lines (a symbol and whatever holds its figures) and a line into a ``Quote``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, ClassVar, Final, Protocol

from db.instruments import Instrument
from ivr.errors import GoldlineError
from ivr.services.quotes.model import EXCHANGE_TIME, Listing, Quote, Status

LARGEST_POWER: Final = 16  # of ten: more yuan than there are
_ZERO: Final = Decimal(0)
_NOTHING: Final = frozenset({"", "-", "--", "None", "null"})
_NEW_SHARE: Final = re.compile(r"([NC])[\u4e00-\u9fff]")
_OPENING: Final = datetime.time(9, 30)  # by then whoever can be traded has somebody who bids or asks


class BadLine(ValueError):
    """One instrument's line cannot be read: the others may."""


class BadAnswer(GoldlineError):
    """A whole answer is no answer of that format."""

    error_id: ClassVar[str] = "bad-quotes-answer"


class WireFormat(Protocol):
    """How a provider is asked over HTTP, and what it answers."""

    @property
    def name(self) -> str:
        """For logs and metrics."""
        ...

    @property
    def batch(self) -> int:
        """The most symbols that may be asked for at once."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that the provider wants."""
        ...

    def symbol(self, instrument: Instrument) -> str:
        """What the provider calls an instrument."""
        ...

    def address(self, base: str, symbols: Sequence[str]) -> str:
        """The URL that asks for these symbols."""
        ...

    def lines(self, body: bytes) -> Iterator[tuple[str, Any]]:
        """The lines of an answer; an incomplete one is left out. Raises BadAnswer."""
        ...

    def quote(self, instrument: Instrument, line: Any) -> Quote | None:
        """The quote in a line; None: the provider does not know the instrument. Raises BadLine."""
        ...


def figure(value: Any, times: int = 1) -> Decimal:
    """A number as feeds send them: text, int or float; nothing is 0. Raises BadLine."""
    try:  # the way of nearly all, some 60,000 times a refresh
        number = Decimal(value) if type(value) is str else _other(value)
    except InvalidOperation:
        number = _other(value)
    if not number.is_finite() or number.adjusted() > LARGEST_POWER:
        raise BadLine(f"{str(value)[:40]!r} is no number of a market")
    return number if times == 1 else number * times


def _other(value: Any) -> Decimal:
    text = str(value).strip() if value is not None else ""
    if text in _NOTHING:
        return _ZERO
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise BadLine(f"{text[:40]!r} is no number") from None


@lru_cache(maxsize=256)  # most lines of an answer bear the same few times
def moment(text: str, form: str) -> datetime.datetime:
    """A moment on the exchange's clock. Raises BadLine."""
    try:
        return datetime.datetime.strptime(text.strip(), form).replace(tzinfo=EXCHANGE_TIME)
    except ValueError:
        raise BadLine(f"{text[:40]!r} is no time") from None


def listing_of(name: str) -> Listing:
    """What the exchange puts before a new share's name: N on its first day, C on the second to the fifth."""
    match = _NEW_SHARE.match(name.strip())
    if not match:
        return ""
    return "first_day" if match[1] == "N" else "first_days"


def untraded(bid: Decimal, ask: Decimal, at: datetime.datetime) -> Status:
    """What figures alone tell of a share without a trade: when nobody bids and nobody offers after the opening, it is
    suspended."""
    if bid or ask or at.astimezone(EXCHANGE_TIME).time() < _OPENING:
        return "not_traded"
    return "suspended"
