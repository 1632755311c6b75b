"""``ivr calendar``: the days on which the exchanges trade."""

from __future__ import annotations

import asyncio
import datetime
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from ivr.cli.customers import EXIT_BAD_ROWS, open_store

if TYPE_CHECKING:
    from db.store import Store
    from db.trading_calendar import TradingCalendar

T = TypeVar("T")

_ACTOR = click.option("--actor", default="", metavar="NAME", help="Who does it, for the audit trail; default: you.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
_YEAR = click.IntRange(1990, 2200)  # the exchanges opened in 1990


@click.group()
def calendar() -> None:
    """The days on which the exchanges trade: what was shipped, and what staff said over it.

    \b
    ivr calendar list
    ivr calendar import closed-2027.csv --year 2027 --dry-run
    ivr calendar set 2026-09-18 closed --why "typhoon signal"
    ivr calendar check
    """


@calendar.command("list")
@click.option("--year", type=_YEAR, help="Only this year.")
@click.option("--all", "every_day", is_flag=True, help="Every day; otherwise the closed weekdays and what staff set.")
@_JSON
def list_(year: int | None, every_day: bool, as_json: bool) -> None:
    """List the days.

    \b
    ivr calendar list --year 2027 --all --json
    """
    from db.closing_days import SATURDAY
    from db.trading_days import TradingDays

    async def read(store: Store) -> tuple[TradingCalendar, dict[datetime.date, str]]:
        table = TradingDays(store)
        return await table.calendar(), {one.day: one.actor for one in await table.edited()}

    known, actors = _do(read)
    for day in sorted(known.days):
        one = known.days[day]
        if year not in (None, day.year):
            continue
        usual = one.trading == (day.weekday() < SATURDAY)
        if usual and not every_day:
            continue
        if as_json:
            row = {"day": day.isoformat(), "trading": one.trading, "note": one.note, "by": actors.get(day, "shipped")}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            by = f"  (by {actors[day]})" if day in actors else ""
            click.echo(f"{day:%Y-%m-%d %a}  {'open  ' if one.trading else 'closed'}  {one.note}{by}")
    if not as_json:
        click.echo(f"{sum(one.trading for one in known.days.values())} trading days are known in all.", err=True)


@calendar.command("set")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("state", type=click.Choice(["open", "closed"]))
@click.option("--why", required=True, metavar="TEXT", help="For what; kept with the day and in the audit trail.")
@_ACTOR
@_JSON
def set_(day: datetime.datetime, state: str, why: str, actor: str, as_json: bool) -> None:
    """Say that the exchanges are open or closed on DAY. A running hotline takes it up within a minute.

    \b
    ivr calendar set 2026-09-18 closed --why "typhoon signal" --actor li.si
    """
    from db.closing_days import LONGEST_NAME
    from db.trading_days import TradingDays

    if not why.strip() or len(why.strip()) > LONGEST_NAME:
        raise click.UsageError(f"Say why, in at most {LONGEST_NAME} characters.")
    changed = _do(lambda store: TradingDays(store).set_day(day.date(), state == "open", why.strip(), actor=_who(actor)))
    if as_json:
        click.echo(json.dumps({"day": day.date().isoformat(), "trading": state == "open", "changed": changed}))
    else:
        click.echo(f"{day:%Y-%m-%d} is {state}." if changed else f"{day:%Y-%m-%d} was {state} already.")


@calendar.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", required=True, type=_YEAR, help="The year whose closing days these are.")
@click.option("--dry-run", is_flag=True, help="List what is wrong, write nothing.")
@_ACTOR
@_JSON
def import_(file: Path, year: int, dry_run: bool, actor: str, as_json: bool) -> None:
    """Take in a year: FILE lists its closing days, every other Monday to Friday is a trading day.

    CSV in UTF-8 or GBK with the columns first, last and name, as the exchanges announce it. What the table said of the
    year before is replaced. When anything is wrong, nothing is written. Exit code 0: done; 2: bad rows.

    \b
    first,last,name
    2026-10-01,2026-10-07,National Day
    """
    from db.closing_days import Fault, doubts, read_closures, year_of
    from db.trading_days import TradingDays
    from ivr.customers.customer_file import encoding_of

    closures, faults = read_closures(file.read_text(encoding_of(file).name))
    if not faults:
        faults = [Fault(1, what) for what in doubts(year, closures)]
    for one in faults:
        told = {"line": one.line, "what": one.what}
        click.echo(json.dumps(told, ensure_ascii=False) if as_json else f"{file}:{one.line}: {one.what}")
    days = year_of(year, closures)
    written = not faults and not dry_run
    if written:
        _do(lambda store: TradingDays(store).put_year(year, days, actor=_who(actor)))
    trading = sum(one.trading for one in days.values())
    if as_json:
        click.echo(json.dumps({"year": year, "trading_days": trading, "bad": len(faults), "written": written}))
    elif written:
        click.echo(f"{year} has {trading} trading days.")
    else:
        click.echo(f"{year} would have {trading} trading days; {len(faults)} faults. Nothing is written.")
    sys.exit(EXIT_BAD_ROWS if faults else 0)


@calendar.command()
@_JSON
def check(as_json: bool) -> None:
    """Is the calendar known far enough ahead, and does it fit the lines' holidays? Exit code 1 when not.

    \b
    ivr calendar check || mail -s "trading days" ops@example.com
    """
    from db.customer import brokerage_day
    from db.events import utcnow
    from db.trading_days import TradingDays
    from ivr import config
    from ivr.lines.load import FILE_NAME, read_lines
    from ivr.services.trading_days import REMEDY, at_odds

    settings = config.load()
    known = _do(lambda store: TradingDays(store).calendar())
    today = brokerage_day(utcnow())
    plan, _, _ = read_lines(settings.dialplans / FILE_NAME)
    odd = at_odds(known, plan.calendar.holidays, today) if plan else []
    warning = known.runs_out(today)
    until = known.known_until(today)
    if as_json:
        told = {"known_until": until.isoformat() if until else None, "warning": warning, "at_odds": odd}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        if until:
            click.echo(f"Known until {until}, {(until - today).days} days from now.")
        for what in odd:
            click.echo(f"{settings.dialplans.name}/{FILE_NAME}: {what}")
        if warning:
            click.echo(f"{warning} {REMEDY}")
    sys.exit(1 if warning or odd else 0)


def _who(actor: str) -> str:
    return actor.strip() or getpass.getuser()


def _do(work: Callable[[Store], Awaitable[T]]) -> T:
    async def with_store() -> T:
        async with open_store() as store:
            return await work(store)

    return asyncio.run(with_store())
