"""The board: every instrument and its latest quote, in memory. A caller's look-up touches neither network nor database.

A task asks the provider again and again. When the provider or the database fails, the board keeps what it has, and each
quote knows how long ago it was last confirmed. What cannot be true is not taken. Knows no flow and no call.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from db.instruments import Instrument
from ivr.services.quotes.model import NO_PRICE, Quote, fault_of
from ivr.services.quotes.provider import QuoteProvider
from ivr.services.quotes.sessions import OF_TRADING, Exchange

log = logging.getLogger("goldline.quotes")

REFRESH_SECONDS: Final = 3.0  # the exchanges' level-1 feed sends a snapshot every three seconds
PROVIDER_SECONDS: Final = 10.0  # a provider that takes longer has failed
START_SECONDS: Final = 2.0  # the hotline opens without quotes rather than late
INSTRUMENTS_SECONDS: Final = 60.0  # how often the list itself is read again: new listings and names
OLD_SECONDS: Final = 60.0  # twenty refreshes missed: a caller is told the time of the quote, not just the price
IDLE_SECONDS: Final = 20.0  # between refreshes when there is no trading; less than OLD_SECONDS
LONGEST_SECONDS: Final = 40.0  # between tries of a provider that fails; each pause is twice the one before
_OLD: Final = datetime.timedelta(seconds=OLD_SECONDS)
_TOLERANCE: Final = datetime.timedelta(seconds=30)  # the last snapshot of a session bears a time shortly before its end

Freshness = Literal["live", "closed", "old"]
"""``live``: of this moment; ``closed``: of the end of the last session, there is none newer; ``old``: there may be."""


@dataclass(slots=True)
class Confirmed:
    """A quote and when the provider last gave it. At night a quote is hours old and still confirmed."""

    quote: Quote
    confirmed: float  # on the board's clock


def symbol_of(instrument: Instrument) -> str:
    """What names an instrument on the telephone's side: ``SH600519``, ``SZ000001``."""
    return f"{'SH' if instrument.market == 'SSE' else 'SZ'}{instrument.code}"


