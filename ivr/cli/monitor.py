"""``ivr monitor``: the wallboard in this terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from ivr import config

if TYPE_CHECKING:
    from collections.abc import Callable

    from ivr.wallboard.rows import Board
    from ivr.wallboard.watch import Watch
    from ivr.wallboard.words import Words

ONCE_SECONDS = 15.0  # for --once: as long as a slow login may take
HEALTH_SECONDS = 2.0  # a controller that does not answer within so long serves nobody
TICK_SECONDS = 1.0  # between two drawings when nothing happens: waiting seconds count on
GATHER_SECONDS = 0.2  # after something happened: what comes with it is drawn with it, so four times a second at most


@click.command()
@click.option("--once", is_flag=True, help="Print the board once, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each change.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of the board; else the one of the settings.")
@click.option("--numbers", is_flag=True, help="Show callers' whole numbers.")
def monitor(once: bool, as_json: bool, language: str | None, numbers: bool) -> None:
    """The live wallboard: who waits, who talks, how well callers are served, and what needs attention.

    It only looks on. Ctrl-C ends it. Where there is no terminal it prints the board once.

    \b
    ivr monitor
    ivr monitor --once --language en
    ivr monitor --json
    """
    settings = config.load()
    chosen = language or (settings.language if settings.language in ("zh", "en") else "zh")
    with suppress(KeyboardInterrupt):
        asyncio.run(_monitor(settings, once or not (as_json or sys.stdout.isatty()), as_json, chosen, numbers))


async def _monitor(settings: config.Settings, once: bool, as_json: bool, language: str, numbers: bool) -> None:
    from agent_routing import policy_file
    from db.store import Store
    from ivr.asterisk import secrets_file
    from ivr.asterisk.layout import Layout
    from ivr.contract import AMI_MONITOR
    from ivr.monitor import Monitor
    from ivr.wallboard import alerts_file
    from ivr.wallboard.board import board
    from ivr.wallboard.health_question import HealthQuestion
    from ivr.wallboard.picture import Picture
    from ivr.wallboard.watch import Watch
    from ivr.wallboard.words import WORDS

    policy, limits = policy_file.read(), alerts_file.read()
    secrets = secrets_file.load(Layout(settings.run_dir).secrets_file)

    def connect() -> Monitor:
        return Monitor(
            host="127.0.0.1", port=settings.ports.at("ami"), username=AMI_MONITOR, secret=secrets.ami_monitor
        )

    picture = Picture(policy)
    store = await Store.open(settings.database_url)
    try:
        async with HealthQuestion("127.0.0.1", settings.ports.at("http"), HEALTH_SECONDS) as ask:
            watch = Watch(picture, connect, store, ask)

            def look() -> Board:
                return board(picture, time.time(), policy, limits, whole_numbers=numbers)

            looking = asyncio.create_task(watch.run())
            shown = asyncio.create_task(_show(watch, look, WORDS[language], once, as_json))
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, shown.cancel)
            try:
                await asyncio.wait((looking, shown), return_when=asyncio.FIRST_COMPLETED)
                if looking.done():
                    looking.result()
            finally:
                for task in (looking, shown):
                    task.cancel()
                ends = await asyncio.gather(looking, shown, return_exceptions=True)
        if isinstance(ends[1], Exception):
            raise ends[1]
    finally:
        await store.close()


async def _show(watch: Watch, look: Callable[[], Board], words: Words, once: bool, as_json: bool) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(ONCE_SECONDS):
            await watch.looked()
    if once:
        _print_once(look(), words, as_json)
    elif as_json:
        await _print_lines(watch, look)
    else:
        await _draw(watch, look, words)


def _print_once(board: Board, words: Words, as_json: bool) -> None:
    from rich.console import Console

    from ivr.wallboard.lines import line, told
    from ivr.wallboard.screen import screen

    if as_json:
        click.echo(line(told(board), board.at))
        return
    console = Console()
    lines = len(board.waiting) + len(board.talks) + len(board.seats) + len(board.alerts) + len(board.tiers) + 10
    console.print(screen(board, words, console.width, lines))


async def _print_lines(watch: Watch, look: Callable[[], Board]) -> None:
    """One line whenever something is otherwise than it was: an alert comes by time alone, too."""
    from ivr.wallboard.lines import line, told

    before = None
    while True:
        watch.changed.clear()
        board = look()
        content = told(board)
        if content != before:
            click.echo(line(content, board.at))
            sys.stdout.flush()
            before = content
        await _next(watch)


async def _draw(watch: Watch, look: Callable[[], Board], words: Words) -> None:
    from rich.console import Console
    from rich.live import Live

    from ivr.wallboard.screen import screen

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            watch.changed.clear()
            live.update(screen(look(), words, console.width, console.height), refresh=True)
            await _next(watch)


async def _next(watch: Watch) -> None:
    """Until something happened, or the seconds have to count on."""
    with suppress(TimeoutError):
        async with asyncio.timeout(TICK_SECONDS):
            await watch.changed.wait()
    await asyncio.sleep(GATHER_SECONDS)
