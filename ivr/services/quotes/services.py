"""What a flow may ask about quotes: ``quotes.look_up`` (also ``_share``, ``_index``) by code, ``.tell`` and ``.more``
by symbol, ``.spelled`` by the keys of a name, ``.source``.

A symbol (``SH000001``, ``SZ000001``) names one instrument. Reads the board, which answers at once; waits for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from db.instruments import Instrument, Kind
from ivr.flow.service import AT_ONCE, Caller, Result, Service
from ivr.services.quotes.board import QuoteBoard, symbol_of
from ivr.services.quotes.model import HUNDREDTH, Quote
from ivr.services.quotes.spelling import SpelledNames
from ivr.services.quotes.words import state_of
from ivr.speech.values import Change, Code, Count, Day, Move, Name, Price, Time, Turnover, Value, Volume

QUOTE: Final = {
    "name": "name",
    "code": "code",
    "symbol": "code",
    "last": "price",
    "change": "change",
    "move": "move",
    "state": "name",  # limit-up, newly listed …; mostly nothing
    "at": "time",
}
OF_A_DAY: Final = {**QUOTE, "day": "day"}
EXITS: Final[Mapping[str, Mapping[str, str]]] = {
    "share": QUOTE,
    "index": QUOTE,
    "closed": OF_A_DAY,  # no trading now: say from when the price is
    "old": OF_A_DAY,  # the provider is silent or repeats itself: say so
    "suspended": {"name": "name", "code": "code", "last": "price"},
    "unknown": {"code": "code"},
    "unavailable": {},
}
WHICH: Final = {"share": "name", "index": "name"}  # one code, two instruments: ask
INPUTS: Final = {"code": "code"}
DAY: Final = {"name": "name", "open": "price", "high": "price", "low": "price", "previous": "price"}
MORE: Final[Mapping[str, Mapping[str, str]]] = {
    "share": {**DAY, "volume": "volume", "turnover": "turnover"},
    "index": {**DAY, "turnover": "turnover"},
    "not_traded": {"name": "name", "previous": "price"},
    "unavailable": {},
}
TOLD: Final = {name: values for name, values in EXITS.items() if name != "unknown"}
_TWO: Final = {"first": "name", "first_symbol": "code", "second": "name", "second_symbol": "code"}
_THREE: Final = {**_TWO, "third": "name", "third_symbol": "code"}
SPELLED: Final[Mapping[str, Mapping[str, str]]] = {
    **TOLD,
    "two": _TWO,
    "three": _THREE,
    "more": {**_THREE, "after": "count"},  # three, and others after them
    "none": {},
}
THOUSANDTH: Final = Decimal("0.001")
LONGEST: Final = -3  # powers of ten
PAGE: Final = 3  # names offered at once: nobody keeps more in mind
SYMBOL: Final = {"symbol": "code"}


def quote_services(board: QuoteBoard, names: SpelledNames) -> tuple[Service, ...]:
    """The services over one board and the names of its instruments."""

    async def look_up(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return find(board, _digits(inputs), {"share", "index"})

    async def look_up_share(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return find(board, _digits(inputs), {"share"})

    async def look_up_index(_: Caller, inputs: Mapping[str, Value]) -> Result:
        return find(board, _digits(inputs), {"index"})

    async def tell(_: Caller, inputs: Mapping[str, Value]) -> Result:
        instrument = board.of_symbol(_digits(inputs, "symbol"))
        return told(board, instrument) if instrument else Result("unavailable")

    async def more_(_: Caller, inputs: Mapping[str, Value]) -> Result:
        instrument = board.of_symbol(_digits(inputs, "symbol"))
        return more(board, instrument) if instrument else Result("unavailable")

    async def spelled(caller: Caller, inputs: Mapping[str, Value]) -> Result:
        after = inputs["after"]
        assert isinstance(after, Count)
        return spell(board, names, _digits(inputs, "keys"), caller.language, after.number)

    async def source(_: Caller, __: Mapping[str, Value]) -> Result:
        return Result("demonstration" if board.provider.demonstration else "live")

    share_exits = {name: values for name, values in EXITS.items() if name != "index"}
    index_exits = {name: values for name, values in EXITS.items() if name != "share"}
    return (
        Service("quotes.look_up", {**EXITS, "which": WHICH}, look_up, INPUTS, AT_ONCE),
        Service("quotes.look_up_share", share_exits, look_up_share, INPUTS, AT_ONCE),
        Service("quotes.look_up_index", index_exits, look_up_index, INPUTS, AT_ONCE),
        Service("quotes.tell", TOLD, tell, SYMBOL, AT_ONCE),
        Service("quotes.more", MORE, more_, SYMBOL, AT_ONCE),
        Service("quotes.spelled", SPELLED, spelled, {"keys": "code", "after": "count"}, AT_ONCE),
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
    return told(board, instrument)


def told(board: QuoteBoard, instrument: Instrument) -> Result:
    """What the board says of one instrument; never ``which`` or ``unknown``."""
    quote = board.quote(instrument)
    if quote is None:
        return Result("unavailable")
    if quote.status == "suspended":
        return Result("suspended", {**_named(instrument), "last": _price(instrument, quote.last)})
    freshness = board.freshness(instrument)
    if freshness == "live":
        return Result(instrument.kind, _told(quote))
    return Result(freshness, {**_told(quote), "day": Day(quote.exchange_time.date())})


def spell(board: QuoteBoard, names: SpelledNames, keys: str, language: str, after: int) -> Result:
    """What these keys spell, without the first ``after``: one is told at once, a few are offered."""
    if not names.ready:
        return Result("unavailable")
    found = names.find(keys, language)[max(after, 0) :]
    if not found:
        return Result("none")
    if len(found) == 1:
        return told(board, found[0])
    offered: dict[str, Value] = {}
    for word, instrument in zip(("first", "second", "third"), found, strict=False):
        offered |= {word: Name(instrument.names), f"{word}_symbol": Code(symbol_of(instrument))}
    if len(found) <= PAGE:
        return Result("two" if len(found) == 2 else "three", offered)
    return Result("more", {**offered, "after": Count(after + PAGE)})


def more(board: QuoteBoard, instrument: Instrument) -> Result:
    """The rest of the day's figures, as old as the price that was told before."""
    quote = board.quote(instrument)
    if quote is None:
        return Result("unavailable")
    named: dict[str, Value] = {
        "name": Name(instrument.names),
        "previous": _price(instrument, quote.previous_close),
    }
    if not (quote.open and quote.high and quote.low):
        return Result("not_traded", named)
    day: dict[str, Value] = {
        "open": _price(instrument, quote.open),
        "high": _price(instrument, quote.high),
        "low": _price(instrument, quote.low),
        "turnover": Turnover(quote.turnover),
    }
    if instrument.kind == "share":  # what an index's volume counts, nobody asks for on the telephone
        day["volume"] = Volume(quote.volume)
    return Result(instrument.kind, {**named, **day})