class QuoteBoard:
    """Instruments and quotes. ``refresh`` it, or ``start`` a task that does."""

    def __init__(
        self,
        provider: QuoteProvider,
        instruments: Callable[[], Awaitable[Sequence[Instrument]]],
        *,
        clock: Callable[[], float] = time.monotonic,
        every: float = REFRESH_SECONDS,
        exchange: Exchange | None = None,
    ) -> None:
        """``instruments`` reads the list (``Instruments(store).all``); ``clock`` counts seconds, as ``every`` does.

        Without an ``exchange``, and for a demonstration, trading never ends.
        """
        self.provider = provider
        self.failures = 0  # refreshes that failed, for metrics
        self.refused = 0  # quotes that could not be true
        self._exchange = None if provider.demonstration else exchange
        self._newest: dict[str, datetime.datetime] = {}  # by market: the time of its newest quote
        self._absurd: frozenset[str] = frozenset()
        self._in_a_row = 0  # failures since the last success
        self._read_instruments = instruments
        self._clock = clock
        self._every = every
        self._tried = asyncio.Event()
        self._instruments: tuple[Instrument, ...] = ()
        self._by_code: dict[str, tuple[Instrument, ...]] = {}
        self._quotes: dict[tuple[str, str], Confirmed] = {}
        self._listed_at = float("-inf")
        self._confirmed_at: float | None = None
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """How many instruments are known."""
        return len(self._instruments)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All of them; the same object until the list changes."""
        return self._instruments

    @property
    def age(self) -> float | None:
        """Seconds since the provider last answered; None when it never did."""
        return None if self._confirmed_at is None else self._clock() - self._confirmed_at

    @property
    def frozen(self) -> list[str]:
        """The exchanges of which the provider gives no newer quotes, though there must be some."""
        if self._exchange is None:
            return []
        possible = self._exchange.as_of(_OLD)
        return sorted(market for market in self._newest if self._stands_still(market, possible))

    def state(self) -> dict[str, object]:
        """For ``/health``."""
        return {
            "provider": self.provider.name,
            "instruments": self.size,
            "quotes": len(self._quotes),
            "age_seconds": self.age,
            "failures": self.failures,
            "refused": self.refused,
            "phase": self._exchange.phase() if self._exchange else None,
            "newest": {market: newest.isoformat() for market, newest in sorted(self._newest.items())},
            "frozen": self.frozen,
        }

    def find(self, code: str) -> tuple[Instrument, ...]:
        """The instruments with this code: none, one, or a share and an index."""
        return self._by_code.get(code, ())

    def of_symbol(self, symbol: str) -> Instrument | None:
        """The instrument that ``symbol_of`` calls so."""
        return next((one for one in self.find(symbol[2:]) if symbol_of(one) == symbol), None)

    def quote(self, instrument: Instrument) -> Quote | None:
        """The latest quote, however old; None when there never was one."""
        found = self._quotes.get(instrument.key)
        return found.quote if found else None

    def freshness(self, instrument: Instrument) -> Freshness:
        """Whether the quote is the newest that there can be; a feed that repeats itself during trading is old."""
        found = self._quotes.get(instrument.key)
        if found is None or self._clock() - found.confirmed > OLD_SECONDS:
            return "old"
        if self._exchange is None:
            return "live"
        possible = self._exchange.as_of(_OLD)
        other_day = found.quote.exchange_time.date() < possible.date() and found.quote.status != "suspended"
        if other_day or self._stands_still(instrument.market, possible):
            return "old"
        return "live" if self._exchange.phase() in OF_TRADING else "closed"

    def _stands_still(self, market: str, possible: datetime.datetime) -> bool:
        """Not one quote of this exchange is as new as it could be: one share may stand still, all of them do not."""
        return self._newest[market] + _TOLERANCE < possible

    async def start(self) -> None:
        """Begin to refresh, and wait for the first quotes, but not long. A failure is logged, never raised."""
        self._task = asyncio.create_task(self._keep_refreshing(), name="quote board")
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._tried.wait()

    async def stop(self) -> None:
        """End the task. What the board knows stays."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def refresh(self) -> None:
        """Ask the provider for everything once. Raises whatever the provider or the list of instruments raises."""
        if self._clock() - self._listed_at >= INSTRUMENTS_SECONDS:
            await self._list_instruments()
        if not self._instruments:
            return
        async with asyncio.timeout(PROVIDER_SECONDS):
            quotes = await self.provider.quotes(self._instruments)
        self._take(quotes)
        self._confirmed_at = self._clock()

    def _take(self, quotes: Sequence[Quote]) -> None:
        now, moment = self._clock(), self._exchange.now() if self._exchange else None
        absurd: dict[str, str] = {}
        known = self._quotes
        for quote in quotes:
            instrument = quote.instrument
            found = known.get(instrument.key)
            if found is not None and found.quote is quote:
                found.confirmed = now
                continue
            if fault := fault_of(quote, moment):
                if fault != NO_PRICE:
                    absurd[f"{instrument.code} {instrument.market}"] = fault
                continue
            known[instrument.key] = Confirmed(quote, now)
            if (newest := self._newest.get(instrument.market)) is None or quote.at > newest:
                self._newest[instrument.market] = quote.at
        self.refused += len(absurd)
        if absurd.keys() - self._absurd:
            some = ", ".join(f"{code}: {fault}" for code, fault in list(absurd.items())[:5])
            log.warning("%d quotes of %s cannot be true and are not taken: %s", len(absurd), self.provider.name, some)
        self._absurd = frozenset(absurd)

    async def _list_instruments(self) -> None:
        try:
            instruments = tuple(await self._read_instruments())
        except Exception:
            if not self._instruments:
                raise
            log.warning("The list of instruments cannot be read: the last one serves.", exc_info=True)
            self._listed_at = self._clock()
            return
        if instruments and instruments == self._instruments:
            self._listed_at = self._clock()
            return
        by_code: defaultdict[str, list[Instrument]] = defaultdict(list)
        for instrument in instruments:
            by_code[instrument.code].append(instrument)
        self._instruments = instruments
        self._by_code = {code: tuple(found) for code, found in by_code.items()}
        # An empty list is most likely a database that is being filled: look again at the next refresh.
        self._listed_at = self._clock() if instruments else float("-inf")

    async def _refresh_once(self) -> None:
        try:
            await self.refresh()
        except Exception as error:  # a provider is foreign code: it may raise anything and must not end the task
            self.failures += 1
            self._in_a_row += 1
            if not self._failing:
                log.error("Quotes from %s fail; the last ones serve: %r", self.provider.name, error)
            self._failing = True
            return
        if self._failing:
            log.warning("Quotes from %s are back.", self.provider.name)
        self._failing = False
        self._in_a_row = 0

    def _pause(self) -> float:
        if self._in_a_row:
            return max(min(self._every * 2.0 ** min(self._in_a_row, 10), LONGEST_SECONDS), self._every)
        if self._exchange is not None and self._every < IDLE_SECONDS and self._exchange.phase() not in OF_TRADING:
            return IDLE_SECONDS
        return self._every

    async def _keep_refreshing(self) -> None:
        while True:
            await self._refresh_once()
            self._tried.set()
            await asyncio.sleep(self._pause())
