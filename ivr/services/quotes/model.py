"""A quote. Pure.

Prices are Decimals, in yuan for a share and in points for an index; moments are aware datetimes.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from db.instruments import Instrument

# The exchanges' own time. China has had no summer time since 1991, so no time zone database is needed.
EXCHANGE_TIME: Final = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
HUNDREDTH: Final = Decimal("0.01")

Status = Literal["trading", "not_traded", "suspended"]  # not_traded: open for it, and nothing has changed hands yet
Listing = Literal["", "first_day", "first_days"]  # of a new share: no price limits in its first five days of trading

LARGEST: Final = Decimal(10_000_000)  # no price and no index is higher
FARTHEST: Final = 20  # times the previous close: beyond is a slip of the feed, not of the market
NO_PRICE: Final = "there is no price"
_AHEAD: Final = datetime.timedelta(minutes=10)  # clocks differ, by less than this


@dataclass(frozen=True, slots=True)
class Quote:
    """What a provider knows of one instrument at one moment."""

    instrument: Instrument
    last: Decimal
    previous_close: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: int  # shares
    turnover: Decimal  # yuan
    at: datetime.datetime  # when the exchange said so
    status: Status = "trading"
    listing: Listing = ""
    limit_up: Decimal | None = None  # the day's price limits, where the provider gives them
    limit_down: Decimal | None = None

    @property
    def usable(self) -> bool:
        """It can be read out: there is a price. Before the opening auction some feeds send 0."""
        return self.last.is_finite() and self.previous_close.is_finite() and self.last > 0

    @property
    def change(self) -> Decimal:
        """The movement since the previous close in yuan or points; 0 where there was none (a first day)."""
        return self.last - self.previous_close if self.previous_close > 0 else Decimal(0)

    @property
    def change_percent(self) -> Decimal:
        """The movement since the previous close in percent, to two places; 0 where there was none (a first day)."""
        if self.previous_close <= 0:
            return Decimal("0.00")
        return ((self.last / self.previous_close - 1) * 100).quantize(HUNDREDTH, ROUND_HALF_UP)

    @property
    def exchange_time(self) -> datetime.datetime:
        """``at`` on the exchange's own clock."""
        return self.at.astimezone(EXCHANGE_TIME)


def fault_of(quote: Quote, now: datetime.datetime | None = None) -> str | None:
    """Why a quote cannot be true, whoever sent it; None: it can be. ``now`` is aware."""
    last, high, low, before = quote.last, quote.high, quote.low, quote.previous_close
    for figure in (last, before, quote.open, high, low, quote.turnover):
        if not figure.is_finite() or figure < 0:
            return "a figure is none, or below zero"
    if quote.volume < 0:
        return "a figure is none, or below zero"
    if not last:
        return NO_PRICE
    if last > LARGEST or high > LARGEST or before > LARGEST or quote.open > LARGEST:
        return f"a price of {max(last, high, before, quote.open)}"
    if high and low and not low <= last <= high:
        return f"{last} is not between {low} and {high}"
    if before and not quote.listing and not before <= last * FARTHEST <= before * FARTHEST**2:
        return f"{last} after {before}"
    if now and quote.at > now + _AHEAD:
        return f"of the future: {quote.at}"
    return None