def _named(instrument: Instrument) -> dict[str, Value]:
    return {"name": Name(instrument.names), "code": Code(instrument.code)}


def _told(quote: Quote) -> dict[str, Value]:
    instrument = quote.instrument
    price = _price(instrument, quote.last)
    return {
        **_named(instrument),
        "symbol": Code(symbol_of(instrument)),
        "last": price,
        "change": Change(quote.change_percent),
        "move": Move(_price(instrument, quote.change).amount, quote.change_percent, price.unit),
        "state": state_of(quote),
        "at": Time(quote.exchange_time.time().replace(second=0, microsecond=0)),
    }


def _price(instrument: Instrument, amount: Decimal) -> Price:
    if instrument.kind == "index":  # some feeds have four decimals; nobody says more than two
        return Price(amount.quantize(HUNDREDTH), "points")
    exponent = amount.as_tuple().exponent
    long = isinstance(exponent, int) and exponent < LONGEST
    return Price(amount.quantize(THOUSANDTH) if long else amount, "yuan")  # ETFs are quoted to 0.001


def _digits(inputs: Mapping[str, Value], name: str = "code") -> str:
    code = inputs[name]
    if not isinstance(code, Code):
        raise TypeError(f"the input `{name}` is a {type(code).__name__}, not a Code")
    return code.digits
