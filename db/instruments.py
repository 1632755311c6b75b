"""Instruments: the shares and indices a caller may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from db.models import InstrumentRow
from db.store import Store

Market = Literal["SSE", "SZSE"]  # Shanghai, Shenzhen
Kind = Literal["share", "index"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A share or an index. ``code`` alone names none: 000001 is a share in Shenzhen and the index of Shanghai."""

    code: str
    market: Market
    kind: Kind
    name_zh: str
    name_en: str

    @property
    def key(self) -> tuple[str, str]:
        """What names it: code and market."""
        return self.code, self.market

    @property
    def names(self) -> Mapping[str, str]:
        """Its short name by language."""
        return {"zh": self.name_zh, "en": self.name_en}


class Instruments:
    """The instruments. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> tuple[Instrument, ...]:
        """Every instrument, by code and market."""
        async with self._store.reading() as session:
            rows = await session.scalars(sa.select(InstrumentRow).order_by(InstrumentRow.code, InstrumentRow.market))
            return tuple(_instrument(row) for row in rows)

    async def by_code(self, code: str) -> tuple[Instrument, ...]:
        """The instruments with this code: none, one, or a share and an index."""
        async with self._store.reading() as session:
            rows = await session.scalars(
                sa.select(InstrumentRow).where(InstrumentRow.code == code).order_by(InstrumentRow.market)
            )
            return tuple(_instrument(row) for row in rows)

    async def put(self, instruments: Iterable[Instrument]) -> None:
        """Add these, or bring those with the same code and market to what is said here; all or none."""
        async with self._store.writing() as session:
            known = {(row.code, row.market): row for row in await session.scalars(sa.select(InstrumentRow))}
            for instrument in instruments:
                row = known.get(instrument.key)
                if row is None:
                    row = known[instrument.key] = InstrumentRow(code=instrument.code, market=instrument.market)
                    session.add(row)
                row.kind = instrument.kind
                row.name_zh = instrument.name_zh
                row.name_en = instrument.name_en


def _instrument(row: InstrumentRow) -> Instrument:
    return Instrument(
        code=row.code,
        market=row.market,  # type: ignore[arg-type]  # written by ``put`` only
        kind=row.kind,  # type: ignore[arg-type]  # the table's own check keeps it to these words
        name_zh=row.name_zh,
        name_en=row.name_en,
    )
