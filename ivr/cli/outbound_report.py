"""``ivr outbound report``: who was reached, who was not and why, and what is left for people to do."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ivr.cli.customers import open_store
from ivr.cli.outbound_group import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outbound.coverage import Row

COUNTED: Final = ("reached", "refused", "by_hand", "exhausted", "expired", "excluded", "waiting")
PERSON: Final = (
    "campaign",
    "branch",
    "account",
    "name",
    "tier",
    "numbers",
    "why",
    "last_outcome",
    "attempts",
    "last_at",
)


@click.command(epilog=EXIT_CODES)
@click.argument("campaigns", nargs=-1, metavar="[CAMPAIGN]...")
@click.option("--by-hand", is_flag=True, help="The people that are left for the branches, one in a row.")
@click.option("--branch", default="", metavar="CODE", help="Of this branch only.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write it as CSV, for Excel.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the coverage, an SVG file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def report(
    campaigns: tuple[str, ...],
    by_hand: bool,
    branch: str,
    csv_file: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Coverage of CAMPAIGNS (all that were planned, when none is named) by branch: of everybody who was asked for, how
    many were reached, how many not, and why not.

    \b
    ivr outbound report new_account_revisit
    ivr outbound report new_account_revisit --csv coverage.csv --plot coverage.svg
    ivr outbound report dormant --by-hand --branch SH01 --csv dormant-SH01.csv
    """
    if by_hand:
        if plot:
            raise click.UsageError("--plot draws the coverage: leave --by-hand out.")
        _by_hand(campaigns, branch, csv_file, as_json)
        return
    found = asyncio.run(_covered(campaigns, branch))
    data = [row.as_data(name) for name, _, rows in found for row in rows]
    if csv_file:
        _write_csv(csv_file, data)
    if plot:
        _plot(plot, found)
    if as_json:
        for one, row in zip(data, [row for _, _, rows in found for row in rows], strict=True):
            one["why"] = {f"{state}/{why}": count for (state, why), count in sorted(row.whys.items())}
        click.echo(json.dumps(data, ensure_ascii=False))
        return
    _print(found)
    for written in (csv_file, plot):
        if written:
            click.echo(str(written))


async def _covered(names: Sequence[str], branch: str) -> list[tuple[str, str, tuple[Row, ...]]]:
    from db.campaigns import Campaigns, NoSuchCampaign
    from db.targets import Targets
    from outbound.coverage import coverage

    async with open_store() as store:
        campaigns, targets = Campaigns(store), Targets(store)
        found = []
        for name in names or [one.name for one in await campaigns.all()]:
            campaign = await campaigns.get(name)
            if campaign is None:
                raise NoSuchCampaign(name)
            shares = [one for one in await targets.shares(name) if not branch or one.branch == branch]
            found.append((name, campaign.title, coverage(shares)))
        return found


def _print(found: Sequence[tuple[str, str, tuple[Row, ...]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not found:
        console.print("No campaign is planned.")
    for name, title, rows in found:
        # A terminal has 80 columns: what happened to nobody in the whole campaign takes none of them.
        counted = [word for word in COUNTED if word == "reached" or rows[-1].as_data(name)[word]]
        table = Table("branch", "targets", *counted, "coverage", title=f"{name}: {title}", title_justify="left")
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            data = row.as_data(name)
            cells = [f"{data[word]:,}" for word in ("targets", *counted)]
            if not row.branch:
                table.add_section()
            table.add_row(row.branch or "all", *cells, f"{row.coverage:.1%}" if row.targets else "-")
        console.print(table)
        whys = sorted(rows[-1].whys.items(), key=lambda one: (-one[1], one[0]))
        for (state, why), count in whys:
            console.print(f"  {count:,} {state}: {why}", highlight=False)


def _by_hand(names: Sequence[str], branch: str, csv_file: Path | None, as_json: bool) -> None:
    people = asyncio.run(_people(names, branch))
    if csv_file:
        _write_csv(csv_file, people)
        click.echo(str(csv_file))
    elif as_json:
        for person in people:
            click.echo(json.dumps(person, ensure_ascii=False))
    else:
        for person in people:
            click.echo("  ".join(str(person[word]) for word in PERSON if person[word] != ""))
        click.echo(f"{len(people):,} for people to see to. `ivr outbound settle` ticks them off.", err=True)


async def _people(names: Sequence[str], branch: str) -> list[dict[str, Any]]:
    from db.campaigns import Campaigns, NoSuchCampaign
    from db.customer import BROKERAGE_TIME
    from db.dial_facts import facts_of
    from db.events import utcnow
    from db.targets import Targets

    async with open_store() as store:
        campaigns, targets, now = Campaigns(store), Targets(store), utcnow()
        found: list[dict[str, Any]] = []
        for name in names or [one.name for one in await campaigns.all()]:
            if await campaigns.get(name) is None:
                raise NoSuchCampaign(name)
            async for page in targets.pages(name, "by_hand"):
                theirs = [one for one in page if not branch or one.branch == branch]
                for facts in await facts_of(store, theirs, now):
                    one = facts.target
                    phones = " ".join(f"{phone.number}({phone.state})" for phone in facts.phones)
                    last = one.last_at.astimezone(BROKERAGE_TIME).strftime("%Y-%m-%d %H:%M") if one.last_at else ""
                    cells = (name, one.branch, one.account, one.name, one.tier, phones, one.why)
                    rest = (one.last_outcome, one.attempts, last)
                    found.append(dict(zip(PERSON, (*cells, *rest), strict=True)))
        return sorted(found, key=lambda person: (person["campaign"], person["branch"]))


def _write_csv(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        # A cell that begins like a formula would be reckoned by the spreadsheet.
        writer.writerows({key: _tame(value) for key, value in row.items()} for row in rows)
    try:
        file.write_text(text.getvalue(), "utf-8-sig", newline="")  # with its mark: Excel takes it for UTF-8
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None


def _tame(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") and value != "-" else value


def _plot(file: Path, found: Sequence[tuple[str, str, tuple[Row, ...]]]) -> None:
    from outbound.coverage_chart import coverage_svg

    if len(found) != 1:
        raise click.UsageError("--plot draws one campaign: name it.")
    name, title, rows = found[0]
    try:
        file.write_text(coverage_svg(f"{title} ({name})", rows), "utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
