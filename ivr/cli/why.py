"""``ivr why``: why one call waited, who was offered it, and who took it."""

from __future__ import annotations

import asyncio
import datetime
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ivr import config
from ivr.cli.controller import NoController, Refused, ask

if TYPE_CHECKING:
    from db.fold import CallRecord
    from ivr.report.account import Asked
    from ivr.report.story import Story

RECENT = datetime.timedelta(days=31)  # within which a part of an id or number is looked for
LEAST_TYPED = 3  # characters: fewer point to half the calls of a day


class RunningController:
    """Asks the controller that runs (``ivr.report.account.Asked``); one that does not run knows nothing."""

    def __init__(self, settings: config.Settings) -> None:
        self._settings = settings

    async def why_waiting(self, call: str) -> Sequence[str]:
        """The engine's reasons, in words."""
        try:
            told = await ask(self._settings, "GET", f"/queue/{call}")
        except (NoController, Refused, OSError):
            return ()
        return tuple(str(sentence) for sentence in told.get("words", ()))


@click.command()
@click.argument("call", metavar="CALL")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of what is printed; default: the hotline's.")
def why(call: str, as_json: bool, language: str | None) -> None:
    """The story of one call's wait for people: as what it joined, each offer with the engine's reasons, who took it.

    CALL is a call's id, its beginning or end, or the last digits of the caller's number: the latest call that fits is
    told, the others are named.

    \b
    ivr why goldline-1a2b-1763757000.12
    ivr why 1763757000.12
    ivr why 8000 --language en
    """
    if len(call) < LEAST_TYPED:
        raise click.UsageError(f"Give at least {LEAST_TYPED} characters of the call or the number.")
    settings = config.load()
    asked_at = datetime.datetime.now(datetime.UTC)
    found = asyncio.run(_told(settings, call, asked_at, RunningController(settings)))
    if found is None:
        click.echo(f"There is no call {call} in {RECENT.days} days. `ivr calls` shows the latest.", err=True)
        sys.exit(1)
    story, controller, others = found
    if as_json:
        from ivr.report.account import told

        click.echo(json.dumps(told(story, asked_at, controller), ensure_ascii=False))
    else:
        _show(story, controller, asked_at, language or settings.language)
    if others:
        click.echo(f"Others that fit: {', '.join(other.id for other in others)}", err=True)


async def _told(
    settings: config.Settings, text: str, asked_at: datetime.datetime, controller: Asked
) -> tuple[Story, tuple[str, ...], tuple[CallRecord, ...]] | None:
    from db.report_rows import ReportRows
    from db.store import Store
    from ivr.report.story import tell

    store = await Store.open(settings.database_url)
    try:
        rows = ReportRows(store)
        calls = await rows.find(text, asked_at - RECENT)
        if not calls:
            return None
        one = await rows.one(calls[0])
    finally:
        await store.close()
    story = tell(one.call, one.events)
    waits = bool(story.waits) and not story.waits[-1].how
    reasons = tuple(await controller.why_waiting(one.call.id)) if waits else ()
    return story, reasons, calls[1:]


def _show(story: Story, controller: tuple[str, ...], asked_at: datetime.datetime, language: str) -> None:
    from db.customer import BROKERAGE_TIME
    from ivr.report.account import lines, summary

    began = story.call.started_at.astimezone(BROKERAGE_TIME)
    click.echo(f"{story.call.id}  {began:%Y-%m-%d %H:%M:%S}  {story.call.caller} → {story.call.line}")
    click.echo(summary(story, asked_at, language))
    for line in lines(story, language):
        click.echo(f"{line.at.astimezone(BROKERAGE_TIME):%H:%M:%S.%f}"[:-5] + f"  {line.text}")
        for under in line.under:
            click.echo(f"              {under}")
    for sentence in controller:
        click.echo(f"  → {sentence}")
