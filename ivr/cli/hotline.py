"""``ivr run`` and ``ivr serve``: the hotline itself."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress

import click

from ivr import config

CONTROLLER_NICE = -10  # a caller's key falls between two commands when we do not get a core for 80 ms


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
    with suppress(PermissionError):  # only root may; without, the machine should have a core to spare
        os.setpriority(os.PRIO_PROCESS, 0, CONTROLLER_NICE)

    async def work() -> None:
        async with Controller(settings) as controller:
            await controller.stopped()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())
