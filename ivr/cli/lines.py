"""``ivr lines``: which number is which line, is the file right, and how many lines are needed."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr import config
from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from ivr.lines.model import LinePlan
    from ivr.lines.traffic import BusyHour

ERLANG_B = "B(0) = 1, B(n) = A x B(n-1) / (n + A x B(n-1)); the least n with B(n) at or below the target"
HEALTH_SECONDS = 2.0  # a controller that takes longer to say how it is, is none to ask
BESIDE = 2  # how many figures are shown on either side of the answer


@click.group()
def lines() -> None:
    """The lines: which number is which, whether they are open, and how many are needed.

    \b
    ivr lines show
    ivr lines check
    ivr lines callbacks list
    ivr lines plan --traffic 380 --blocking 0.01 --plot lines.svg
    ivr lines plan --from-journal --days 30
    """


@lines.command()
@click.option("--at", "moment", help='Judge by this moment, in the file\'s time zone: "2026-10-01 10:00".')
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def show(moment: str | None, as_json: bool) -> None:
    """Show the lines: number, name, flow, whether they are open now, and who is up if the hotline runs.

    \b
    ivr lines show --at "2026-10-01 10:00"
    """
    settings = config.load()
    plan = _plan_of(settings)
    at = _moment(moment, plan)
    rows = [
        {
            "line": line.id,
            "numbers": ", ".join(line.numbers),
            "name": line.name,
            "flow": line.flow,
            "trunks": line.trunks,
            "for": line.channel if line.tier == "normal" else f"{line.channel}, {line.tier}",
            "hours": line.hours.name,
            "open": "yes" if plan.open_at(line, at) else "no",
        }
        for line in plan.lines.values()
    ]
    now = asyncio.run(_lines_now(settings))
    if as_json:
        for row, line in zip(rows, plan.lines.values(), strict=True):
            trunks = next((group for group in now if group["trunks"] == line.trunks), None)
            told = {**row, "numbers": line.numbers, "open": row["open"] == "yes", "trunks_now": trunks}
            click.echo(json.dumps(told, ensure_ascii=False))
        return
    _table(rows)
    click.echo(f"{plan.calendar.kind_of(at.date())} {at:%Y-%m-%d %H:%M} {plan.zone.key}")
    if now:
        click.echo()
        _table([{name: str(value) for name, value in group.items()} for group in now])
    else:
        click.echo("No controller runs here: nobody is up.")


@lines.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(directory: Path | None, as_json: bool) -> None:
    """Check lines.yaml in DIRECTORY (dialplans/ when left out): every problem with its file, line and remedy."""
    from ivr.flow.library import read_all
    from ivr.lines.check import calendar_runs_out, checked_lines
    from ivr.services.offline import offline_services
    from ivr.speech.catalogue import Catalogue

    settings = config.load()
    directory = directory or settings.dialplans
    prompts = Catalogue.load(settings.prompts)
    flows, _, _ = read_all(directory, prompts, asyncio.run(offline_services()))
    plan, problems = checked_lines(directory, flows.flows, prompts)
    note = calendar_runs_out(plan, datetime.datetime.now(plan.zone).date()) if plan else None
    if as_json:
        found = sorted(plan.lines) if plan else []
        click.echo(
            json.dumps({"lines": found, "problems": [str(one) for one in problems], "note": note}, ensure_ascii=False)
        )
    else:
        for problem in problems:
            click.echo(str(problem))
        if note:
            click.echo(f"Note: {note}")
        click.echo(f"{len(plan.lines) if plan else 0} lines read, {len(problems)} problems.")
    sys.exit(1 if problems else 0)


@lines.group()
def callbacks() -> None:
    """Callers who got no line and left their number.

    \b
    ivr lines callbacks list
    ivr lines callbacks done 17 --actor wang.fang
    """


@callbacks.command("list")
@click.option("--all", "done_too", is_flag=True, help="Also those that are done.")
@click.option("--most", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def list_(done_too: bool, most: int, as_json: bool) -> None:
    """List who wants to be called back, those who have waited longest first.

    \b
    ivr lines callbacks list --all --json
    """
    found = asyncio.run(_callbacks(config.load(), done_too, most))
    if as_json:
        for one in found:
            click.echo(json.dumps(one, ensure_ascii=False))
    elif found:
        _table([{name: "" if value is None else str(value) for name, value in one.items()} for one in found])
    else:
        click.echo("Nobody waits to be called back.")


@callbacks.command()
@click.argument("callback", metavar="ID", type=click.IntRange(1))
@click.option("--actor", required=True, help="Who called, or decided that no call is needed; kept in the audit trail.")
def done(callback: int, actor: str) -> None:
    """Note that ID was called back.

    \b
    ivr lines callbacks done 17 --actor wang.fang
    """
    asyncio.run(_done(config.load(), callback, actor))
    click.echo(f"Callback {callback} is done.")


@lines.command("plan")
@click.option(
    "--traffic", type=click.FloatRange(min=0, max=50_000), help="Offered traffic of the busy hour, in erlangs."
)
@click.option("--from-journal", is_flag=True, help="Measure it, for each trunk group, from the calls that were.")
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="… of so many days.")
@click.option(
    "--blocking",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="The share of calls that may find no line.",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw blocking against lines as SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def plan_(
    traffic: float | None, from_journal: bool, days: int, blocking: float, plot: Path | None, as_json: bool
) -> None:
    """How many lines are needed, by Erlang B.

    \b
    ivr lines plan --traffic 380
    ivr lines plan --from-journal --days 90 --blocking 0.005 --plot lines.svg
    """
    if from_journal == (traffic is not None):
        raise click.UsageError("Say either --traffic ERLANGS or --from-journal.")
    if traffic is not None:
        answers = [_answer("given", traffic, blocking)]
    else:
        settings = config.load()
        plan = _plan_of(settings)
        hours = asyncio.run(_busy_hours(settings, plan, days))
        if not hours:
            raise GoldlineError(
                f"The journal knows of no ended call in {days} days.", remedy="Use --traffic, or a larger --days."
            )
        answers = [
            {
                **_answer(group, hour.offered, blocking),
                "there": plan.trunks[group].group.lines,
                "busy_hour": dataclasses.asdict(hour),
            }
            for group, hour in hours.items()
        ]
    if plot:
        from ivr.lines.plot import blocking_svg

        curves = {f"{answer['group']}: {answer['erlangs']:.1f} erlangs": answer["erlangs"] for answer in answers}
        plot.write_text(blocking_svg(curves, blocking), "utf-8")
    if as_json:
        click.echo(json.dumps({"formula": ERLANG_B, "plans": answers}, ensure_ascii=False, default=str))
        return
    for answer in answers:
        _tell(answer, blocking)
    if plot:
        click.echo(str(plot))


async def _callbacks(settings: config.Settings, done_too: bool, most: int) -> list[dict[str, Any]]:
    from db.callbacks import Callbacks
    from db.phone_numbers import spoken_form
    from db.store import Store

    store = await Store.open(settings.database_url)
    try:
        await store.check_schema()
        known = Callbacks(store)
        found = await known.all(most) if done_too else await known.open(most)
    finally:
        await store.close()
    return [
        {
            "id": one.id,
            "number": spoken_form(one.wish.number),
            "asked_at": one.wish.asked_at.astimezone().isoformat(sep=" ", timespec="minutes"),
            "line": one.wish.line,
            "language": one.wish.language,
            "customer": one.wish.customer,
            "call": one.wish.call_id,
            "state": one.state,
            "done_by": one.done_by,
        }
        for one in found
    ]


async def _done(settings: config.Settings, callback: int, actor: str) -> None:
    from db.callbacks import Callbacks
    from db.store import Store

    store = await Store.open(settings.database_url)
    try:
        await store.check_schema()
        await Callbacks(store).done(callback, actor=actor)
    finally:
        await store.close()


async def _lines_now(settings: config.Settings) -> list[dict[str, Any]]:
    """By trunk group: free lines, who leaves a number, the calls of each class; nothing without a controller."""
    import aiohttp

    from ivr.lines.allocation import CLASSES

    timeout = aiohttp.ClientTimeout(total=HEALTH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"http://127.0.0.1:{settings.ports.at('http')}/health") as answer,
        ):
            now = (await answer.json())["lines"]
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError):
        return []
    return [
        {
            "trunks": group,
            "free": free,
            "leaving_number": now["leaving_number"].get(group, 0),
            **now["up"].get(group, dict.fromkeys(CLASSES, 0)),
        }
        for group, free in now["free"].items()
    ]


def _answer(group: str, traffic: float, target: float) -> dict[str, Any]:
    from ivr.lines.blocking import erlang_b_list, lines_needed

    needed = lines_needed(traffic, target)
    blocking = erlang_b_list(traffic, needed + BESIDE)
    nearby = {lines: blocking[lines] for lines in range(max(needed - BESIDE, 0), needed + BESIDE + 1)}
    return {
        "group": group,
        "erlangs": traffic,
        "target": target,
        "lines": needed,
        "blocking": blocking[needed],
        "nearby": nearby,
    }


def _tell(answer: Mapping[str, Any], target: float) -> None:
    from ivr.lines.traffic import FORMULA

    if "busy_hour" in answer:
        hour = answer["busy_hour"]
        click.echo(
            f"{answer['group']}: busiest hour from {hour['begins'].astimezone():%Y-%m-%d %H:%M}: "
            f"{hour['served']} calls of {hour['holding_seconds']:.0f} s on average, {hour['refused']} refused; "
            f"{hour['carried']:.2f} erlangs carried, {hour['offered']:.2f} offered"
        )
        click.echo(f"  {FORMULA}")
    there = f" (there are {answer['there']})" if "there" in answer else ""
    click.echo(f"{answer['erlangs']:.2f} erlangs, at most {target:.3%} refused: {answer['lines']} lines{there}")
    for lines_, blocking in answer["nearby"].items():
        mark = "→" if lines_ == answer["lines"] else " "
        click.echo(f"  {mark} {lines_:>5} lines  {blocking:9.4%} refused")
    click.echo(f"  Erlang B: {ERLANG_B}")


async def _busy_hours(settings: config.Settings, plan: LinePlan, days: int) -> dict[str, BusyHour]:
    from db.calls import Calls
    from db.events import utcnow
    from db.store import Store
    from ivr.lines.traffic import TrafficMeter

    meters: dict[str, TrafficMeter] = {}
    until = utcnow()
    store = await Store.open(settings.database_url)
    try:
        async for span in Calls(store).spans(until - datetime.timedelta(days=days), until):
            if line := plan.line_of(span.line):
                meters.setdefault(line.trunks, TrafficMeter()).add(span.began, span.ended, span.how)
    finally:
        await store.close()
    hours = {group: meter.busiest() for group, meter in sorted(meters.items())}
    return {group: hour for group, hour in hours.items() if hour}


def _plan_of(settings: config.Settings) -> LinePlan:
    from ivr.lines.errors import LinesInvalid
    from ivr.lines.load import FILE_NAME, read_lines

    plan, problems, _ = read_lines(settings.dialplans / FILE_NAME, f"{settings.dialplans.name}/{FILE_NAME}")
    if plan is None:
        raise LinesInvalid(problems)
    return plan


def _moment(text: str | None, plan: LinePlan) -> datetime.datetime:
    if text is None:
        return datetime.datetime.now(plan.zone)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter('write it like "2026-10-01 10:00"', param_hint="--at") from None
    return moment.astimezone(plan.zone) if moment.tzinfo else moment.replace(tzinfo=plan.zone)


def _table(rows: list[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row.values()))
    Console().print(table)
