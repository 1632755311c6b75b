"""``ivr outbound run``: follow a campaign while the controller dials for it. Made for cron."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from ivr import config
from ivr.cli.customers import open_store
from ivr.cli.outbound_group import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ivr.dialing.run import Following, RunEnd

HEALTH_SECONDS: Final = 3.0
LINE_SECONDS: Final = 60.0  # between two lines where there is no terminal


@click.command(epilog=EXIT_CODES)
@click.argument("campaign")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
@click.option("--quiet", is_flag=True, help="Say nothing but how it ended.")
def run(campaign: str, as_json: bool, quiet: bool) -> None:
    """Have CAMPAIGN dialled, and follow it, until its hours are over, all are done, or it is paused or stopped.

    The controller dials; this command holds the campaign for it. Ctrl-C or SIGTERM ends it in order: nobody more is
    dialled, calls that ring and talks that go on end by themselves. A second run of the same campaign ends at once with
    code 75. Begin it from cron when the hours begin; a crashed run is gone on with by the next one.

    \b
    ivr outbound run new_account_revisit
    ivr outbound run allotment_result --json
    */10 9-19 * * 1-5  ivr outbound run new_account_revisit --quiet
    """
    sys.exit(asyncio.run(_run(campaign, as_json, quiet)))


async def _run(name: str, as_json: bool, quiet: bool) -> int:
    from ivr.cli import outbound_house
    from ivr.dialing.run import CampaignRun

    settings = config.load()
    rules = outbound_house.rules_of(settings)
    known = outbound_house.campaign_of(settings, name, rules)
    teller = _Teller(name, as_json, quiet)
    async with open_store() as store:
        clock = await outbound_house.clock_of(settings, store)
        one = CampaignRun(store, known, rules, clock, lambda: _health(settings.ports.at("http")), teller.tell)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, one.end)
        end = await one.run()
    teller.ended(end)
    return end.code


class _Teller:
    """Says how it goes: a line that is written over on a terminal, one a minute elsewhere, and whenever it changes."""

    def __init__(self, name: str, as_json: bool, quiet: bool) -> None:
        self._name = name
        self._as_json = as_json
        self._quiet = quiet
        self._note = ""
        self._told_at = float("-inf")

    def tell(self, now: Following) -> None:
        if self._quiet:
            return
        if self._as_json:
            told = {"campaign": self._name, "targets": dict(now.counts), "calling": now.dials, "note": now.note}
            click.echo(json.dumps(told, ensure_ascii=False))
            return
        total = sum(now.counts.values())
        done = total - now.counts.get("waiting", 0) - now.counts.get("held", 0)
        words = f"{self._name}: {done} of {total} done, {now.counts.get('reached', 0)} reached, {now.dials} calls"
        words += f" ({now.note})" if now.note else ""
        if sys.stdout.isatty():
            click.echo(f"\r\033[K{words}", nl=False)
        elif now.note != self._note or time.monotonic() - self._told_at >= LINE_SECONDS:
            click.echo(words)
            self._told_at = time.monotonic()
        self._note = now.note

    def ended(self, end: RunEnd) -> None:
        if self._as_json:
            click.echo(json.dumps({"campaign": self._name, "ended": end.why, "words": end.words}, ensure_ascii=False))
            return
        if sys.stdout.isatty() and not self._quiet:
            click.echo()
        click.echo(f"{self._name}: {end.words}", err=end.code != 0)


async def _health(port: int) -> Mapping[str, Any] | None:
    """What the controller says of itself; None: there is none that answers."""
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=HEALTH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"http://127.0.0.1:{port}/health") as answer,
        ):
            return dict(await answer.json())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
