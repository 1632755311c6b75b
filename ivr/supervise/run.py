"""The order of things: lock, ports, steps, Asterisk, controller; then watch; then stop.

The first Ctrl-C or TERM stops both children in order, the second at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from ivr import contract
from ivr.ami.backoff import Backoff
from ivr.asterisk import locate, render, secrets_file
from ivr.asterisk.layout import Layout
from ivr.asterisk.process import Asterisk, raise_file_limit
from ivr.asterisk.secrets_file import Secrets
from ivr.config import Settings
from ivr.errors import GoldlineError
from ivr.supervise import lock, ports
from ivr.supervise.children import AsteriskChild, Child, ControllerChild

CONTROLLER_COMMAND = (sys.executable, "-m", "ivr", "serve")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that has to be ready before the first call; ``action`` may raise GoldlineError."""

    title: str
    action: Callable[[], Awaitable[object]]


async def run(
    settings: Settings,
    steps: Sequence[Step] = (),
    controller_command: Sequence[str] = CONTROLLER_COMMAND,
    console: Console | None = None,
) -> int:
    """Run Goldline until a signal comes; 0 then. Must be called in the main thread.

    Raises GoldlineError when it cannot be started: AlreadyRunning, PortTaken, AsteriskMissing, TemplateFault, …, or
    what a step raises. Nothing is left running then.
    """
    console = console or Console(stderr=True, highlight=False)
    os.umask(0o077)  # whatever we or our children write may hold what callers said or keyed in
    Layout(settings.run_dir).create()
    raise_file_limit()
    with lock.held(settings.run_dir):
        ports.check(settings)
        async with _Signals() as signals:
            children: list[Child] = []
            work = asyncio.create_task(_work(settings, steps, controller_command, console, children))
            stop = asyncio.create_task(signals.first.wait())
            try:
                await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not work.done():
                    console.print("Stopping (Ctrl-C again: at once) …")
                stop.cancel()
                work.cancel()
                await asyncio.wait({work})
                await _stop(children, signals)
            if not work.cancelled() and (error := work.exception()):
                raise error
            console.print("Stopped.")
            return 0


async def _work(
    settings: Settings,
    steps: Sequence[Step],
    controller_command: Sequence[str],
    console: Console,
    children: list[Child],
) -> None:
    for step in steps:
        with _shown(console, step.title):
            await step.action()
    with _shown(console, "Asterisk's configuration"):
        installation = locate.find(settings.cache_dir)
        secrets = secrets_file.load_or_create(Layout(settings.run_dir).secrets_file)
        layout = render.prepare(settings, secrets, installation)
    fresh: list[Child] = [
        AsteriskChild(Asterisk(installation, layout, [settings.prompts]), settings.ports.at("ami")),
        ControllerChild(controller_command, settings.ports.at("http")),
    ]
    children += fresh
    with console.status("Asterisk and the controller"):  # side by side: each waits mostly for the disk
        await asyncio.gather(*(_started(child, console) for child in fresh))
    console.print(welcome(settings, secrets), soft_wrap=True)
    async with asyncio.TaskGroup() as group:
        for child in children:
            group.create_task(keep(child, console))


async def keep(child: Child, console: Console, backoff: Backoff | None = None) -> None:
    """Start it again whenever it has died or hangs, for ever, more and more slowly."""
    backoff = backoff or Backoff(chance=random.random)
    while True:
        began = time.monotonic()
        reason = await child.ended()
        while reason:
            backoff.after_link(time.monotonic() - began)
            wait = backoff.next_wait()
            console.print(f"[yellow]Restarting {escape(child.name)} in {wait:.1f} s:[/] {escape(reason)}.")
            await child.stop()
            await asyncio.sleep(wait)
            began = time.monotonic()
            try:
                await child.start()
                reason = ""
            except GoldlineError as error:
                reason = error.message.rstrip(".")
        console.print(f"{escape(_titled(child))} is back.")


async def _stop(children: Sequence[Child], signals: _Signals) -> None:
    """Asterisk first: its callers hang up, and the controller lives to write that down."""
    for child in children:
        polite = asyncio.create_task(child.stop())
        hurry = asyncio.create_task(signals.second.wait())
        await asyncio.wait({polite, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not polite.done():
            child.kill()
        hurry.cancel()
        await polite


class _Signals:
    """Ctrl-C and TERM as two events: the first asks, the second insists."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def _came(self) -> None:
        (self.second if self.first.is_set() else self.first).set()

    async def __aenter__(self) -> _Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._came)
        return self

    async def __aexit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)


async def _started(child: Child, console: Console) -> None:
    with _reported(console, _titled(child)):
        await child.start()


def _titled(child: Child) -> str:
    return f"{child.name[0].upper()}{child.name[1:]}"


@contextlib.contextmanager
def _shown(console: Console, title: str) -> Iterator[None]:
    """The title with a moving sign while it runs, then the time it took."""
    with _reported(console, title), console.status(escape(title)):
        yield


@contextlib.contextmanager
def _reported(console: Console, title: str) -> Iterator[None]:
    """At the end, how it ended and the time it took."""
    began = time.monotonic()
    mark = "[red]✗[/]"
    try:
        yield
        mark = "[green]✓[/]"
    finally:
        console.print(f"{mark} {escape(title)} ({time.monotonic() - began:.1f} s)")


def welcome(settings: Settings, secrets: Secrets) -> str:
    """What a person needs to make the first call. Markup of rich. Holds the softphone's password: not for log files."""
    sip = settings.sip
    server = sip.bind if sip.bind != "0.0.0.0" else "this machine's address"  # noqa: S104 - compared, not bound
    return (
        f"\n[bold]Goldline is ready.[/] Ctrl-C stops it.\n"
        f"  number to dial   [bold]{sip.number}[/]\n"
        f"  softphone        user      {contract.ENDPOINT_SOFTPHONE}\n"
        f"                   password  {escape(secrets.softphone)}\n"
        f"                   server    {escape(server)}, port {settings.ports.at('sip')}, UDP or TCP\n"
        f'  without a phone  .venv/bin/ivr dial {sip.number} --keys "1 600519#"\n'
        f"  something wrong  .venv/bin/ivr doctor\n"
    )
