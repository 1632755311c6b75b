"""``ivr quotes``: what the provider says now, which names some keys spell, and the list of instruments."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr import config
from ivr.cli.customers import EXIT_BAD_ROWS, open_store

if TYPE_CHECKING:
    from db.instruments import Instrument
    from ivr.services.quotes.board import QuoteBoard

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def quotes() -> None:
    """Quotes: try the provider, spell a name, take in instruments.

    \b
    ivr quotes show 600519 000001
    ivr quotes spell gzmt
    ivr quotes import instruments.csv --dry-run
    """


@quotes.command()
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@_JSON
def show(codes: tuple[str, ...], as_json: bool) -> None:
    """Ask the provider in the settings once, and show what it says of these codes. Exit code 1: of some, nothing.

    \b
    GOLDLINE_QUOTES__PROVIDER=csv GOLDLINE_QUOTES__FILE=q.csv ivr quotes show 600519
    """
    rows = asyncio.run(_show(config.load(), codes))
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    else:
        for row in rows:
            told = (
                f"{row['last']:>10}  {row['percent']:>7} %  {row['at']}  {row['state']}"
                if row["last"]
                else row["state"]
            )
            click.echo(f"{row['code']} {row['market']:5} {row['name']:12}  {told}")
    sys.exit(0 if all(row["last"] for row in rows) else 1)


async def _show(settings: config.Settings, codes: tuple[str, ...]) -> list[dict[str, Any]]:
    from db.instruments import Instruments

    rows: list[dict[str, Any]] = []
    async with open_store() as store:
        listed = await Instruments(store).all()
    wanted = tuple(one for one in listed if one.code in codes)
    board = await _asked(settings, wanted) if wanted else None
    for code in codes:
        found = [one for one in wanted if one.code == code]
        if not found or board is None:
            rows.append({"code": code, "market": "", "name": "", "last": "", "state": "no such instrument"})
        else:
            rows += [_row(board, one) for one in found]
    return rows


async def _asked(settings: config.Settings, instruments: tuple[Instrument, ...]) -> QuoteBoard:
    from db import demo
    from db.events import utcnow
    from db.trading_days import TradingDays
    from ivr.services.quotes import sessions
    from ivr.services.quotes.board import QuoteBoard
    from ivr.services.quotes.choice import Source, open_provider
    from ivr.services.quotes.demo import DemoQuoteProvider
    from ivr.services.quotes.sessions import Exchange

    async def read() -> tuple[Instrument, ...]:
        return instruments

    async with open_store() as store:
        calendar = await TradingDays(store).calendar()
    source = Source(**settings.quotes.source())
    provider = open_provider(source, lambda: DemoQuoteProvider(demo.references(), clock=utcnow))
    board = QuoteBoard(provider, read, exchange=Exchange(sessions.read(), lambda: calendar, utcnow))
    try:
        await board.refresh()
    finally:
        await provider.close()
    return board


def _row(board: QuoteBoard, instrument: Instrument) -> dict[str, Any]:
    from ivr.services.quotes.words import state_of

    quote = board.quote(instrument)
    named = {"code": instrument.code, "market": instrument.market, "name": instrument.name_zh}
    if quote is None:
        return {**named, "last": "", "state": "the provider says nothing of it, or nothing that can be true"}
    state = "suspended" if quote.status == "suspended" else state_of(quote).by_language["en"]
    return {
        **named,
        "last": str(quote.last),
        "percent": str(quote.change_percent),
        "open": str(quote.open),
        "high": str(quote.high),
        "low": str(quote.low),
        "volume": quote.volume,
        "turnover": str(quote.turnover),
        "at": quote.exchange_time.strftime("%Y-%m-%d %H:%M:%S"),
        "state": ", ".join(word for word in (board.freshness(instrument), state) if word),
    }


@quotes.command()
@click.argument("letters")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@_JSON
def spell(letters: str, language: str, as_json: bool) -> None:
    """Which instruments LETTERS (or their keys) find, in the order in which a caller hears them.

    \b
    ivr quotes spell gzmt
    ivr quotes spell 668824 --language en
    """
    from db.instruments import Instruments
    from ivr.services.quotes.spelling import SpelledNames, keys_of
    from ivr.speech.initials import initials_of

    async def find() -> tuple[Instrument, ...]:
        async with open_store() as store:
            listed = await Instruments(store).all()
        names = SpelledNames(initials_of)
        await names.learn(listed)
        return names.find(keys_of(letters), language)

    for one in asyncio.run(find()):
        row = {"code": one.code, "market": one.market, "name_zh": one.name_zh, "name_en": one.name_en}
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else "  ".join(row.values()))


@quotes.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="List every bad row, write nothing.")
@_JSON
def import_(file: Path, dry_run: bool, as_json: bool) -> None:
    """Add the instruments in FILE, or bring those with the same code and market to what it says.

    CSV in UTF-8 or GBK with the columns code, market (SSE, SZSE), kind (share, index), name_zh, name_en. When any row
    is bad, nothing is written. A running hotline knows new ones within a minute. Exit code 0: done; 2: bad rows.

    \b
    ivr quotes import instruments.csv --dry-run
    """
    from db.instruments import Instruments
    from ivr.customers.customer_file import encoding_of
    from ivr.services.quotes.instrument_file import read_instruments

    found, faults = read_instruments(file.read_text(encoding_of(file).name))
    for one in faults:
        told = {"line": one.line, "what": one.what}
        click.echo(json.dumps(told, ensure_ascii=False) if as_json else f"{file}:{one.line}: {one.what}")
    written = not faults and not dry_run

    async def put() -> None:
        async with open_store() as store:
            await Instruments(store).put(found)

    if written:
        asyncio.run(put())
    if as_json:
        click.echo(json.dumps({"rows": len(found), "bad": len(faults), "written": written}))
    else:
        click.echo(f"{len(found):,} instruments, {len(faults):,} bad rows.{'' if written else ' Nothing is written.'}")
    sys.exit(EXIT_BAD_ROWS if faults else 0)
