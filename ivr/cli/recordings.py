"""``ivr recordings``: recordings of talks: which there are, whether they are whole, taking one out, deleting them."""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr import config
from ivr.cli.customers import EXIT_AT_WORK, open_store

if TYPE_CHECKING:
    from db.recording import Recording
    from db.store import Store
    from ivr.recordings.folder import Folder

EXIT_FAULTS = 2  # some recordings are not as they should be

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def recordings() -> None:
    """Recordings of talks between callers and agents.

    \b
    ivr recordings list --call goldline-1a2b-1763757000.12
    ivr recordings verify
    ivr recordings export NAME talk.wav --actor li.si --why "complaint 12345678"
    """


@recordings.command("list")
@click.option("--call", default="", help="Of this call only.")
@click.option("--agent", default="", help="Of this agent only.")
@click.option("--most", default=50, show_default=True, help="How many, the latest first.")
@_JSON
def list_recordings(call: str, agent: str, most: int, as_json: bool) -> None:
    """The latest recordings.

    \b
    ivr recordings list
    ivr recordings list --agent 801 --json
    """
    found = asyncio.run(_listed(call, agent, most))
    for one in found:
        told = f"{one.seconds:7.1f} s" if one.state == "kept" else f"{one.state:>9}"
        _tell(one, f"{one.name}  {_when(one.began)}  {told}  {one.agent or '-':8}  {one.call or '-'}", as_json)
    if not found and not as_json:
        click.echo("No such recordings.", err=True)


async def _listed(call: str, agent: str, most: int) -> tuple[Recording, ...]:
    from db.recordings import Recordings

    async with open_store() as store:
        return await Recordings(store).listed(call=call, agent=agent, most=most)


@recordings.command()
@click.argument("name")
@_JSON
def show(name: str, as_json: bool) -> None:
    """All that is known of recording NAME.

    \b
    ivr recordings show 0123456789abcdef0123456789abcdef
    """
    one = asyncio.run(_shown(name))
    if as_json:
        _tell(one, "", as_json)
        return
    for field, value in asdict(one).items():
        if value not in ("", None):
            click.echo(f"{field:11} {_when(value) if isinstance(value, datetime.datetime) else value}")


async def _shown(name: str) -> Recording:
    from db.recordings import Recordings

    async with open_store() as store:
        return await Recordings(store).get(name)


@recordings.command()
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--actor", required=True, metavar="NAME", help="Who takes it out, for the audit trail.")
@click.option("--why", required=True, metavar="TEXT", help="What it is needed for.")
@_JSON
def export(name: str, file: Path, actor: str, why: str, as_json: bool) -> None:
    """Copy recording NAME to FILE, which must not be there. Written into the audit trail.

    Refused when the file is not what was recorded.

    \b
    ivr recordings export 0123456789abcdef0123456789abcdef talk.wav --actor li.si --why "complaint 12345678"
    """
    if not actor.strip() or not why.strip():
        raise click.UsageError("Say who you are and why: both stand in the audit trail.")
    one = asyncio.run(_export(name, file.absolute(), actor.strip(), why.strip()))
    click.echo(
        json.dumps({"name": name, "file": str(file), "sha256": one.sha256})
        if as_json
        else f"{file}: {one.seconds:.1f} s, SHA-256 {one.sha256}"
    )


async def _export(name: str, file: Path, actor: str, why: str) -> Recording:
    from ivr.recordings import release

    async with _opened() as (store, folder):
        return await release.export(store, folder, name, file, actor=actor, why=why)


@recordings.command()
@_JSON
def verify(as_json: bool) -> None:
    """Read every recording and compare it with its row. Changes nothing.

    Exit code 0: all are whole; 2: some are not, each told with its remedy.

    \b
    ivr recordings verify
    """
    sys.exit(asyncio.run(_verify(as_json)))


async def _verify(as_json: bool) -> int:
    from ivr.recordings.verification import Counts
    from ivr.recordings.verification import verify as each

    counts, faults = Counts(), 0
    async with _opened() as (store, folder):
        async for one in each(store, folder, counts):
            faults += 1
            if as_json:
                click.echo(json.dumps(asdict(one) | {"remedy": one.remedy}))
            else:
                click.echo(f"{one.name}: {one.what.replace('_', ' ')}. {one.remedy}")
    if as_json:
        click.echo(json.dumps(asdict(counts) | {"faults": faults}))
    else:
        click.echo(
            f"{counts.rows:,} recordings, {counts.files:,} files of {counts.bytes / 2**20:,.1f} MiB, {faults:,} faults."
        )
    return EXIT_FAULTS if faults else 0


@recordings.command()
@click.option("--dry-run", is_flag=True, help="Show which ones, delete nothing.")
@click.option("--actor", required=True, metavar="NAME", help="Who deletes, for the audit trail.")
@_JSON
def purge(dry_run: bool, actor: str, as_json: bool) -> None:
    """Delete the files that need be kept no more (ivr/recordings/retention.yaml). Their rows stay. Made for cron.

    Exit code 0: done; 2: some could not be deleted; 3: another purge is running.

    \b
    ivr recordings purge --dry-run --actor li.si
    30 3 * * *  cd /opt/goldline && .venv/bin/ivr recordings purge --actor cron
    """
    if not actor.strip():
        raise click.UsageError("Say who you are: it stands in the audit trail.")
    sys.exit(asyncio.run(_purge(dry_run, actor.strip(), as_json)))


async def _purge(dry_run: bool, actor: str, as_json: bool) -> int:
    from db.events import utcnow
    from db.exclusive import AlreadyAtWork, exclusively
    from db.recordings import Recordings
    from ivr.recordings import release

    deleted = failed = 0
    async with _opened() as (store, folder):
        try:
            async with exclusively(store, "recordings"):
                if dry_run:
                    for one in await Recordings(store).due(utcnow(), most=sys.maxsize):
                        deleted += 1
                        _tell(one, f"{one.name}  {_when(one.began)}  kept until {_when(one.kept_until)}", as_json)
                else:
                    async for one, fault in release.purge(store, folder, actor=actor, now=utcnow()):
                        deleted += not fault
                        failed += bool(fault)
                        if fault:
                            click.echo(f"{one.name} cannot be deleted: {fault}.", err=True)
        except AlreadyAtWork as error:
            click.echo(str(error), err=True)
            return EXIT_AT_WORK
    if as_json:
        click.echo(json.dumps({"deleted": 0 if dry_run else deleted, "due": deleted + failed, "failed": failed}))
    else:
        click.echo(f"{deleted:,} would be deleted." if dry_run else f"{deleted:,} deleted, {failed:,} could not be.")
    return EXIT_FAULTS if failed else 0


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Store, Folder]]:
    from ivr.asterisk.layout import Layout
    from ivr.recordings.folder import Folder

    async with open_store() as store:
        yield store, Folder.below(Layout(config.load().run_dir).recordings_dir)


def _tell(one: Recording, sentence: str, as_json: bool) -> None:
    click.echo(json.dumps(asdict(one), default=_as_text, ensure_ascii=False) if as_json else sentence)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _when(moment: datetime.datetime) -> str:
    from db.customer import BROKERAGE_TIME

    return f"{moment.astimezone(BROKERAGE_TIME):%Y-%m-%d %H:%M:%S}"
