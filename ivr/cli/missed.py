"""``ivr missed``: callers whose calls were missed: who they are, who calls them back, what came of it."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ivr.cli.customers import open_store

if TYPE_CHECKING:
    from db.missed import MissedCaller
    from db.store import Store

T = TypeVar("T")

OUTCOMES = ("reached", "no_answer", "wrong_number")
LEASE_MINUTES = 10  # for a call and what is to be written after it
REPORT_DAYS = 7

_AGENT = click.option("--agent", required=True, metavar="AGENT", help="Who calls back.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def missed() -> None:
    """Callers who were missed: hung up in the queue, got no line, were cut off, or never were called back.

    \b
    ivr missed list                                    in the order in which they are to be called
    ivr missed take --agent 801                        the next one is yours for ten minutes
    ivr missed done 12 --agent 801 --outcome reached
    """


@missed.command("list")
@click.option("--most", default=100, show_default=True, help="How many.")
@_JSON
def list_missed(most: int, as_json: bool) -> None:
    """Who is still to be called back, who comes first first.

    \b
    ivr missed list
    ivr missed list --json
    """
    from db.missed import MissedCallers

    found = _do(lambda store: MissedCallers(store).open(most))
    for one in found:
        _tell(one, _line(one), as_json)
    if not found and not as_json:
        click.echo("Nobody: everyone who was missed has been reached.", err=True)


@missed.command()
@click.argument("entry", type=int, required=False)
@_AGENT
@click.option("--minutes", default=LEASE_MINUTES, show_default=True, help="How long it is yours.")
@_JSON
def take(entry: int | None, agent: str, minutes: int, as_json: bool) -> None:
    """Take ENTRY, or the one that comes first: nobody else calls this caller meanwhile.

    \b
    ivr missed take --agent 801
    ivr missed take 12 --agent 801 --minutes 20
    """
    from db.events import utcnow
    from db.missed import MissedCallers

    lease = datetime.timedelta(minutes=minutes)

    async def go(store: Store) -> MissedCaller | None:
        if entry is None:
            return await MissedCallers(store).take_next(agent, now=utcnow(), lease=lease)
        return await MissedCallers(store).take(entry, agent, now=utcnow(), lease=lease)

    one = _do(go)
    if one is None:
        click.echo("null" if as_json else "Nobody is to be called now.")
        return
    _tell(one, f"Yours for {minutes} minutes:\n{_line(one)}", as_json)


@missed.command()
@click.argument("entry", type=int)
@_AGENT
@_JSON
def release(entry: int, agent: str, as_json: bool) -> None:
    """Give ENTRY back without having called.

    \b
    ivr missed release 12 --agent 801
    """
    from db.missed import MissedCallers

    one = _do(lambda store: MissedCallers(store).release(entry, agent))
    _tell(one, f"Entry {entry} is for others again.", as_json)


@missed.command()
@click.argument("entry", type=int)
@_AGENT
@click.option("--outcome", required=True, type=click.Choice(OUTCOMES), help="What came of the call.")
@_JSON
def done(entry: int, agent: str, outcome: str, as_json: bool) -> None:
    """Say what came of calling ENTRY. Nobody answered: it comes again after the pause of callback_rules.yaml.

    \b
    ivr missed done 12 --agent 801 --outcome reached
    ivr missed done 12 --agent 801 --outcome no_answer
    """
    one = _do(lambda store: _done(store, entry, agent, outcome))
    again = f"it comes again at {_when(one.next_try)}" if one.state == "open" else "it is closed"
    _tell(one, f"Entry {entry}: {outcome.replace('_', ' ')}; {again}.", as_json)


async def _done(store: Store, entry: int, agent: str, outcome: str) -> MissedCaller:
    from agent_routing import callback_rules
    from db.events import utcnow
    from db.missed import MissedCallers

    missed_callers, now = MissedCallers(store), utcnow()
    again_at = None
    if outcome == "no_answer":
        rules = callback_rules.read()
        one = await missed_callers.get(entry)
        pause = rules.after["no_answer"]
        if one is not None and pause is not None and one.attempts + 1 < rules.most_attempts:
            again_at = now + pause
    return await missed_callers.done(entry, agent, outcome, now=now, again_at=again_at)  # type: ignore[arg-type]


@missed.command()
@click.option("--days", default=REPORT_DAYS, show_default=True, help="How far back.")
@_JSON
def report(days: int, as_json: bool) -> None:
    """How many were missed, why, and what became of them.

    A caller counts once per entry, however often they tried. Reached: an agent called and talked to them, or they got
    through by themselves. Minutes: from the first missed call until the entry was closed, the middle one of all.

    \b
    ivr missed report --days 30 --json
    """
    from db.events import utcnow
    from db.missed import MissedCallers

    since = utcnow() - datetime.timedelta(days=days)
    told = _figures(_do(lambda store: MissedCallers(store).since(since)))
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"{told['callers']:,} callers missed in {days} days, in {told['calls']:,} calls; {told['open']:,} open")
    for name in ("by_reason", "by_tier", "by_outcome"):
        for word, count in told[name].items():
            click.echo(f"  {name.removeprefix('by_'):8} {word:18} {count:6,}")
    if told["minutes"] is not None:
        click.echo(f"  closed after {told['minutes']:,} minutes (median)")


@missed.command()
@click.option("--days", default=REPORT_DAYS, show_default=True, help="How far back.")
@_JSON
def rebuild(days: int, as_json: bool) -> None:
    """Bring what the journal knows and the list does not: calls that ended while nobody noted them. Twice is once.

    \b
    ivr missed rebuild --days 30
    """
    from db.events import utcnow
    from ivr.missed.rebuild import rebuild as anew

    now = utcnow()
    made = _do(lambda store: anew(store, now - datetime.timedelta(days=days), now))
    click.echo(
        json.dumps(asdict(made))
        if as_json
        else f"{made.missed:,} missed calls in the journal, {made.new:,} of them new; {made.closed:,} entries closed."
    )


def _figures(found: Iterable[MissedCaller]) -> dict[str, Any]:
    entries = tuple(found)
    closed = sorted((one.closed_at - one.first_at).total_seconds() for one in entries if one.closed_at)
    return {
        "callers": len(entries),
        "calls": sum(one.times for one in entries),
        "open": sum(one.state != "closed" for one in entries),
        "by_reason": dict(Counter(one.reason for one in entries).most_common()),
        "by_tier": dict(Counter(one.tier for one in entries).most_common()),
        "by_outcome": dict(Counter(one.outcome for one in entries if one.state == "closed").most_common()),
        "minutes": round(closed[len(closed) // 2] / 60) if closed else None,
    }


def _do(work: Callable[[Store], Awaitable[T]]) -> T:
    async def with_store() -> T:
        async with open_store() as store:
            return await work(store)

    return asyncio.run(with_store())


def _line(one: MissedCaller) -> str:
    from db.phone_numbers import spoken_form

    who = spoken_form(one.number) or f"customer {one.customer}"
    held = f"  {one.agent} until {_when(one.lease_until)}" if one.lease_until else ""
    tried = f"  called {one.attempts} times" if one.attempts else ""
    return (
        f"{one.id:6}  {one.tier:8}  {who:14}  {one.times:3} ×  {_when(one.last_at)}  "
        f"{one.reason.replace('_', ' '):16}  {one.line}{tried}{held}"
    )


def _tell(one: MissedCaller, sentence: str, as_json: bool) -> None:
    click.echo(json.dumps(asdict(one), default=_as_text, ensure_ascii=False) if as_json else sentence)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)


def _when(moment: datetime.datetime) -> str:
    from db.customer import BROKERAGE_TIME

    return f"{moment.astimezone(BROKERAGE_TIME):%Y-%m-%d %H:%M}"
