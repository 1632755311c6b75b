"""The board: every instrument and its latest quote, in memory. A caller's look-up touches neither network nor database.

A task asks the provider again and again. When the provider or the database fails, the board keeps what it has, and each
quote knows how long ago it was last confirmed. Knows no flow and no call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from db.instruments import Instrument
from ivr.services.quotes.model import Quote
from ivr.services.quotes.provider import QuoteProvider

log = logging.getLogger("goldline.quotes")

REFRESH_SECONDS: Final = 3.0  # the exchanges' level-1 feed sends a snapshot every three seconds
PROVIDER_SECONDS: Final = 10.0  # a provider that takes longer has failed
START_SECONDS: Final = 2.0  # the hotline opens without quotes rather than late
INSTRUMENTS_SECONDS: Final = 60.0  # how often the list itself is read again: new listings and names
OLD_SECONDS: Final = 60.0  # twenty refreshes missed: a caller is told the time of the quote, not just the price


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A quote and when the provider last gave it. At night a quote is hours old and still confirmed."""

    quote: Quote
    confirmed: float  # on the board's clock


class QuoteBoard:
    """Instruments and quotes. ``refresh`` it, or ``start`` a task that does."""

    def __init__(
        self,
        provider: QuoteProvider,
        instruments: Callable[[], Awaitable[Sequence[Instrument]]],
        *,
        clock: Callable[[], float] = time.monotonic,
        every: float = REFRESH_SECONDS,
    ) -> None:
        """``instruments`` reads the list (``Instruments(store).all``); ``clock`` counts seconds, as ``every`` does."""
        self.provider = provider
        self.failures = 0  # refreshes that failed, for metrics
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
    def age(self) -> float | None:
        """Seconds since the provider last answered; None when it never did."""
        return None if self._confirmed_at is None else self._clock() - self._confirmed_at

    def find(self, code: str) -> tuple[Instrument, ...]:
        """The instruments with this code: none, one, or a share and an index."""
        return self._by_code.get(code, ())

    def quote(self, instrument: Instrument) -> Quote | None:
        """The latest quote, however old; None when there never was one."""
        found = self._quotes.get(instrument.key)
        return found.quote if found else None

    def is_old(self, instrument: Instrument) -> bool:
        """The provider has not confirmed this quote for OLD_SECONDS."""
        found = self._quotes.get(instrument.key)
        return found is None or self._clock() - found.confirmed > OLD_SECONDS

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
        now = self._clock()
        self._quotes.update((quote.instrument.key, Confirmed(quote, now)) for quote in quotes if quote.usable)
        self._confirmed_at = now

    async def _list_instruments(self) -> None:
        try:
            instruments = tuple(await self._read_instruments())
        except Exception:
            if not self._instruments:
                raise
            log.warning("The list of instruments cannot be read: the last one serves.", exc_info=True)
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
            if not self._failing:
                log.error("Quotes from %s fail; the last ones serve: %r", self.provider.name, error)
            self._failing = True
            return
        if self._failing:
            log.warning("Quotes from %s are back.", self.provider.name)
        self._failing = False

    async def _keep_refreshing(self) -> None:
        while True:
            await self._refresh_once()
            self._tried.set()
            await asyncio.sleep(self._every)
