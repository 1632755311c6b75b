"""``ivr talk``: what an agent does with a talk, from the command line. The same as by keys at the telephone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from ivr.cli.controller import done

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def _whom(command: Callable[..., None]) -> Callable[..., None]:
    """The options that name a target."""
    for option in (
        click.option("--to", "agent_to", default="", metavar="AGENT", help="This agent."),
        click.option("--skill", default="", help='Whoever has it: "licensed:3" with its least level.'),
        click.option("--branch", default="", help="Somebody in this branch first."),
        click.option("--number", default="", help="A telephone outside."),
    ):
        command = option(command)
    return command


@click.group()
def talk() -> None:
    """Move the talk of an agent: hold, transfer, ask somebody, make it three.

    \b
    ivr talk show 801                           where the talk stands
    ivr talk hold 801                           music for the caller; `resume` ends it
    ivr talk transfer 801 --skill licensed:3    back into the queue, with that need and the old joining time
    ivr talk consult 801 --to 802               801 asks 802 while the caller waits in music
    ivr talk complete 801                       … 802 has the caller, 801 the wrap-up
    """


@talk.command()
@click.argument("agent")
@_JSON
def show(agent: str, as_json: bool) -> None:
    """Where the talk of AGENT stands.

    \b
    ivr talk show 801 --json
    """
    told = done("GET", f"/talks/{quote(agent)}")
    asked = f", asks {told['asked']}" if told["asked"] else ""
    _tell(told, f"{agent} at {told['seat']}: {told['stage']}{asked}, call {told['call']}", as_json)


def _plain(name: str, help_text: str, said: str) -> None:
    @talk.command(name, help=f"{help_text}\n\n\b\nivr talk {name} 801")
    @click.argument("agent")
    @_JSON
    def command(agent: str, as_json: bool) -> None:
        _tell(done("POST", f"/talks/{quote(agent)}/{name}", {}), f"{agent}: {said}", as_json)


_plain("hold", "The caller of AGENT hears music, until `resume`.", "the caller is on hold.")
_plain("resume", "AGENT and the caller talk again.", "with the caller again.")
_plain("return", "AGENT leaves whoever was asked, and talks with the caller again.", "with the caller again.")
_plain("complete", "Whoever AGENT asks has the caller from now on.", "transferred.")
_plain("conference", "AGENT, the caller and whoever was asked talk together.", "three in the talk.")
_plain("verify", "The caller of AGENT proves who it is, by secret digits.", "the caller is asked for the digits.")


@talk.command()
@click.argument("agent")
@_whom
@_JSON
def transfer(agent: str, as_json: bool, **to: str) -> None:
    """Send the caller of AGENT elsewhere, without asking there first.

    Whoever does not answer gives the caller back to the queue, in front. Numbers outside are for the roles in
    talk_rules.yaml.

    \b
    ivr talk transfer 801 --to 802
    ivr talk transfer 801 --skill licensed:3
    ivr talk transfer 801 --branch SH01
    ivr talk transfer 801 --number 02155501234
    """
    told = done("POST", f"/talks/{quote(agent)}/transfer", _target(to))
    _tell(told, f"{agent}: transferred to {told['to']}.", as_json)


@talk.command()
@click.argument("agent")
@_whom
@_JSON
def consult(agent: str, as_json: bool, **to: str) -> None:
    """AGENT rings somebody for a question; the caller hears music and comes back however it ends.

    \b
    ivr talk consult 801 --to 802
    ivr talk complete 801        the caller goes there
    ivr talk conference 801      all three
    ivr talk return 801          back to the caller
    """
    told = done("POST", f"/talks/{quote(agent)}/consult", _target(to))
    _tell(told, f"{agent}: rings {told['to']}.", as_json)


def _target(to: dict[str, str]) -> dict[str, Any]:
    named = {name: word for name, word in to.items() if word}
    if len(named) != 1:
        raise click.UsageError("Say one of --to, --skill, --branch and --number.")
    if "agent_to" in named:
        return {"agent": named["agent_to"]}
    if "skill" in named:
        skill, _, level = named["skill"].partition(":")
        if level and not level.isdecimal():
            raise click.UsageError(f'{named["skill"]!r} is no skill with a level: write "licensed:3".')
        return {"skill": skill, "level": int(level or 1)}
    return dict(named)


def _tell(told: dict[str, Any], line: str, as_json: bool) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else line)
