"""Which provider the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from db.instruments import Instrument
from ivr.errors import GoldlineError
from ivr.services.quotes import json_feed
from ivr.services.quotes.http_feed import HttpFeed
from ivr.services.quotes.model import Quote
from ivr.services.quotes.provider import QuoteProvider
from ivr.services.quotes.sina import Sina
from ivr.services.quotes.table_feed import CsvFeed, SqlFeed
from ivr.services.quotes.tencent import Tencent

Kind = Literal["demo", "tencent", "sina", "json", "csv", "sql"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where quotes come from, as the settings say it; a field that a kind does not use is left alone."""

    kind: Kind
    url: str = ""
    file: Path | None = None
    query: str = ""
    batch: int | None = None
    seconds: float = 2.5
    connections: int = 4


def open_provider(source: Source, demonstration: Callable[[], QuoteProvider]) -> QuoteProvider:
    """The provider. Raises GoldlineError for a mapping or a database URL that cannot be used."""
    match source.kind:
        case "demo":
            return demonstration()
        case "csv":
            return CsvFeed(source.file or Path())
        case "sql":
            return SqlFeed(source.url, source.query)
        case "tencent":
            form: Tencent | Sina | json_feed.JsonFormat = Tencent()
        case "sina":
            form = Sina()
        case "json":
            form = json_feed.read(source.file or Path())
    return HttpFeed(form, source.url, batch=source.batch, seconds=source.seconds, connections=source.connections)


class Unusable:
    """A provider that could not be made: the hotline opens all the same, and says that there are no prices."""

    demonstration = False

    def __init__(self, kind: Kind, error: GoldlineError) -> None:
        self.name: str = kind
        self._error = error

    async def quotes(self, instruments: Sequence[Instrument]) -> Sequence[Quote]:  # noqa: ARG002 - the port's
        """Raises what kept the provider from being made."""
        raise self._error

    async def close(self) -> None:
        """Nothing to give back."""


def open_in_any_case(source: Source, demonstration: Callable[[], QuoteProvider]) -> QuoteProvider:
    """The provider, or one that always fails with what is wrong with the settings."""
    try:
        return open_provider(source, demonstration)
    except GoldlineError as error:
        return Unusable(source.kind, error)
