"""``ivr audit``: what an auditor reads of a call, an account, or of everything that people did."""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import click

from ivr import config

if TYPE_CHECKING:
    from db.store import Store
    from ivr.customers.trail import Step

LONGEST_CALL = datetime.timedelta(hours=24)  # within which what a call did to customers is looked for


@click.group()
def audit() -> None:
    """Who was proven how, what was asked, what was said back, and who changed what.

    \b
    ivr audit account 900000000001
    ivr audit call goldline-1a2b-1763757000.12
    ivr audit latest --most 50
    """


@audit.command()
@click.argument("account")
@click.option("--most", default=200, show_default=True, help="How many of the latest acts to show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per act.")
def account(account: str, most: int, as_json: bool) -> None:
    """Everything done to the data of ACCOUNT, the oldest first. A call that did it is named: ask for it by that name.

    \b
    ivr audit account 900000000001
    """
    steps = asyncio.run(_asked(lambda store: _of_account(store, account, most)))
    if not steps:
        click.echo("Nothing was ever done to this account.", err=True)
        sys.exit(1)
    _show(steps, as_json)


@audit.command()
@click.argument("call_id", metavar="CALL")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per step.")
def call(call_id: str, as_json: bool) -> None:
    """One call, step by step, with what it did to customers. `ivr calls` and `ivr audit account` name calls.

    \b
    ivr audit call goldline-1a2b-1763757000.12
    """
    steps = asyncio.run(_asked(lambda store: _of_call(store, call_id)))
    if not steps:
        click.echo(f"There is no call {call_id}. `ivr calls` shows the latest.", err=True)
        sys.exit(1)
    _show(steps, as_json)


@audit.command()
@click.option("--most", default=50, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per act.")
def latest(most: int, as_json: bool) -> None:
    """The latest acts of people, commands and calls on anybody's data.

    \b
    ivr audit latest --most 20
    """
    _show(asyncio.run(_asked(lambda store: _latest(store, most))), as_json)


async def _asked(ask: Callable[[Store], Awaitable[list[Step]]]) -> list[Step]:
    """What ``ask`` finds in the store of the settings, which is left as it is."""
    from db.store import Store

    store = await Store.open(config.load().database_url)
    try:
        return await ask(store)
    finally:
        await store.close()


async def _of_account(store: Store, account: str, most: int) -> list[Step]:
    from db.audit import Audit
    from ivr.customers.trail import steps_of_account

    return steps_of_account(await Audit(store).of_account(account, most))


async def _of_call(store: Store, call_id: str) -> list[Step]:
    from db.audit import Audit
    from db.calls import Calls
    from ivr.customers.trail import steps_of_call

    events = await Calls(store).events(call_id)
    if not events:
        return []
    began = events[0].at
    return steps_of_call(events, await Audit(store).by_actor(call_id, began, began + LONGEST_CALL))


async def _latest(store: Store, most: int) -> list[Step]:
    from db.audit import Audit
    from ivr.customers.trail import steps_of_account

    return steps_of_account(await Audit(store).latest(most))


def _show(steps: Sequence[Step], as_json: bool) -> None:
    from db.customer import BROKERAGE_TIME

    for step in steps:
        at = step.at.astimezone(BROKERAGE_TIME)
        if as_json:
            row = {"at": at.isoformat(timespec="milliseconds"), "what": step.what, "text": step.text}
            click.echo(json.dumps(row | ({"who": step.who} if step.who else {}), ensure_ascii=False))
        else:
            who = f"{step.who}: " if step.who else ""
            click.echo(f"{at:%Y-%m-%d %H:%M:%S}  {step.what:<20} {who}{step.text}")
