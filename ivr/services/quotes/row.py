"""A quote from a row of named values: of a JSON feed, a CSV file, a SQL table. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from db.instruments import Instrument
from ivr.services.quotes.model import EXCHANGE_TIME, Listing, Quote, Status
from ivr.services.quotes.wire import BadLine, figure

REQUIRED: Final = ("last", "previous_close", "at")
COLUMNS: Final = (
    *REQUIRED, "open", "high", "low", "volume", "turnover", "status", "listing", "limit_up", "limit_down",
)  # fmt: skip
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": ("trading", "not_traded", "suspended"),
    "listing": ("first_day", "first_days"),
}
_MILLISECONDS: Final = 10**11  # a larger number of seconds is of the year 5138
_OWN_WORDS: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    column: {word: frozenset({word}) for word in words} for column, words in WORDS.items()
}


def quote_of_row(
    instrument: Instrument, row: Mapping[str, Any], words: Mapping[str, Mapping[str, frozenset[str]]] = _OWN_WORDS
) -> Quote:
    """The quote; what is missing besides REQUIRED is 0. ``words``: what the source calls our states. Raises BadLine."""
    last, before = figure(row.get("last")), figure(row.get("previous_close"))
    volume, opened = figure(row.get("volume")), figure(row.get("open"))
    status = _word("status", row.get("status"), words)
    if not status:
        traded = volume or opened or (last and "volume" not in row)
        status = "trading" if traded else "not_traded"
    return Quote(
        instrument,
        last or (before if status != "trading" else last),
        before,
        opened,
        figure(row.get("high")),
        figure(row.get("low")),
        int(volume),
        figure(row.get("turnover")),
        moment_of(row.get("at")),
        cast(Status, status),
        cast(Listing, _word("listing", row.get("listing"), words)),
        _limit(row.get("limit_up")),
        _limit(row.get("limit_down")),
    )


def moment_of(value: Any) -> datetime.datetime:
    """A moment: a datetime, ISO 8601, YYYYMMDDhhmmss, or seconds or milliseconds since 1970. Without a zone it is the
    exchange's own time. Raises BadLine."""
    text = str(value).strip() if value is not None else ""
    try:
        if isinstance(value, datetime.datetime):
            found = value
        elif text.isdecimal() and len(text) == 14:
            found = datetime.datetime.strptime(text, "%Y%m%d%H%M%S")
        elif text.replace(".", "", 1).isdecimal() and not text.startswith("."):
            seconds = Decimal(text)
            seconds = seconds / 1000 if seconds > _MILLISECONDS else seconds
            found = datetime.datetime.fromtimestamp(float(seconds), datetime.UTC)
        else:
            found = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError, ArithmeticError):
        raise BadLine(f"{text[:40]!r} is no time") from None
    return found if found.tzinfo else found.replace(tzinfo=EXCHANGE_TIME)


def _word(column: str, value: Any, words: Mapping[str, Mapping[str, frozenset[str]]]) -> str:
    text = str(value).strip() if value is not None else ""
    return next((ours for ours, theirs in words.get(column, {}).items() if text in theirs), "")


def _limit(value: Any) -> Decimal | None:
    limit = figure(value)
    return limit if limit > 0 else None
