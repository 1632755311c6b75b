"""Which provider the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivr.services.quotes import json_feed
from ivr.services.quotes.http_feed import HttpFeed
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
