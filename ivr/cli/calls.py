"""``ivr dial``, ``ivr calls``, ``ivr doctor``: looking at a running hotline, and calling it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import click

from ivr import config


@click.command()
@click.argument("number", required=False)
@click.option("--keys", help='Keys to press, one group per question: "1 600519#". "-" lets a question pass in silence.')
@click.option("--ahead", is_flag=True, help="Press all keys at once, before any prompt has ended.")
@click.option("--from", "caller", default="13800138000", show_default=True, help="Caller ID to show.")
@click.option("--wav", type=click.Path(dir_okay=False, path_type=Path), help="Where to keep what the caller heard.")
@click.option("--seconds", default=300.0, show_default=True, help="Hang up after this long, whatever happens.")
@click.option("--json", "as_json", is_flag=True, help="Print each happening as a JSON line.")
def dial(
    number: str | None, keys: str | None, ahead: bool, caller: str, wav: Path | None, seconds: float, as_json: bool
) -> None:
    """Call the running hotline at NUMBER with no telephone: what is said is printed as it is said.

    With --keys the call hangs up at the next question after the last key; without, keys are typed here (Enter sends
    them, Ctrl-D hangs up). What the caller heard is kept as a WAV file.

    \b
    ivr dial 95500 --keys "1 600519#"
    ivr dial 95500
    """
    sys.exit(asyncio.run(_dial(number, keys, ahead, caller, wav, seconds, as_json)))


async def _dial(
    number: str | None, keys: str | None, ahead: bool, caller: str, wav: Path | None, seconds: float, as_json: bool
) -> int:
    from ivr.cli.typed_keys import typed_keys
    from ivr.dial import Dialler, groups_of

    settings = config.load()

    def tell(kind: str, data: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps({"kind": kind, **data}, ensure_ascii=False))
            return
        match kind:
            case "call.started":
                click.echo(f"☎ {number} (from {caller})")
            case "said":
                click.echo(f"  {data['text']}")
            case "recording":
                click.echo("  (beep: your words are recorded)")
            case "recorded":
                click.echo(f"  > ({data['seconds']:g} s of sound)")
            case "keyed":
                click.echo(f"  > {data['keys'] or '(silence)'}")
            case "call.ended":
                click.echo(f"☎ ended by the {data['how']}")
            case "lost":
                click.echo("The controller went away.", err=True)
            case "timeout":
                click.echo(f"Hung up after {data['seconds']:g} s (--seconds).", err=True)

    number = number or settings.sip.number
    groups = groups_of(keys) if keys is not None else None
    recording = wav or Path(f"call-{number}.wav")
    async with typed_keys() as typed:
        dialled = await Dialler(settings, tell).call(
            number,
            typed if groups is None else groups,
            caller=caller,
            recording=recording,
            ahead=ahead,
            most_seconds=seconds,
        )
    if as_json:
        where = str(dialled.recording) if dialled.recording else None
        click.echo(json.dumps({"kind": "dialled", "call": dialled.call_id, "recording": where}))
    elif dialled.recording:
        click.echo(f"what the caller heard: {dialled.recording}")
    return 0 if dialled.call_id else 1


@click.command()
@click.option("--most", default=20, show_default=True, help="How many past calls to show.")
@click.option("--live", is_flag=True, help="Calls that are on the lines now, asked from Asterisk.")
@click.option("--call", "call_id", help="Everything that happened in one call.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per row.")
def calls(most: int, live: bool, call_id: str | None, as_json: bool) -> None:
    """Show calls: the latest, those on the lines now, or one of them step by step.

    \b
    ivr calls
    ivr calls --live
    ivr calls --call goldline-1a2b-1763757000.12
    """
    settings = config.load()
    if live:
        asyncio.run(_live_calls(settings, as_json))
    elif call_id:
        asyncio.run(_one_call(settings, call_id, as_json))
    else:
        asyncio.run(_latest_calls(settings, most, as_json))


async def _latest_calls(settings: config.Settings, most: int, as_json: bool) -> None:
    from db.calls import Calls
    from db.store import Store

    store = await Store.open(settings.database_url)
    try:
        records = await Calls(store).latest(most)
    finally:
        await store.close()
    rows = [
        {
            "call": record.id,
            "began": _moment(record.started_at, as_json),
            "caller": record.caller or "",
            "line": record.line or "",
            "language": record.language or "",
            "flow": f"{record.flow}@{record.version}" if record.flow else "",
            "ended": record.ended_how or "(going on)",
        }
        for record in records
    ]
    _show(rows, as_json, "No calls yet. Try: ivr dial")


def _moment(at: datetime.datetime, as_json: bool) -> str:
    """For machines in UTC, for people on the brokerage's own clock."""
    from db.customer import BROKERAGE_TIME

    return at.isoformat(timespec="seconds") if as_json else at.astimezone(BROKERAGE_TIME).strftime("%m-%d %H:%M:%S")


async def _one_call(settings: config.Settings, call_id: str, as_json: bool) -> None:
    from db.calls import Calls
    from db.store import Store

    store = await Store.open(settings.database_url)
    try:
        events = await Calls(store).events(call_id)
    finally:
        await store.close()
    rows = [
        {
            "at": event.at.isoformat(timespec="milliseconds"),
            "kind": event.kind,
            "data": dict(event.data) if as_json else json.dumps(dict(event.data), ensure_ascii=False),
        }
        for event in events
    ]
    _show(rows, as_json, f"There is no call {call_id}. `ivr calls` shows the latest.")


async def _live_calls(settings: config.Settings, as_json: bool) -> None:
    from ivr import contract
    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout
    from ivr.monitor import Monitor

    secrets = secrets_file.load(Layout(settings.run_dir).secrets_file)
    async with Monitor(
        host="127.0.0.1",
        port=settings.ports.at("ami"),
        username=contract.AMI_MONITOR,
        secret=secrets.ami_monitor,
    ) as monitor:
        rows = [dataclasses.asdict(call) for call in await monitor.live_calls()]
    _show(rows, as_json, "Nobody is on the lines.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per check.")
def doctor(as_json: bool) -> None:
    """Check Asterisk, ports, AMI, AGI, database, prompts, clock and disk, and say what to do about what is wrong."""
    from ivr.doctor import examine, is_well

    results = asyncio.run(examine(config.load()))
    for result in results:
        if as_json:
            click.echo(json.dumps(dataclasses.asdict(result), ensure_ascii=False))
        else:
            mark = {"ok": "✓", "warn": "!", "fail": "✗"}[result.status]
            click.echo(f"{mark} {result.check}: {result.what}" + (f"\n    {result.remedy}" if result.remedy else ""))
    sys.exit(0 if is_well(results) else 1)


def _show(rows: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    if not rows:
        click.echo(nothing)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for place, name in enumerate(rows[0]):
        table.add_column(name, overflow="fold", no_wrap=place == 0)  # the first names the row: to be copied
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    Console().print(table)
