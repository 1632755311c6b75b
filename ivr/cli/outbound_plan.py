"""``ivr outbound plan``: who will be called, entered once each."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ivr.cli.customers import open_store
from ivr.cli.outbound_group import BAD_DATA, EXIT_CODES

if TYPE_CHECKING:
    from outbound.campaign import Campaign
    from outbound.planning import Plan
    from outbound.target_list import RowFault, TargetList

WHYS: Final = {
    "do_not_call": "must not be called",
    "no_consent": "without evidence of consent",
    "no_number": "without a telephone number",
    "number_state": "with numbers that are known to be wrong",
    "too_late": "whose day has passed",
    "no_value": "without what the script says to them",
    "not_in_audience": "on the list, but not of the campaign's customers",
}


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@click.option("--list", "list_file", type=click.Path(dir_okay=False, path_type=Path), help="CSV file of the targets.")
@click.option("--dry-run", is_flag=True, help="Say what would be planned, write nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave bad rows of the list out instead of refusing it.")
@click.option("--by", default="", metavar="NAME", help="Who plans, for the audit trail; default: you.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per bad row, and one at the end.")
def plan(campaign: str, list_file: Path | None, dry_run: bool, skip_bad: bool, by: str, as_json: bool) -> None:
    """Find the targets of CAMPAIGN and enter those that are new. Planning again adds only new ones, so cron may do it
    every morning; a plan that was broken off is gone on with by planning again.

    A list with any bad row is refused as a whole, and every bad row is told, unless --skip-bad is given. Nothing is
    dialled by this: `ivr outbound run` does that.

    \b
    ivr outbound plan new_account_revisit
    ivr outbound plan rights_issue --list holders.csv --dry-run
    ivr outbound plan rights_issue --list holders.csv --skip-bad --json
    """
    sys.exit(asyncio.run(_plan(campaign, list_file, dry_run, skip_bad, by.strip() or getpass.getuser(), as_json)))


async def _plan(name: str, file: Path | None, dry_run: bool, skip_bad: bool, actor: str, as_json: bool) -> int:
    from db.events import utcnow
    from ivr import config
    from ivr.cli.outbound_house import campaign_of, clock_of, house_of, rules_of
    from outbound.campaign_check import check_campaign
    from outbound.campaign_file import CampaignInvalid
    from outbound.planning import Planner

    settings = config.load()
    rules = rules_of(settings)
    campaign = campaign_of(settings, name, rules)
    async with open_store() as store:
        house, clock, now = await house_of(settings, store), await clock_of(settings, store), utcnow()
        # Without a trunk, or the agents, it may be planned: they are asked for when it runs.
        here = type(house)(house.scripts, house.flows, None, None, house.branches)
        problems = check_campaign(campaign, here, planned_on=clock.day(now), clock=clock)
        if problems:
            raise CampaignInvalid(problems)
        planner = Planner(store, campaign, rules, clock, now, house.scripts[campaign.what.script])
        targets = _list(campaign, file, planner)
        bad = 0
        if targets is not None:

            def tell(fault: RowFault) -> None:
                row = json.dumps(asdict(fault), ensure_ascii=False)
                click.echo(row if as_json else f"{targets.path}:{fault}", err=not as_json)

            with _bar(f"checking {targets.path.name}") as tick:
                bad = await planner.check_list(targets, tell, tick)
            if bad and not skip_bad and not dry_run:
                refused = {"campaign": name, "bad_rows": bad, "written": False}
                said = f"{bad:,} bad rows: nothing is planned. Mend them, or leave them out with --skip-bad."
                click.echo(json.dumps(refused) if as_json else said)
                return BAD_DATA
        with _bar(f"planning {name}") as tick:
            found = await planner.plan(targets, actor=actor, dry_run=dry_run, progress=tick)
    _print(campaign, found, as_json)
    return BAD_DATA if bad and not skip_bad else 0


def _list(campaign: Campaign, file: Path | None, planner: object) -> TargetList | None:
    from ivr.customers.customer_file import encoding_of
    from outbound.planning import Planner
    from outbound.target_list import TargetList

    assert isinstance(planner, Planner)
    if file is None and campaign.who.list_file:
        file = Path(campaign.file).parent / campaign.who.list_file
    if file is None:
        return None
    return TargetList(file, encoding_of(file).name, campaign, planner.script)


def _print(campaign: Campaign, found: Plan, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"campaign": campaign.name, **found.as_data()}, ensure_ascii=False))
        return
    would = "are planned" if found.written else "would be planned (dry run, nothing is written)"
    click.echo(f"{found.found:,} found: {found.waiting:,} new ones {would}, {found.known:,} were there already.")
    if found.revived:
        click.echo(f"  {found.revived:,} were left out earlier, and are called now.")
    for why, count in sorted(found.left_out.items(), key=lambda one: -one[1]):
        click.echo(f"  {count:,} are left out: {WHYS.get(why, why)}.")
    if found.bad_rows:
        click.echo(f"  {found.bad_rows:,} bad rows are passed over.")
    if found.ends_at is not None and found.written:
        from db.customer import BROKERAGE_TIME

        click.echo(f"It ends on {found.ends_at.astimezone(BROKERAGE_TIME):%Y-%m-%d %H:%M}.")


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal's error stream; nothing when that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
