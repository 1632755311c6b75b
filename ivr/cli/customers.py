"""``ivr customers``: import and export, branches, one customer's PIN."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr import config

if TYPE_CHECKING:
    from db.store import Store
    from ivr.customers.fault import Fault

EXIT_BAD_ROWS = 2  # some rows were bad: nothing was written, or only the good ones
EXIT_AT_WORK = 3  # another process does the same work


@click.group()
def customers() -> None:
    """Customers: import, export, branches, PINs.

    \b
    ivr customers import new.csv --dry-run     what is wrong in it, and what it would change
    ivr customers import new.csv
    ivr customers export all.csv
    """


@customers.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="List every bad row, count what would change, write nothing.")
@click.option("--good-rows-only", is_flag=True, help="Leave bad rows out instead of refusing the file.")
@click.option("--by", default="", help="Who imports, for the audit trail; default: you.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per bad row, and one at the end.")
def import_(file: Path, dry_run: bool, good_rows_only: bool, by: str, as_json: bool) -> None:
    """Bring the customers to what FILE (CSV, UTF-8 or GBK) says, by account number.

    Columns that the file lacks are left alone; importing twice is importing once. When any row is bad, nothing is
    written. Exit code 0: done; 2: bad rows; 3: another import is running.

    \b
    ivr customers import new.csv --dry-run
    ivr customers import new.csv --good-rows-only
    """
    sys.exit(asyncio.run(_import(file, dry_run, good_rows_only, by or getpass.getuser(), as_json)))


async def _import(path: Path, dry_run: bool, good_rows_only: bool, actor: str, as_json: bool) -> int:
    from db.branches import Branches
    from db.customer import brokerage_day
    from db.events import utcnow
    from db.exclusive import AlreadyAtWork, exclusively
    from ivr.customers.columns import Context
    from ivr.customers.customer_file import CustomerFile
    from ivr.customers.importing import compare, survey, write

    def tell(fault: Fault) -> None:
        click.echo(json.dumps(asdict(fault), ensure_ascii=False) if as_json else f"{path}:{fault}")

    async with open_store() as store:
        try:
            async with exclusively(store, "customers"):
                branches = frozenset(branch.code for branch in await Branches(store).all())
                file = CustomerFile(path, Context(branches, brokerage_day(utcnow())))
                if not as_json:
                    click.echo(f"{path} is {file.encoding.said}, with {', '.join(file.columns)}", err=True)
                with _bar(f"checking {path.name}", file.size) as tick:
                    found = survey(file, tell, tick)
                refused = found.bad > 0 and not good_rows_only
                outcome: dict[str, Any] = {}
                if not refused or dry_run:
                    step, what = (compare, "comparing") if dry_run else (write, "importing")
                    with _bar(f"{what} {path.name}", file.size) as tick:
                        outcome = asdict(await step(store, file, actor=actor, tick=tick))
        except AlreadyAtWork as error:
            click.echo(str(error), err=True)
            return EXIT_AT_WORK
    written = not dry_run and not refused
    if as_json:
        summary = {"encoding": file.encoding.said, "rows": found.rows, "bad": found.bad, "written": written, **outcome}
        click.echo(json.dumps(summary))
    else:
        click.echo(_sentence(found.rows, found.bad, outcome, dry_run, refused))
    return EXIT_BAD_ROWS if found.bad else 0


def _sentence(rows: int, bad: int, outcome: dict[str, Any], dry_run: bool, refused: bool) -> str:
    looked = f"{rows:,} rows, {bad:,} bad"
    if not outcome:
        return f"{looked}: nothing is written. Mend them, or take the good ones with --good-rows-only."
    counts = f"{outcome['new']:,} new, {outcome['changed']:,} changed, {outcome['unchanged']:,} unchanged"
    if not dry_run:
        return f"{looked}. Imported: {counts} ({outcome['tiers']:,} changes of tier)."
    refusal = " As long as there are bad rows, an import writes nothing without --good-rows-only." if refused else ""
    counts += f" ({outcome['tiers']:,} changes of tier)"
    return f"{looked}. Dry run, nothing is written; the good rows: {counts}.{refusal}"


@customers.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--by", default="", help="Who exports, for the audit trail; default: you.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line at the end.")
def export_(file: Path, by: str, as_json: bool) -> None:
    """Write all customers into FILE as CSV (UTF-8), readable for you alone. PINs are never in it.

    \b
    ivr customers export all.csv
    """
    asyncio.run(_export(file, by or getpass.getuser(), as_json))


async def _export(path: Path, actor: str, as_json: bool) -> None:
    from db.customers import Customers
    from ivr.customers.exporting import export

    async with open_store() as store:
        with _bar(f"writing {path.name}", await Customers(store).count()) as tick:
            count = await export(store, path, actor=actor, tick=tick)
    click.echo(json.dumps({"file": str(path), "customers": count}) if as_json else f"{count:,} customers in {path}")


@customers.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def branches(file: Path) -> None:
    """Add the branches in FILE (CSV: code,name_zh,name_en,number,address), or bring them to what it says.

    \b
    ivr customers branches branches.csv
    """
    asyncio.run(_branches(file))


async def _branches(path: Path) -> None:
    from db.branches import Branches
    from ivr.customers.branch_file import read_branches

    found = read_branches(path)
    async with open_store() as store:
        await Branches(store).put(found)
    click.echo(f"{len(found)} branches from {path}")


@customers.command()
@click.argument("account")
@click.option("--remove", is_flag=True, help="Take the PIN away; the account cannot be proven until a new one is set.")
@click.option("--by", default="", help="Who does it, for the audit trail; default: you.")
def pin(account: str, remove: bool, by: str) -> None:
    """Set the PIN of ACCOUNT. It is typed twice and not shown; it stands in no file and cannot be read back.

    \b
    ivr customers pin 900000000001
    """
    chosen = "" if remove else click.prompt("PIN (6 digits)", hide_input=True, confirmation_prompt="Again")
    asyncio.run(_pin(account, chosen, by or getpass.getuser()))


async def _pin(account: str, chosen: str, actor: str) -> None:
    from db.pins import Pins
    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout
    from ivr.identity.keys import pepper

    secrets = secrets_file.load(Layout(config.load().run_dir).secrets_file)
    async with open_store() as store:
        pins = Pins(store, pepper(secrets.identity_key.encode()))
        try:
            if chosen:
                await pins.set_pin(account, chosen, actor=actor)
            else:
                await pins.remove_pin(account, actor=actor)
        finally:
            pins.close()
    click.echo("The PIN is set." if chosen else "The account has no PIN now.")


@asynccontextmanager
async def open_store() -> AsyncIterator[Store]:
    """The store of the settings, with its tables as this version wants them."""
    from db.store import Store

    store = await Store.open(config.load().database_url)
    try:
        await store.migrate()
        yield store
    finally:
        await store.close()


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on the terminal's error stream, moved to what it is told; nothing when that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=max(total, 1))
        yield lambda done: progress.update(task, completed=done)
        progress.update(task, completed=max(total, 1))
