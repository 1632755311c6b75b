"""``ivr tiers``: recompute by the rules, overrides by hand, one customer's standing."""

from __future__ import annotations

import asyncio
import datetime
import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ivr.cli.customers import EXIT_AT_WORK, open_store

if TYPE_CHECKING:
    from db.customer import Tier
    from db.tier_changes import TierChange, TierMove

TIER_WORDS = ("platinum", "gold", "silver", "normal")
_RULES = click.option("--rules", type=click.Path(path_type=Path), help="Another file of rules than tiers.yaml.")
_BY = click.option("--by", default="", help="Who does it, for the audit trail; default: you.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@click.group()
def tiers() -> None:
    """Tiers: platinum, gold, silver, normal, by the rules in agent_routing/tiers.yaml or by hand.

    \b
    ivr tiers recompute --dry-run
    ivr tiers show 900000000001
    ivr tiers override 900000000001 gold --until 2027-06-30 --why "moves his assets to us"
    """


@tiers.command()
@click.option("--dry-run", is_flag=True, help="Explain what would change, write nothing.")
@_RULES
@_JSON
def recompute(dry_run: bool, rules: Path | None, as_json: bool) -> None:
    """Put every customer into the tier that the rules give, and explain and journal every change. Made for cron.

    Exit code 0: done, whether anything changed or not; 1: the rules or the database are wrong, said on the error
    stream; 3: another recompute is running.

    \b
    15 2 * * *  cd /opt/goldline && .venv/bin/ivr tiers recompute
    """
    sys.exit(asyncio.run(_recompute(dry_run, rules, as_json)))


async def _recompute(dry_run: bool, rules_file: Path | None, as_json: bool) -> int:
    from agent_routing.tier_rules import RULES_FILE, read
    from agent_routing.tiers import at_least
    from db.customer import brokerage_day
    from db.events import utcnow
    from db.exclusive import AlreadyAtWork, exclusively
    from db.tier_changes import TierBook
    from ivr.customers.tiering import decided

    rules = read(rules_file or RULES_FILE)
    now = utcnow()
    counts = {"customers": 0, "risen": 0, "fallen": 0, "waiting": 0}
    async with open_store() as store:
        book = TierBook(store)
        try:
            async with exclusively(store, "tiers"):
                async for page in decided(store, rules, brokerage_day(now)):
                    counts["customers"] += page.looked_at
                    if dry_run:
                        changes = tuple(_would(move, now) for move in page.moves if move.tier != move.holder.tier)
                    else:
                        changes = await book.move(page.moves, actor="recompute", at=now)
                    for change in changes:
                        counts["risen" if at_least(change.to_tier, change.from_tier) else "fallen"] += 1
                        _tell(change, as_json)
                    counts["waiting"] += sum(
                        move.tier == move.holder.tier and move.standing.below_since is not None for move in page.moves
                    )
        except AlreadyAtWork as error:
            click.echo(str(error), err=True)
            return EXIT_AT_WORK
    if as_json:
        click.echo(json.dumps({**counts, "written": not dry_run}))
    else:
        click.echo(
            f"{counts['customers']:,} customers: {counts['risen']:,} risen, {counts['fallen']:,} fallen, "
            f"{counts['waiting']:,} newly or longer below their tier, in the days of grace"
            + (". Dry run: nothing is written." if dry_run else ".")
        )
    return 0


def _would(move: TierMove, at: datetime.datetime) -> TierChange:
    from db.tier_changes import TierChange

    return TierChange(move.holder.account, move.holder.tier, move.tier, move.why, "recompute", at)


@tiers.command()
@click.argument("account")
@click.argument("tier", type=click.Choice(TIER_WORDS))
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last day it counts.")
@click.option("--why", required=True, help="The reason, for the audit trail.")
@_BY
@_JSON
def override(account: str, tier: Tier, until: datetime.datetime, why: str, by: str, as_json: bool) -> None:
    """Put ACCOUNT into TIER at once and until a date, whatever the rules say.

    \b
    ivr tiers override 900000000001 gold --until 2027-06-30 --why "moves his assets to us"
    """
    from db.customer import brokerage_day
    from db.events import utcnow

    if until.date() < brokerage_day(utcnow()):
        raise click.BadParameter("that day is over.", param_hint="--until")
    if not why.strip():
        raise click.BadParameter("say the reason.", param_hint="--why")
    asyncio.run(_override(account, tier, until.date(), why.strip(), by or getpass.getuser(), as_json))


async def _override(account: str, tier: Tier, until: datetime.date, why: str, actor: str, as_json: bool) -> None:
    from db.tier_changes import TierBook

    async with open_store() as store:
        change = await TierBook(store).override(account, tier, until=until, why=why, actor=actor)
    _tell_or(change, f"{account} is {tier} already, and now surely until {until.isoformat()}.", as_json)


@tiers.command()
@click.argument("account")
@click.option("--why", required=True, help="The reason, for the audit trail.")
@_BY
@_JSON
def lift(account: str, why: str, by: str, as_json: bool) -> None:
    """End the override of ACCOUNT at once.

    \b
    ivr tiers lift 900000000001 --why "entered by mistake"
    """
    asyncio.run(_lift(account, why, by or getpass.getuser(), as_json))


async def _lift(account: str, why: str, actor: str, as_json: bool) -> None:
    from db.tier_changes import TierBook

    async with open_store() as store:
        change = await TierBook(store).lift(account, why=why, actor=actor)
    _tell_or(change, f"{account} keeps its tier: the rules give the same.", as_json)


@tiers.command()
@click.argument("account")
@_RULES
@_JSON
def show(account: str, rules: Path | None, as_json: bool) -> None:
    """Show the tier of ACCOUNT, why, what a recompute would make of it, and its history.

    \b
    ivr tiers show 900000000001
    """
    asyncio.run(_show(account, rules, as_json))


async def _show(account: str, rules_file: Path | None, as_json: bool) -> None:
    from agent_routing.tier_rules import RULES_FILE, read
    from agent_routing.tiers import decide
    from db.customer import brokerage_day
    from db.events import utcnow
    from db.tier_changes import TierBook

    rules = read(rules_file or RULES_FILE)
    today = brokerage_day(utcnow())
    async with open_store() as store:
        book = TierBook(store)
        holder = await book.holder(account)
        history = await book.changes(account)
    decision = decide(holder.figures, holder.standing, holder.override, rules, today)
    shown: dict[str, Any] = {
        "account": account,
        "tier": holder.tier,
        "assets": holder.figures.assets,
        "commission": holder.figures.commission,
        "points": holder.figures.points,
        "a recompute today": f"{decision.tier}: {decision.why}",
    }
    if holder.override is not None:
        word = "in force" if holder.override.in_force(today) else "ended"
        shown["override"] = (
            f"{holder.override.tier} until {holder.override.until.isoformat()} ({word}), "
            f"by {holder.override.actor}: {holder.override.why}"
        )
    if as_json:
        rows = [_row(change) for change in history]
        click.echo(json.dumps({**shown, "history": rows}, ensure_ascii=False, default=str))
        return
    for name, value in shown.items():
        click.echo(f"{name:<18} {'not known' if value is None else value}")
    for change in history:
        click.echo(f"{change.at.isoformat(timespec='seconds')}  {_words(change)} (by {change.actor})")


def _row(change: TierChange) -> dict[str, str]:
    return {
        "account": change.account,
        "from": change.from_tier,
        "to": change.to_tier,
        "why": change.why,
        "actor": change.actor,
        "at": change.at.isoformat(timespec="seconds"),
    }


def _words(change: TierChange) -> str:
    return f"{change.account}: {change.from_tier} → {change.to_tier}: {change.why}"


def _tell(change: TierChange, as_json: bool) -> None:
    click.echo(json.dumps(_row(change), ensure_ascii=False) if as_json else _words(change))


def _tell_or(change: TierChange | None, otherwise: str, as_json: bool) -> None:
    if change is not None:
        _tell(change, as_json)
    else:
        click.echo(json.dumps({"unchanged": otherwise}, ensure_ascii=False) if as_json else otherwise)
