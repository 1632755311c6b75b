"""The editable table of trading days: what staff say of a day goes over what came with this version.

A whole year is imported, as the exchanges announce it; single days are set afterwards (a typhoon, a correction).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import sqlalchemy as sa

from db import audit
from db.audit import AuditEntry
from db.closing_days import Day, shipped
from db.errors import StoreError
from db.events import utcnow
from db.models import TradingDayRow
from db.store import Store
from db.trading_calendar import TradingCalendar


class YearUnknown(StoreError):
    """A single day cannot be set in a year of which nothing else is known."""

    error_id: ClassVar[str] = "year-unknown"

    def __init__(self, year: int) -> None:
        super().__init__(
            f"The trading days of {year} are not known, so that one of them alone would say little.",
            remedy=f"Import the whole year first: ivr calendar import FILE --year {year}",
        )


@dataclass(frozen=True, slots=True)
class Edited:
    """What somebody said of a day, and who."""

    day: datetime.date
    trading: bool
    note: str
    actor: str
    at: datetime.datetime


class TradingDays:
    """The table. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def calendar(self) -> TradingCalendar:
        """All that is known: the shipped years, and the table over them."""
        edited = {one.day: Day(one.trading, one.note) for one in await self.edited()}
        return TradingCalendar({**shipped(), **edited})

    async def edited(self) -> tuple[Edited, ...]:
        """The table's own rows, by day."""
        async with self._store.reading() as session:
            rows = await session.scalars(sa.select(TradingDayRow).order_by(TradingDayRow.day))
            return tuple(Edited(row.day, row.trading, row.note, row.actor, row.at) for row in rows)

    async def set_day(self, day: datetime.date, trading: bool, note: str, *, actor: str) -> bool:
        """Say whether a day is a trading day; False when that was known. Raises YearUnknown."""
        async with self._store.writing() as session:
            row = await session.get(TradingDayRow, day)
            known = Day(row.trading, row.note) if row else shipped().get(day)
            if known is None:
                raise YearUnknown(day.year)
            if known == Day(trading, note):
                return False
            if row is None:
                row = TradingDayRow(day=day)
                session.add(row)
            row.trading, row.note, row.actor, row.at = trading, note, actor, utcnow()
            data = {"day": day.isoformat(), "trading": trading, "note": note}
            await audit.append(session, [AuditEntry(actor, "trading_day.set", data=data)])
        return True

    async def put_year(self, year: int, days: Mapping[datetime.date, Day], *, actor: str) -> None:
        """Replace all that the table says of a year by these days, which are the whole of it."""
        assert {day.year for day in days} == {year}
        assert len(days) >= 365
        now = utcnow()
        rows = [
            {"day": day, "trading": one.trading, "note": one.note, "actor": actor, "at": now}
            for day, one in days.items()
        ]
        first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
        async with self._store.writing() as session:
            await session.execute(sa.delete(TradingDayRow).where(TradingDayRow.day.between(first, last)))
            await session.execute(sa.insert(TradingDayRow), rows)
            closed = sorted(day.isoformat() for day, one in days.items() if one.note and not one.trading)
            data = {"year": year, "closed": closed}
            await audit.append(session, [AuditEntry(actor, "trading_days.imported", data=data)])
