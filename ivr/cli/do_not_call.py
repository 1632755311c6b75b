"""``ivr donotcall``: numbers that Goldline never calls."""

from __future__ import annotations

import asyncio
import csv
import datetime
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from ivr.cli.customers import EXIT_BAD_ROWS, open_store

if TYPE_CHECKING:
    from db.do_not_call import DoNotCallEntry
    from db.store import Store

T = TypeVar("T")

MOST_ROWS = 500_000  # of one file; a national list comes in parts
LONGEST_WHY = 200  # characters, as the store keeps them

_ACTOR = click.option("--actor", default="", metavar="NAME", help="Who does it, for the audit trail; default: you.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def donotcall() -> None:
    """Numbers that are never called, whoever asks for it. A customer's own wish stands with the customer.

    \b
    ivr donotcall add 13800138000 --why "said so in a call"
    ivr donotcall import national.csv --why "national list, November"
    ivr donotcall remove 13800138000 --why "asked for it in writing"
    """


@donotcall.command()
@click.argument("number")
@click.option("--why", required=True, metavar="TEXT", help="Why it is not called.")
@_ACTOR
@_JSON
def add(number: str, why: str, actor: str, as_json: bool) -> None:
    """Never call NUMBER.

    \b
    ivr donotcall add 13800138000 --why "said so in a call" --actor li.si
    """
    from db.do_not_call import DoNotCall, DoNotCallEntry
    from db.phone_numbers import canonical

    entry = DoNotCallEntry(canonical(number), _said(why))
    new = _do(lambda store: DoNotCall(store).add([entry], actor=_who(actor)))
    did = "is on the list" if new else "was on the list already"
    click.echo(json.dumps({"number": entry.number, "new": new}) if as_json else f"{entry.number} {did}.")


@donotcall.command()
@click.argument("number")
@click.option("--why", required=True, metavar="TEXT", help="Why it may be called again.")
@_ACTOR
@_JSON
def remove(number: str, why: str, actor: str, as_json: bool) -> None:
    """NUMBER may be called again.

    \b
    ivr donotcall remove 13800138000 --why "asked for it in writing"
    """
    from db.do_not_call import DoNotCall
    from db.phone_numbers import canonical

    stored = canonical(number)
    _do(lambda store: DoNotCall(store).remove(stored, actor=_who(actor), why=_said(why)))
    click.echo(json.dumps({"number": stored, "removed": True}) if as_json else f"{stored} may be called again.")


@donotcall.command("list")
@click.option("--most", default=100, show_default=True, help="How many, the newest first.")
@_JSON
def list_numbers(most: int, as_json: bool) -> None:
    """The list, the newest first.

    \b
    ivr donotcall list --most 1000 --json
    """
    from db.customer import BROKERAGE_TIME
    from db.do_not_call import DoNotCall

    found = _do(lambda store: DoNotCall(store).all(most))
    for one in found:
        row = asdict(one) | {"since": one.since.isoformat()}
        sentence = f"{one.number:16}  {one.since.astimezone(BROKERAGE_TIME):%Y-%m-%d}  {one.why}  (by {one.actor})"
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else sentence)
    if not found and not as_json:
        click.echo("The list is empty.", err=True)


@donotcall.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--why", default="", metavar="TEXT", help="For rows that give no reason of their own.")
@click.option("--dry-run", is_flag=True, help="List every bad row, write nothing.")
@_ACTOR
@_JSON
def import_(file: Path, why: str, dry_run: bool, actor: str, as_json: bool) -> None:
    """Put the numbers in FILE on the list.

    CSV in UTF-8 or GBK with the columns number, why, since; the first is enough. Numbers that are there stay as they
    are. When any row is bad, nothing is written. Exit code 0: done; 2: bad rows.

    \b
    ivr donotcall import national.csv --why "national list, November" --dry-run
    """
    from db.do_not_call import DoNotCall

    entries, faults = _read(file, why.strip())
    for line, what in faults:
        click.echo(
            json.dumps({"line": line, "what": what}, ensure_ascii=False) if as_json else f"{file}:{line}: {what}"
        )
    written = not dry_run and not faults
    new = _do(lambda store: DoNotCall(store).add(entries, actor=_who(actor))) if written else 0
    if as_json:
        click.echo(json.dumps({"rows": len(entries), "bad": len(faults), "new": new, "written": written}))
    elif written:
        click.echo(f"{len(entries):,} numbers, {new:,} of them new.")
    else:
        click.echo(f"{len(entries):,} good rows, {len(faults):,} bad. Nothing is written.")
    sys.exit(EXIT_BAD_ROWS if faults else 0)


def _read(file: Path, why: str) -> tuple[list[DoNotCallEntry], list[tuple[int, str]]]:
    from db.do_not_call import DoNotCallEntry
    from db.events import utcnow
    from db.phone_numbers import BadNumber, canonical
    from ivr.customers.customer_file import encoding_of

    text = file.read_text(encoding_of(file).name)
    rows = csv.DictReader(StringIO(text, newline=""))
    unknown = [name for name in rows.fieldnames or () if name not in ("number", "why", "since")]
    if "number" not in (rows.fieldnames or ()) or unknown:
        raise click.ClickException(f"{file}:1: the columns are number, why and since; the first must be there.")
    found: dict[str, DoNotCallEntry] = {}
    faults: list[tuple[int, str]] = []
    for row in rows:
        line, reason = rows.line_num, (row.get("why") or "").strip() or why
        try:
            number = canonical(row["number"] or "")
            since = _day(row.get("since") or "") or utcnow()
        except (BadNumber, ValueError) as error:
            faults.append((line, str(error)))
            continue
        if not reason or len(reason) > LONGEST_WHY:
            faults.append((line, f"why is missing or longer than {LONGEST_WHY} characters. Give --why for all rows."))
            continue
        found.setdefault(number, DoNotCallEntry(number, reason, since))
        if len(found) > MOST_ROWS:
            raise click.ClickException(f"{file} has more than {MOST_ROWS:,} numbers. Is it the right file?")
    return list(found.values()), faults


def _day(text: str) -> datetime.datetime | None:
    from db.customer import BROKERAGE_TIME

    if not text.strip():
        return None
    try:
        return datetime.datetime.combine(datetime.date.fromisoformat(text.strip()), datetime.time(), BROKERAGE_TIME)
    except ValueError:
        raise ValueError(f"{text!r} is no date. Write it like 2026-10-01.") from None


def _said(why: str) -> str:
    if not why.strip() or len(why.strip()) > LONGEST_WHY:
        raise click.UsageError(f"Say why, in at most {LONGEST_WHY} characters: it stands in the audit trail.")
    return why.strip()


def _who(actor: str) -> str:
    return actor.strip() or getpass.getuser()


def _do(work: Callable[[Store], Awaitable[T]]) -> T:
    async def with_store() -> T:
        async with open_store() as store:
            return await work(store)

    return asyncio.run(with_store())
