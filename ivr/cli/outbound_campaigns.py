"""``ivr outbound list``, ``check`` and ``show``: the campaigns that there are, whether they are right, in words."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from ivr.cli.customers import open_store
from ivr.cli.outbound_group import BAD_DATA, EXIT_CODES

if TYPE_CHECKING:
    from db.campaigns import Campaign as Planned
    from outbound.campaign import Campaign

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command("list", epilog=EXIT_CODES)
@_JSON
def list_campaigns(as_json: bool) -> None:
    """The campaigns that there are, and how those that were planned stand.

    \b
    ivr outbound list
    ivr outbound list --json
    """
    from ivr import config
    from ivr.cli.outbound_house import files, rules_of
    from outbound import campaign_file

    settings = config.load()
    rules = rules_of(settings)

    async def planned() -> dict[str, Planned]:
        from db.campaigns import Campaigns

        async with open_store() as store:
            return {one.name: one for one in await Campaigns(store).all()}

    known = asyncio.run(planned())
    rows: list[dict[str, Any]] = []
    for path in files(settings):
        try:
            campaign: Campaign | None = campaign_file.read(path, rules)
        except campaign_file.CampaignInvalid:
            campaign = None
        rows.append(_row(path.stem, campaign, known.pop(path.stem, None)))
    rows += [_row(name, None, one) | {"fault": "its file is gone"} for name, one in known.items()]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("campaign", "title", "call", "state", "until", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["campaign"], row["title"], row["call"], row["fault"] or row["state"], row["until"] or "")
    Console().print(table)


def _row(name: str, campaign: Campaign | None, planned: Planned | None) -> dict[str, Any]:
    from db.customer import BROKERAGE_TIME
    from db.events import utcnow

    state = planned.state if planned else "not planned"
    if planned and state == "running" and not planned.is_live(utcnow()):
        state = "planned"
    return {
        "campaign": name,
        "title": campaign.title if campaign else planned.title if planned else "",
        "call": campaign.what.call if campaign else "",
        "state": state,
        "until": planned.ends_at.astimezone(BROKERAGE_TIME).strftime("%Y-%m-%d") if planned else None,
        "fault": "" if campaign else "has faults: ivr outbound check",
    }


@click.command("check", epilog=EXIT_CODES)
@click.argument("campaigns", nargs=-1, metavar="[CAMPAIGN]...")
@_JSON
def check_campaigns(campaigns: tuple[str, ...], as_json: bool) -> None:
    """Check CAMPAIGNS, or all: every problem with file, line and remedy. Scripts, skills, trunk, flow, hours and the
    calendar are looked at as well.

    \b
    ivr outbound check
    ivr outbound check new_account_revisit --json
    """
    from ivr import config
    from ivr.cli.outbound_house import clock_of, file_of, files, house_of, problems_of, rules_of

    settings = config.load()
    rules = rules_of(settings)
    paths = [file_of(settings, name) for name in campaigns] or files(settings)

    async def looked() -> list[Any]:
        async with open_store() as store:
            house, clock = await house_of(settings, store), await clock_of(settings, store)
            return [problem for path in paths for problem in problems_of(path, rules, house, clock)]

    problems = asyncio.run(looked())
    if as_json:
        found = [{"file": one.file, "line": one.line, "message": one.message, "remedy": one.remedy} for one in problems]
        click.echo(json.dumps({"campaigns": len(paths), "problems": found}, ensure_ascii=False))
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(paths)} campaigns, {len(problems)} problems.", err=bool(problems))
    sys.exit(BAD_DATA if problems else 0)


@click.command("show", epilog=EXIT_CODES)
@click.argument("campaign")
@_JSON
def show_campaign(campaign: str, as_json: bool) -> None:
    """CAMPAIGN in words: who is called, about what, when, how hard, and when no more.

    \b
    ivr outbound show new_account_revisit
    """
    from ivr import config
    from ivr.cli.outbound_house import campaign_of, rules_of
    from outbound.campaign_words import in_words

    settings = config.load()
    one = campaign_of(settings, campaign, rules_of(settings))
    said = in_words(one)
    if as_json:
        click.echo(json.dumps({"campaign": one.name, "title": one.title} | said, ensure_ascii=False))
        return
    click.echo(f"{one.name}: {one.title}")
    for what, words in said.items():
        click.echo(f"  {what:10} {words}")
