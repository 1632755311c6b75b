"""What is said of a share besides its price, for today and for an old price: at a limit, newly listed, not traded."""

from __future__ import annotations

from typing import Final

from ivr.services.quotes.limits import at_limit
from ivr.services.quotes.model import Quote
from ivr.speech.values import Name

NOTHING: Final = Name({"zh": "", "en": ""})
LIMITS: Final = {
    "up": Name({"zh": "涨停", "en": "at its upper price limit"}),
    "down": Name({"zh": "跌停", "en": "at its lower price limit"}),
}
LISTING: Final = {
    "first_day": Name({"zh": "新股上市首日", "en": "on its first day of trading"}),
    "first_days": Name({"zh": "新股，上市五日内", "en": "newly listed"}),
}
NOT_TRADED: Final = Name({"zh": "尚无成交", "en": "not traded yet"})
ALL: Final = (*LIMITS.values(), *LISTING.values(), NOT_TRADED)


def state_of(quote: Quote) -> Name:
    """The words for a quote's state; nothing for an ordinary one."""
    if quote.status == "not_traded":
        return NOT_TRADED
    if quote.listing:
        return LISTING[quote.listing]
    limit = at_limit(quote)
    return LIMITS[limit] if limit else NOTHING
