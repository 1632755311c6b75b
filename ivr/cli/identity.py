"""``ivr identity``: what is held against an account or a caller ID, and opening an account that wrong PINs locked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from ivr import config
from ivr.cli.customers import open_store

if TYPE_CHECKING:
    from ivr.identity.identity import Identity
    from ivr.identity.limits import Standing


@click.group()
def identity() -> None:
    """Proofs of identity: wrong tries, and locks.

    \b
    ivr identity show 900000000001
    ivr identity show --caller 13800138000
    ivr identity unlock 900000000001 --actor li.si --why "came to the branch with her ID card"
    """


@identity.command()
@click.argument("account", default="")
@click.option("--caller", default=None, metavar="NUMBER", help='A caller ID instead; "" for all who withhold theirs.')
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
def show(account: str, caller: str | None, as_json: bool) -> None:
    """How many wrong tries are held against ACCOUNT, or against a caller ID.

    An account that does not exist may have tries as well: somebody typed it.

    \b
    ivr identity show 900000000001
    ivr identity show --caller 13800138000
    """
    if bool(account) == (caller is not None):
        raise click.UsageError("Give an ACCOUNT, or --caller NUMBER.")
    standing = asyncio.run(_show(account, caller))
    wait = round(standing.wait.total_seconds())
    if as_json:
        click.echo(json.dumps({"tries": standing.tries, "wait_seconds": wait, "locked": standing.locked}))
    elif standing.locked:
        click.echo(f"Locked after {standing.tries} wrong tries. Open it with `ivr identity unlock`.")
    elif wait:
        click.echo(f"{standing.tries} wrong tries; the next one may be made in {wait} s.")
    else:
        click.echo(f"{standing.tries} wrong tries; the next one may be made now.")


async def _show(account: str, caller: str | None) -> Standing:
    async with _open_identity() as proofs:
        if caller is not None:
            return await proofs.standing_of_caller(caller)
        return await proofs.standing_of_account(account)


@identity.command()
@click.argument("account")
@click.option("--actor", required=True, metavar="NAME", help="Who opens it, for the audit trail.")
@click.option("--why", required=True, metavar="TEXT", help="How you know that it is the customer who asks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
def unlock(account: str, actor: str, why: str, as_json: bool) -> None:
    """Open ACCOUNT after wrong PINs: its count begins anew. Written into the audit trail.

    \b
    ivr identity unlock 900000000001 --actor li.si --why "came to the branch with her ID card"
    """
    if not actor.strip() or not why.strip():
        raise click.UsageError("Say who you are and why: both stand in the audit trail.")
    tries = asyncio.run(_unlock(account, actor.strip(), why.strip()))
    click.echo(json.dumps({"tries": tries}) if as_json else f"Open. {tries} wrong tries are forgotten.")


async def _unlock(account: str, actor: str, why: str) -> int:
    async with _open_identity() as proofs:
        return await proofs.unlock(account, actor=actor, why=why)


@asynccontextmanager
async def _open_identity() -> AsyncIterator[Identity]:
    from db.pins import Pins
    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout
    from ivr.identity.identity import Identity
    from ivr.identity.keys import pepper

    key = secrets_file.load(Layout(config.load().run_dir).secrets_file).identity_key.encode()
    async with open_store() as store:
        pins = Pins(store, pepper(key))
        try:
            yield Identity(store, pins, key)
        finally:
            pins.close()
