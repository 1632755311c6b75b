"""The day's price limits, where the rules give them: for shares of the main boards, of STAR and of ChiNext. Pure.

Trading Rules of the Shanghai and of the Shenzhen Stock Exchange (2023 revisions), on price limits (涨跌幅限制): 10 % of
the previous close on the main boards, 20 % on STAR and ChiNext, rounded half up to the tick; none in the first five
days of a new share. Shares under risk warning (ST) have limits of their own, which have changed: for those, and for all
other instruments, only the provider's word counts.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from db.instruments import Instrument
from ivr.services.quotes.model import HUNDREDTH, Quote

MAIN: Final = Decimal("0.10")
WIDE: Final = Decimal("0.20")
MAIN_CODES: Final = ("600", "601", "603", "605", "000", "001", "002", "003")
WIDE_CODES: Final = ("688", "689", "300", "301", "302")


def price_limits(instrument: Instrument, previous_close: Decimal) -> tuple[Decimal, Decimal] | None:
    """The lowest and the highest price of a day; None where the rules alone do not say."""
    if instrument.kind != "share" or "ST" in instrument.name_zh.upper() or previous_close <= 0:
        return None
    code = instrument.code
    reach = WIDE if code.startswith(WIDE_CODES) else MAIN if code.startswith(MAIN_CODES) else None
    if reach is None:
        return None
    low, high = ((previous_close * (1 + way * reach)).quantize(HUNDREDTH, ROUND_HALF_UP) for way in (-1, 1))
    return low, high


def at_limit(quote: Quote) -> Literal["up", "down"] | None:
    """Whether the latest price is the day's highest or lowest that is allowed."""
    if quote.status != "trading" or quote.listing:
        return None
    low, high = quote.limit_down, quote.limit_up
    if not low or not high:
        computed = price_limits(quote.instrument, quote.previous_close)
        if computed is None:
            return None
        low, high = computed
    if quote.last >= high:
        return "up"
    return "down" if quote.last <= low else None
