"""``ivr outbound status``: how far a campaign has come, as it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Final

import click

from ivr.cli.customers import open_store
from ivr.cli.outbound_group import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from db.store import Store
    from outbound.progress import Progress

EVERY: Final = 2.0  # seconds between two looks


@click.command(epilog=EXIT_CODES)
@click.argument("campaigns", nargs=-1, metavar="[CAMPAIGN]...")
@click.option("--once", is_flag=True, help="Print the figures once, instead of following them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, once.")
def status(campaigns: tuple[str, ...], once: bool, as_json: bool) -> None:
    """How far CAMPAIGNS have come (all that were planned, when none is named): done, reached, refused, wrong numbers,
    calls per hour, drop rate, time to finish. Follows them until Ctrl-C; printed once where there is no terminal.

    Drop rate: those whom no agent was there for, of all that a person answered in the last thirty days.

    \b
    ivr outbound status
    ivr outbound status new_account_revisit --once
    ivr outbound status --json
    """
    from rich.console import Console

    console = Console()
    if as_json:
        found = asyncio.run(_looked(campaigns))
        click.echo(json.dumps([one.as_data() for one in found], ensure_ascii=False))
    elif once or not console.is_terminal:
        console.print(_table(asyncio.run(_looked(campaigns))))
    else:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_follow(campaigns))


async def _looked(names: Sequence[str]) -> list[Progress]:
    async with open_store() as store:
        return await look(store, names)


async def look(store: Store, names: Sequence[str]) -> list[Progress]:
    """The figures of these campaigns, or of all. Raises NoSuchCampaign."""
    from db.attempts import Attempts
    from db.campaigns import Campaigns, NoSuchCampaign
    from db.events import utcnow
    from db.targets import Targets
    from outbound.progress import LOOKED_AT, MONTH, WRONG_PERSON, Facts, progress

    campaigns, targets, attempts, now = Campaigns(store), Targets(store), Attempts(store), utcnow()
    chosen = []
    for name in names or [one.name for one in await campaigns.all()]:
        campaign = await campaigns.get(name)
        if campaign is None:
            raise NoSuchCampaign(name)
        facts = Facts(
            campaign=campaign,
            states=await targets.counts(name),
            outcomes=await attempts.outcomes(name),
            lately=await attempts.outcomes(name, now - LOOKED_AT),
            hours=await attempts.hours(name, now - MONTH),
            wrong_persons=(await attempts.dispositions(name)).get(WRONG_PERSON, 0),
            closed_lately=await attempts.closed_since(name, now - LOOKED_AT),
            open_attempts=await attempts.count_open(name),
        )
        chosen.append(progress(facts, now))
    return chosen


async def _follow(names: Sequence[str]) -> None:
    from rich.live import Live

    async with open_store() as store:
        with Live(_table(await look(store, names)), refresh_per_second=4) as live:
            while True:
                begun = time.monotonic()
                await asyncio.sleep(EVERY)
                live.update(_table(await look(store, names)))
                # A look at a million targets takes long: never more than a third of the time goes into it.
                await asyncio.sleep(max(0.0, 2 * (time.monotonic() - begun - EVERY) - EVERY))


def _table(found: Sequence[Progress]) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if not found:
        return Text("No campaign is planned. `ivr outbound list` shows which there are.")
    parts: list[RenderableType] = []
    for one in found:
        head = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(one.targets, 1), completed=one.done, width=30)
        share = one.done / one.targets if one.targets else 1.0
        head.add_row(Text(one.name, style="bold"), bar, f"{share:.0%}")
        lines = (
            (_state(one), f"to finish {_hours(one.hours_left)}"),
            (
                f"done {one.done:,} of {one.targets:,}",
                f"reached {one.reached:,}",
                f"refused {one.refused:,}",
                f"by hand {one.by_hand:,}",
                f"given up {one.given_up:,}",
                f"left out {one.left_out:,}",
            ),
            (
                f"attempts {one.attempts:,}",
                f"calls/h {one.calls_per_hour:,}",
                f"answered {_percent(one.answer_share)}",
                f"wrong numbers {one.wrong_numbers:,}",
                f"drop rate {_percent(one.drop_rate)}, hour {_percent(one.drop_rate_hour)}",
            ),
        )
        grid = Text("\n".join("  " + " · ".join(line) for line in lines))
        parts += [head, grid, Text("")]
    return Group(*parts[:-1])


def _state(one: Progress) -> str:
    from db.customer import BROKERAGE_TIME

    if one.since is None:
        return one.state
    return f"{one.state} since {one.since.astimezone(BROKERAGE_TIME):%H:%M}, {one.calling} calls now"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _hours(hours: float | None) -> str:
    if hours is None:
        return "-"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.1f} h of calling"
