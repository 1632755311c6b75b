"""``ivr supervise``: supervisors at others' talks, callers moved up, agents paused. Each act is audited."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from ivr.cli.agents import logout, pause, resume
from ivr.cli.controller import done

_ACTOR = click.option("--actor", "--by", "actor", default="", help="Who does it, for the audit trail; default: you.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
_SEAT = click.option("--at", "seat", required=True, help="The seat that is rung: the supervisor's own.")


@click.group()
def supervise() -> None:
    """Listen to talks, help in them, move callers up, pause and log out agents.

    \b
    ivr supervise listen 801 --at S9           seat S9 rings, and hears 801 and the caller
    ivr supervise whisper 801 --at S9          … and is heard by 801 alone
    ivr supervise barge 801 --at S9            … and is heard by both
    ivr supervise take-over 801 --at S9        S9 has the caller, 801 the wrap-up
    ivr supervise up 1763757000.12             this waiting caller comes first
    ivr supervise pause 801 --reason meeting   after the call, if there is one
    """


def _spy(name: str, help_text: str) -> None:
    @supervise.command(name, help=f"{help_text}\n\n\b\nivr supervise {name} 801 --at S9")
    @click.argument("agent")
    @_SEAT
    @_ACTOR
    @_JSON
    def command(agent: str, seat: str, actor: str, as_json: bool) -> None:
        told = done("POST", f"/talks/{quote(agent)}/{name}", {"at": seat, "actor": _who(actor)})
        _tell(told, f"Seat {seat} rings: {name} at the talk of {agent}.", as_json)


_spy("listen", "Ring a seat, and let it hear the talk of AGENT. Nobody hears it.")
_spy("whisper", "Ring a seat, and let it hear the talk of AGENT; AGENT alone hears it.")
_spy("barge", "Ring a seat, and let it take part in the talk of AGENT.")
_spy("take-over", "Ring a seat, and give it the caller of AGENT. An agent must be logged in there.")


@supervise.command()
@click.argument("call")
@_ACTOR
@_JSON
def up(call: str, actor: str, as_json: bool) -> None:
    """Move CALL, which waits for a person, in front: right after platinum.

    \b
    ivr supervise up goldline-1a2b-1763757000.12
    """
    told = done("POST", f"/queue/{quote(call)}/up", {"actor": _who(actor)})
    _tell(told, f"{call} is number {told['position']} now.", as_json)


supervise.add_command(pause)
supervise.add_command(resume)
supervise.add_command(logout, "log-out")


def _who(actor: str) -> str:
    import getpass

    return actor or getpass.getuser()


def _tell(told: dict[str, Any], line: str, as_json: bool) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else line)
