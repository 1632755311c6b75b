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

Status = Literal["trading", "suspended"]


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

    @property
    def usable(self) -> bool:
        """It can be read out: there is a price. Before the opening auction some feeds send 0."""
        return self.last.is_finite() and self.previous_close.is_finite() and self.last > 0

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
