"""Sina's quotes: ``var hq_str_sh600519="贵州茅台,1780.00,…";``, GBK, fields by comma; wants a Referer. Pure.

An endpoint without documentation and without licence: the order of its fields is as open-source readers have found it.
A brokerage announces prices from its own licensed feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from db.instruments import Instrument
from ivr.services.quotes.model import Quote, Status
from ivr.services.quotes.wire import BadAnswer, BadLine, figure, listing_of, moment, untraded

FEWEST: Final = 32  # fields up to the time
NAME, OPEN, PREVIOUS, LAST, HIGH, LOW, BID, ASK, VOLUME, TURNOVER, DAY, TIME, STATE = (*range(10), 30, 31, 32)
SUSPENDED: Final = frozenset(
    {"01", "02", "03", "04", "05", "07"}
)  # for an hour, a day, longer, within the day, half a day
_LINE: Final = re.compile(rb'var hq_str_([a-z]{2}\d{6})="([^"\n]*)"')
_MARKETS: Final = {"SSE": "sh", "SZSE": "sz"}


class Sina:
    """The format."""

    name = "sina"
    batch = 800
    headers: Mapping[str, str] = {"Referer": "http://finance.sina.com.cn/"}

    def symbol(self, instrument: Instrument) -> str:
        """``sh600519``."""
        return _MARKETS[instrument.market] + instrument.code

    def address(self, base: str, symbols: Sequence[str]) -> str:
        """``…/list=sh600519,sz000001``."""
        return f"{base}/list={','.join(symbols)}"

    def lines(self, body: bytes) -> Iterator[tuple[str, bytes]]:
        """Each complete line's symbol and fields, undecoded."""
        if body.strip() and not body.lstrip().startswith(b"var hq_str_"):
            raise BadAnswer("The answer does not begin as Sina's do.", remedy="Check quotes.url and what answers.")
        for match in _LINE.finditer(body):
            yield match[1].decode("ascii"), match[2]

    def quote(self, instrument: Instrument, line: bytes) -> Quote | None:
        """The quote. No byte of a character in GBK or UTF-8 is a comma, so the charset matters to the name alone."""
        if not line:
            return None
        fields = line.decode("gbk", "replace").split(",")
        if len(fields) < FEWEST:
            raise BadLine(f"{len(fields)} fields instead of {FEWEST}")
        last, before, opened = figure(fields[LAST]), figure(fields[PREVIOUS]), figure(fields[OPEN])
        volume = int(figure(fields[VOLUME]))
        at = moment(f"{fields[DAY]} {fields[TIME]}", "%Y-%m-%d %H:%M:%S")
        status: Status = "trading"
        if len(fields) > STATE and fields[STATE].strip() in SUSPENDED:
            status = "suspended"
        elif not volume and not opened:
            status = untraded(figure(fields[BID]), figure(fields[ASK]), at)
        return Quote(
            instrument,
            last if status == "trading" or last else before,
            before,
            opened,
            figure(fields[HIGH]),
            figure(fields[LOW]),
            volume,
            figure(fields[TURNOVER]),
            at,
            status,
            listing_of(fields[NAME]),
        )
