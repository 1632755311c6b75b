"""``ivr run`` and ``ivr serve``: the hotline itself."""

from __future__ import annotations

import asyncio
import sys

import click

from ivr import config


@click.command()
def run() -> None:
    """Start everything: Asterisk, the database, the voice, the controller. Ctrl-C stops all of it.

    \b
    GOLDLINE_PORTS__OFFSET=100 ivr run       a second hotline beside the first
    """
    from ivr.preparation import steps
    from ivr.supervise import run as supervise

    settings = config.load()
    sys.exit(asyncio.run(supervise(settings, steps(settings))))


@click.command()
def serve() -> None:
    """Run the controller alone, for an Asterisk that is there already (`ivr run` starts this by itself)."""
    import uvloop

    from ivr import logs
    from ivr.app import Controller

    settings = config.load()
    logs.configure(settings.log.level, settings.log.format)

    async def work() -> None:
        async with Controller(settings) as controller:
            await controller.stopped()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
