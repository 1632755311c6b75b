"""``ivr agent``: the agent's desk in this terminal."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ivr import config

if TYPE_CHECKING:
    from ivr.desk_terminal.terminal import DeskTerminal

NOT_LOGGED_IN = "no-desk-pass"


@click.command()
@click.argument("agent")
@click.option("--seat", default="", help="Sit down at this seat as well (else: *11 at the telephone).")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of the desk; else the one of the settings.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each event; JSON lines are read.")
def agent(agent: str, seat: str, language: str | None, as_json: bool) -> None:
    """The desk of AGENT: who is on the line, the script step by step, what came of the talk.

    Asks for the agent's PIN; without a terminal it is the first line of the input. What was typed is kept at once, and
    a controller that is restarted is waited for.

    \b
    ivr agent 803
    ivr agent 803 --seat S803 --language en
    ivr agent 803 --json < acts.jsonl
    """
    settings = config.load()
    chosen = language or (settings.language if settings.language in ("zh", "en") else "zh")
    typed = sys.stdin.isatty()
    pin = click.prompt("PIN", hide_input=True, err=True) if typed else sys.stdin.readline().strip()
    with suppress(KeyboardInterrupt):
        asyncio.run(_desk(settings, agent, pin, seat, chosen, as_json))


async def _desk(settings: config.Settings, agent: str, pin: str, seat: str, language: str, as_json: bool) -> None:
    from ivr.cli.controller import NoController, Refused, ask
    from ivr.desk_terminal.conversation import Conversation
    from ivr.desk_terminal.terminal import (
        ControllerAway,
        DeskRefused,
        DeskTerminal,
        InJson,
        InWords,
        JsonTerminal,
        PassOver,
    )
    from ivr.desk_terminal.words import WORDS
    from ivr.errors import GoldlineError

    opened = await ask(settings, "POST", "/desk/log_in", {"agent": agent, "pin": pin, "seat": seat})
    words = WORDS[language]

    async def desk(act: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await ask(settings, "POST", f"/desk/{act}", {**body, "pass": opened["pass"]})
        except NoController as error:
            raise ControllerAway from error
        except Refused as error:
            if error.answered == NOT_LOGGED_IN:
                raise PassOver from error
            raise DeskRefused(error.answered, error.message, error.remedy) from error

    lines: asyncio.Queue[str | None] = asyncio.Queue()
    _read_lines(lines)
    conversation = Conversation(words)
    terminal: DeskTerminal
    if as_json:
        terminal = JsonTerminal(desk, InJson(_print_line), conversation, lines)
    else:
        from rich.console import Console

        console = Console(highlight=False, markup=False, emoji=False)
        console.print(words.welcome.format(name=opened["name"][language], agent=agent))

        def prompt(text: str) -> None:
            click.echo(text, nl=False)
            sys.stdout.flush()

        terminal = DeskTerminal(desk, InWords(words, console.print, prompt), conversation, lines)
    try:
        await terminal.run()
    except PassOver:
        raise GoldlineError("The log-in is over.", remedy=f"Log in again: `ivr agent {agent}`.") from None


def _print_line(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


def _read_lines(lines: asyncio.Queue[str | None]) -> None:
    """Typed lines, read beside the event loop: the terminal stays as it was, line by line, with its own editing."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.rstrip("\n"))
        with suppress(RuntimeError):  # the loop is over
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="lines", daemon=True).start()
