"""All services without database and network: for checking flows, for ``ivr try`` and for the tests beside the flows.

The same services as on a live hotline, over the demonstration data and, when wanted, a clock that stands still.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from db import demo
from db.callbacks import CallbackWish
from db.events import utcnow
from db.instruments import Instrument
from db.notices import Notice
from ivr.flow.service import Service
from ivr.services import all_services
from ivr.services.notices import NoticeBoard
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.demo import DemoQuoteProvider

A_TRADING_MORNING = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)  # 10:30 in Shanghai


async def offline_services(now: Callable[[], datetime.datetime] = utcnow) -> dict[str, Service]:
    """The services, by name, with quotes on the board."""

    async def instruments() -> Sequence[Instrument]:
        return demo.instruments()

    async def published(_moment: datetime.datetime) -> Sequence[Notice]:
        return tuple(reversed(demo.demo_notices()))

    async def leave(_wish: CallbackWish) -> bool:
        return True

    board = QuoteBoard(DemoQuoteProvider(demo.references(), clock=now), instruments)
    await board.refresh()
    return all_services(board, NoticeBoard(published, now=now), leave)
