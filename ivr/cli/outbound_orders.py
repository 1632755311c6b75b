"""``ivr outbound pause``, ``resume``, ``stop`` and ``settle``: what people order of a campaign, and of one target."""

from __future__ import annotations

import asyncio
import getpass
import json
from typing import TYPE_CHECKING, Final

import click

from ivr.cli.customers import open_store
from ivr.cli.outbound_group import EXIT_CODES
from ivr.errors import GoldlineError

if TYPE_CHECKING:
    from db.campaigns import Campaign, Order

_BY = click.option("--by", default="", metavar="NAME", help="Who orders it, for the audit trail; default: you.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_DONE: Final = {
    "pause": "{} is paused: nothing more is dialled; talks go on to their end.",
    "resume": "{} may run again: `ivr outbound run {}`.",
    "stop": "{} is stopped: nothing more is dialled; `ivr outbound resume {}` takes that back.",
}
_ALREADY: Final = "{} is {}: there is nothing to do."


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@_BY
@_JSON
def pause(campaign: str, by: str, as_json: bool) -> None:
    """Dial nothing more for CAMPAIGN until it is resumed. Calls that ring are let ring, talks go on to their end.

    \b
    ivr outbound pause dormant
    """
    _order(campaign, "pause", by, as_json)


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@_BY
@_JSON
def resume(campaign: str, by: str, as_json: bool) -> None:
    """CAMPAIGN, which was paused or stopped, may run again; the next `ivr outbound run` goes on where it was.

    \b
    ivr outbound resume dormant
    """
    _order(campaign, "resume", by, as_json)


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@_BY
@_JSON
def stop(campaign: str, by: str, as_json: bool) -> None:
    """End CAMPAIGN before its time: its run ends, and no later one begins until somebody resumes it.

    \b
    ivr outbound stop dormant --by wang.wu
    """
    _order(campaign, "stop", by, as_json)


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@click.argument("key", metavar="ACCOUNT-OR-NUMBER")
@click.option("--reached", "how", flag_value="reached", help="It is done: a person has reached the customer.")
@click.option("--refused", "how", flag_value="refused", help="The customer wants no such call.")
@click.option("--again", "how", flag_value="waiting", help="Call again (there is a new number); all caps still hold.")
@click.option("--why", default="by_hand", metavar="WORD", help="A word for the report: letter, visit, new_number.")
@_JSON
def settle(campaign: str, key: str, how: str | None, why: str, as_json: bool) -> None:
    """Say what people found out about a target that is on their list (`ivr outbound report CAMPAIGN --by-hand`).

    \b
    ivr outbound settle dormant 900000000001 --reached --why letter
    ivr outbound settle dormant 13800138000 --again --why new_number
    """
    if how is None:
        raise click.UsageError("Say what became of it: --reached, --refused or --again.")
    if not why or len(why) > 32:
        raise click.UsageError("--why takes one word of at most 32 characters.")
    state = asyncio.run(_settle(campaign, key, how, why))
    click.echo(json.dumps({"campaign": campaign, "key": key, "state": state}) if as_json else f"{key} is {state}.")


async def _settle(campaign: str, key: str, how: str, why: str) -> str:
    from db.audit import Audit, AuditEntry
    from db.campaigns import Campaigns, NoSuchCampaign
    from db.events import utcnow
    from db.outbound_states import TARGET_STATES
    from db.phone_numbers import stored_form
    from db.targets import TargetMove, Targets

    now = utcnow()
    state = next(one for one in TARGET_STATES if one == how)
    async with open_store() as store:
        if await Campaigns(store).get(campaign) is None:
            raise NoSuchCampaign(campaign)
        targets = Targets(store)
        found = await targets.latest(campaign, key) or await targets.latest(campaign, stored_form(key))
        if found is None:
            raise GoldlineError(
                f"{campaign} has no target {key}.", remedy="Give the account, or the number, as listed."
            )
        moved = await targets.settle_by_hand(found, TargetMove(state, why, now if how == "waiting" else None), now=now)
        if moved is None:
            raise GoldlineError(
                f"{key} is {found.state}: it is on nobody's list.", remedy=f"ivr outbound report {campaign} --by-hand"
            )
        data = {"campaign": campaign, "key": found.key, "state": state, "why": why}
        await Audit(store).append(AuditEntry(getpass.getuser(), "target.settled", found.account, data))
        return moved.state


def _order(name: str, order: Order, by: str, as_json: bool) -> None:
    async def give() -> tuple[Campaign | None, Campaign | None]:
        from db.campaigns import Campaigns

        async with open_store() as store:
            campaigns = Campaigns(store)
            moved = await campaigns.order(name, order, actor=by.strip() or getpass.getuser())
            return moved, moved or await campaigns.get(name)

    moved, now = asyncio.run(give())
    assert now is not None
    if as_json:
        click.echo(json.dumps({"campaign": name, "state": now.state, "changed": moved is not None}))
    else:
        click.echo(_DONE[order].format(name, name) if moved else _ALREADY.format(name, now.state))
