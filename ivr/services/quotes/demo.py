"""Quotes that are made up, for trying the hotline: plausible, moving, and the same for the same seed and moment.

Each day of each instrument is a random walk in ticks, tied to the day's close, and drawn from a generator seeded with
(seed, instrument, day); a moment's quote is read off that walk. The demonstration's market never closes, so that it
can be tried at night. No I/O but the clock that is handed in.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from db.demo import Reference
from db.instruments import Instrument
from ivr.services.quotes.model import EXCHANGE_TIME, HUNDREDTH, Quote

STEPS: Final = 720  # of a day: one every two minutes, in between the price goes straight
DAY_SECONDS: Final = 24 * 3600
CLOSE_WITHIN: Final = 0.04  # a day's close stays this close to the reference, so two closes are within the daily limit
INDEX_CLOSE_WITHIN: Final = 0.012
RESTLESSNESS: Final = 0.012  # how far the walk strays within a day, as a share of the price
LIMIT: Final = Decimal("0.10")  # daily price limit, main boards (SSE and SZSE trading rules)
LIMIT_WIDE: Final = Decimal("0.20")  # STAR market (688, 689) and ChiNext (300, 301)
WIDE_CODES: Final = ("688", "689", "300", "301")
UNLISTED: Final = Reference(Decimal("20.00"), suspended=False)  # for an instrument that somebody added


@dataclass(frozen=True, slots=True)
class _Day:
    """One instrument's day: where it came from and where it stands at each step, in ticks of 0.01."""

    date: datetime.date
    previous_close: int
    walk: tuple[float, ...]  # STEPS + 1 points; between limits already
    shares_a_day: int


class DemoQuoteProvider:
    """Made-up quotes. ``references`` says where each instrument starts from (``db.demo.references()``)."""

    name = "demonstration"
    demonstration = True

    def __init__(
        self,
        references: Mapping[tuple[str, str], Reference],
        *,
        clock: Callable[[], datetime.datetime],
        seed: int = 95500,
    ) -> None:
        self._references = references
        self._clock = clock
        self._seed = seed
        self._days: dict[tuple[str, str], _Day] = {}

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        """The quotes of this moment."""
        now = self._clock()
        return [self.quote(instrument, now) for instrument in instruments]

    async def close(self) -> None:
        """Nothing to give back."""

    def quote(self, instrument: Instrument, now: datetime.datetime) -> Quote:
        """The quote of one instrument at ``now`` (aware)."""
        local = now.astimezone(EXCHANGE_TIME)
        day = self._day(instrument, local.date())
        if self._references.get(instrument.key, UNLISTED).suspended:
            close = _price(day.previous_close)
            return Quote(instrument, close, close, close, close, close, 0, Decimal(0), now, "suspended")
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        passed = (local - midnight).total_seconds() / DAY_SECONDS
        step = min(int(passed * STEPS), STEPS - 1)
        before, after = day.walk[step : step + 2]
        last = round(before + (after - before) * (passed * STEPS - step))
        so_far = [round(ticks) for ticks in day.walk[: step + 1]]
        volume = int(day.shares_a_day * passed) // 100 * 100
        middle = (so_far[0] + last) / 2
        return Quote(
            instrument=instrument,
            last=_price(last),
            previous_close=_price(day.previous_close),
            open=_price(so_far[0]),
            high=_price(max(*so_far, last)),
            low=_price(min(*so_far, last)),
            volume=volume,
            turnover=_price(round(volume * middle)),
            at=now,
        )

    def _day(self, instrument: Instrument, date: datetime.date) -> _Day:
        kept = self._days.get(instrument.key)
        if kept is None or kept.date != date:
            kept = self._days[instrument.key] = self._make_day(instrument, date)
        return kept

    def _make_day(self, instrument: Instrument, date: datetime.date) -> _Day:
        previous = self._close(instrument, date - datetime.timedelta(days=1))
        close = self._close(instrument, date)
        lowest, highest = limits(instrument, previous)
        dice = self._dice(instrument, date, "walk")
        strayed = [0.0]
        for _ in range(STEPS):
            strayed.append(strayed[-1] + dice.gauss(0.0, 1.0))
        reach = RESTLESSNESS * previous / STEPS**0.5
        walk = []
        for step, stray in enumerate(strayed):
            part = step / STEPS
            tied = stray - strayed[-1] * part  # a bridge: it strays, and comes home to the close
            walk.append(min(max(previous + (close - previous) * part + tied * reach, lowest), highest))
        return _Day(date, previous, tuple(walk), dice.randrange(2_000_000, 90_000_000))

    def _close(self, instrument: Instrument, date: datetime.date) -> int:
        reference = self._references.get(instrument.key, UNLISTED)
        within = INDEX_CLOSE_WITHIN if instrument.kind == "index" else CLOSE_WITHIN
        return round(
            float(reference.price / HUNDREDTH) * (1 + self._dice(instrument, date, "close").uniform(-within, within))
        )

    def _dice(self, instrument: Instrument, date: datetime.date, what: str) -> random.Random:
        return random.Random(f"{self._seed} {instrument.market} {instrument.code} {date} {what}")  # noqa: S311 - no secret


def limits(instrument: Instrument, previous_close: int) -> tuple[int, int]:
    """The lowest and highest price of a day, in ticks. An index has none of its own; here it keeps the narrow one."""
    limit = LIMIT_WIDE if instrument.kind == "share" and instrument.code.startswith(WIDE_CODES) else LIMIT
    reach = int(previous_close * limit)  # rounded towards the previous close, so that the limit holds
    return previous_close - reach, previous_close + reach


def _price(ticks: int) -> Decimal:
    return (ticks * HUNDREDTH).quantize(HUNDREDTH)
