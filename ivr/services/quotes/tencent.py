"""Tencent's quotes: ``v_sh600519="1~贵州茅台~600519~1788.50~…";``, GBK, fields by ``~``. Pure.

An endpoint without documentation and without licence: the order of its fields is as open-source readers have found it.
A brokerage announces prices from its own licensed feed.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from db.instruments import Instrument
from ivr.services.quotes.model import Quote, Status
from ivr.services.quotes.wire import BadAnswer, BadLine, figure, listing_of, moment, untraded

LOT: Final = 100  # volume comes in 手
TURNOVER_UNIT: Final = 10_000  # turnover comes in 万元
FEWEST: Final = 39  # fields up to the turnover
# The place of each field that we read.
NAME, CODE, LAST, PREVIOUS, OPEN, VOLUME, BID, ASK, AT = 1, 2, 3, 4, 5, 6, 9, 19, 30
HIGH, LOW, TURNOVER, STATE, LIMIT_UP, LIMIT_DOWN = 33, 34, 37, 40, 47, 48
_LINE: Final = re.compile(rb'v_([a-z]{2}\d{6})="([^"\n]*)"')
_MARKETS: Final = {"SSE": "sh", "SZSE": "sz"}


class Tencent:
    """The format."""

    name = "tencent"
    batch = 60
    headers: Mapping[str, str] = {}

    def symbol(self, instrument: Instrument) -> str:
        """``sh600519``."""
        return _MARKETS[instrument.market] + instrument.code

    def address(self, base: str, symbols: Sequence[str]) -> str:
        """``…/q=sh600519,sz000001``."""
        return f"{base}/q={','.join(symbols)}"

    def lines(self, body: bytes) -> Iterator[tuple[str, bytes]]:
        """Each complete line's symbol and fields, undecoded."""
        if body.strip() and not body.lstrip().startswith(b"v_"):
            raise BadAnswer("The answer does not begin as Tencent's do.", remedy="Check quotes.url and what answers.")
        for match in _LINE.finditer(body):
            yield match[1].decode("ascii"), match[2]

    def quote(self, instrument: Instrument, line: bytes) -> Quote | None:
        """The quote; a line in another charset than GBK is tried as UTF-8."""
        if not line:
            return None
        fields = _fields(instrument.code, line)
        last, before, opened = figure(fields[LAST]), figure(fields[PREVIOUS]), figure(fields[OPEN])
        volume = int(figure(fields[VOLUME], LOT))
        at = moment(fields[AT], "%Y%m%d%H%M%S")
        status = _status(fields, volume, opened, at)
        return Quote(
            instrument,
            last if status == "trading" or last else before,
            before,
            opened,
            figure(fields[HIGH]),
            figure(fields[LOW]),
            volume,
            figure(fields[TURNOVER], TURNOVER_UNIT),
            at,
            status,
            listing_of(fields[NAME]),
            _limit(fields, LIMIT_UP),
            _limit(fields, LIMIT_DOWN),
        )


def _fields(code: str, line: bytes) -> list[str]:
    # A second byte of GBK may be "~": bytes are decoded before they are cut.
    for charset in ("gbk", "utf-8"):
        fields = line.decode(charset, "replace").split("~")
        if len(fields) >= FEWEST and fields[CODE] == code:
            return fields
    raise BadLine(f"{len(fields)} fields, and {code} is not where it should be")


def _status(fields: Sequence[str], volume: int, opened: Decimal, at: datetime.datetime) -> Status:
    if len(fields) > STATE and fields[STATE].strip().upper() == "S":
        return "suspended"
    if volume or opened:
        return "trading"
    return untraded(figure(fields[BID]), figure(fields[ASK]), at)


def _limit(fields: Sequence[str], place: int) -> Decimal | None:
    limit = figure(fields[place]) if len(fields) > place else Decimal(0)
    return limit if limit > 0 else None  # -1 in the days without limits
