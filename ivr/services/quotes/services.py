"""What a flow may ask about quotes: ``quotes.look_up``, ``.look_up_share``, ``.look_up_index``, ``.source``.

Reads the board, which answers at once; waits for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from db.instruments import Instrument, Kind
from ivr.flow.service import AT_ONCE, Caller, Result, Service
from ivr.services.quotes.board import QuoteBoard
from ivr.services.quotes.model import Quote
from ivr.speech.values import Change, Code, Date, Name, Price, Time, Value

QUOTE: Final = {"name": "name", "code": "code", "last": "price", "change": "change", "at": "time"}
EXITS: Final[Mapping[str, Mapping[str, str]]] = {
    "share": QUOTE,
    "index": QUOTE,
    "old": {**QUOTE, "day": "date"},  # the provider is silent: say from when the price is
    "suspended": {"name": "name", "code": "code"},
    "unknown": {"code": "code"},
    "unavailable": {},
}
WHICH: Final = {"share": "name", "index": "name"}  # one code, two instruments: ask
INPUTS: Final = {"code": "code"}


def quote_services(board: QuoteBoard) -> tuple[Service, ...]:
    """The services over one board."""

    async def look_up(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return find(board, _digits(inputs), {"share", "index"})

    async def look_up_share(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return find(board, _digits(inputs), {"share"})

    async def look_up_index(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return find(board, _digits(inputs), {"index"})

    async def source(_: Caller, __: Mapping[str, Value]) -> Result:
        return Result("demonstration" if board.provider.demonstration else "live")

    share_exits = {name: values for name, values in EXITS.items() if name != "index"}
    index_exits = {name: values for name, values in EXITS.items() if name != "share"}
    return (
        Service("quotes.look_up", {**EXITS, "which": WHICH}, look_up, INPUTS, AT_ONCE),
        Service("quotes.look_up_share", share_exits, look_up_share, INPUTS, AT_ONCE),
        Service("quotes.look_up_index", index_exits, look_up_index, INPUTS, AT_ONCE),
        Service("quotes.source", {"live": {}, "demonstration": {}}, source, seconds=AT_ONCE),
    )


def find(board: QuoteBoard, code: str, kinds: set[Kind]) -> Result:
    """What the board says of a code, looking at instruments of these kinds only."""
    if not board.size:
        return Result("unavailable")
    found = {instrument.kind: instrument for instrument in board.find(code) if instrument.kind in kinds}
    if not found:
        return Result("unknown", {"code": Code(code)})
    if len(found) > 1:
        return Result("which", {kind: Name(instrument.names) for kind, instrument in found.items()})
    (instrument,) = found.values()
    quote = board.quote(instrument)
    if quote is None:
        return Result("unavailable")
    if quote.status == "suspended":
        return Result("suspended", _named(instrument))
    if board.is_old(instrument):
        return Result("old", {**_told(quote), "day": Date(quote.exchange_time.date())})
    return Result(instrument.kind, _told(quote))


def _named(instrument: Instrument) -> dict[str, Value]:
    return {"name": Name(instrument.names), "code": Code(instrument.code)}


def _told(quote: Quote) -> dict[str, Value]:
    instrument = quote.instrument
    return {
        **_named(instrument),
        "last": Price(quote.last, "points" if instrument.kind == "index" else "yuan"),
        "change": Change(quote.change_percent),
        "at": Time(quote.exchange_time.time().replace(second=0, microsecond=0)),
    }


def _digits(inputs: Mapping[str, Value]) -> str:
    code = inputs["code"]
    if not isinstance(code, Code):
        raise TypeError(f"the input `code` is a {type(code).__name__}, not a Code")
    return code.digits
