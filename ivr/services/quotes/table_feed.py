"""Quotes from a CSV file that something else writes, or from a table in an SQL database.

The columns are ``code``, ``market`` (SSE, SZSE; may be left out where a code alone names one) and those of ``row``. A
file is read again when it has changed, in a thread; a half-written line is left out until it is whole.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from db.instruments import Instrument
from ivr.errors import GoldlineError
from ivr.services.quotes.model import Quote
from ivr.services.quotes.row import REQUIRED, quote_of_row
from ivr.services.quotes.wire import BadLine

log = logging.getLogger("goldline.quotes")

LARGEST_FILE: Final = 32 * 2**20  # bytes; a board of 6,000 is under one MiB
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class TableUnreadable(GoldlineError):
    """The file or the table of quotes cannot be read."""

    error_id: ClassVar[str] = "quotes-table-unreadable"


class CsvFeed:
    """A provider that reads a CSV file (UTF-8, with or without a byte order mark)."""

    name = "csv"
    demonstration = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._rows: list[dict[str, Any]] = []

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        """The quotes in the file. Raises TableUnreadable."""
        try:
            stat = self._path.stat()
            if self._read_at != (stat.st_mtime_ns, stat.st_size):
                self._rows = await asyncio.to_thread(_csv_rows, self._path)
                self._read_at = (stat.st_mtime_ns, stat.st_size)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise TableUnreadable(f"{self._path} cannot be read: {error}.", remedy="Check quotes.file.") from None
        return _quotes(self._rows, instruments)

    async def close(self) -> None:
        """Nothing to give back."""


class SqlFeed:
    """A provider that asks a database (SQLite, PostgreSQL) with a query of the brokerage's own."""

    name = "sql"
    demonstration = False

    def __init__(self, url: str, query: str) -> None:
        """Raises TableUnreadable for a URL of a database we have no driver for."""
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError:
            raise TableUnreadable("The URL of the quotes' database cannot be read.", remedy=_FORMS) from None
        driver = _DRIVERS.get(parsed.drivername, parsed.drivername)
        if driver not in _DRIVERS.values():
            raise TableUnreadable(f"There is no driver for {parsed.drivername} databases.", remedy=_FORMS)
        self._engine = create_async_engine(parsed.set(drivername=driver), pool_pre_ping=True, hide_parameters=True)
        self._query = sa.text(query)

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:
        """The quotes that the query gives. Raises TableUnreadable."""
        try:
            async with self._engine.connect() as connection:
                rows = (await connection.execute(self._query)).mappings().all()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            said = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise TableUnreadable(
                f"The table of quotes cannot be read: {said}.", remedy="Check quotes.query."
            ) from None
        return _quotes([dict(row) for row in rows], instruments)

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()


_FORMS: Final = "Use sqlite:////absolute/file.db or postgresql://user:password@host/name."


def _csv_rows(path: Path) -> list[dict[str, Any]]:
    if path.stat().st_size > LARGEST_FILE:
        raise OSError(0, f"it is larger than {LARGEST_FILE >> 20} MiB")
    text = path.read_text("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in ("code", *REQUIRED) if name not in (rows.fieldnames or ())]:
        raise csv.Error(f"the columns {', '.join(missing)} are missing")
    return [row for row in rows if None not in row.values()]  # a half-written line has too few


def _quotes(rows: Iterable[Mapping[str, Any]], instruments: Sequence[Instrument]) -> list[Quote]:
    by_key = {instrument.key: instrument for instrument in instruments}
    by_code: dict[str, list[Instrument]] = {}
    for instrument in instruments:
        by_code.setdefault(instrument.code, []).append(instrument)
    found: list[Quote] = []
    bad: list[str] = []
    for row in rows:
        code, market = str(row.get("code") or "").strip(), str(row.get("market") or "").strip()
        one = by_key.get((code, market)) if market else next(iter(by_code.get(code, [])), None)
        if one is None or (not market and len(by_code[code]) > 1):
            continue
        try:
            found.append(quote_of_row(one, row))
        except BadLine as error:
            bad.append(f"{code}: {error}")
    if bad:
        log.debug("%d rows of quotes cannot be read: %s", len(bad), ", ".join(bad[:5]))
    return found
