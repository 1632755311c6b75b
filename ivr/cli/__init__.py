"""The command ``ivr``: one file per group of commands, each a thin skin over a room that does the work.

Modules that a command needs are imported when it runs, so that ``ivr --help`` and ``ivr check`` stay quick.
"""

from __future__ import annotations

import sys

import click

from ivr.cli.agent import agent
from ivr.cli.agents import agents, seats
from ivr.cli.audit import audit
from ivr.cli.calendar import calendar
from ivr.cli.calls import calls, dial, doctor
from ivr.cli.customers import customers
from ivr.cli.desk import desk
from ivr.cli.do_not_call import donotcall
from ivr.cli.flows import check, graph, try_
from ivr.cli.hotline import run, serve
from ivr.cli.identity import identity
from ivr.cli.lines import lines
from ivr.cli.missed import missed
from ivr.cli.monitor import monitor
from ivr.cli.outbound import outbound
from ivr.cli.prompts import prompts
from ivr.cli.quotes import quotes
from ivr.cli.recordings import recordings
from ivr.cli.report import report
from ivr.cli.routing import routing, simulate
from ivr.cli.supervision import supervise
from ivr.cli.talks import talk
from ivr.cli.tiers import tiers
from ivr.cli.why import why
from ivr.errors import GoldlineError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="goldline", prog_name="ivr")
def cli() -> None:
    """Goldline: a telephone hotline for a securities brokerage.

    \b
    ivr run                                  start Asterisk and the controller (what `make run` does last)
    ivr dial 95500 --keys "1 600519#"        call the hotline with no telephone
    ivr check --test                         check the flows and run the tests beside them
    ivr try main                             play a flow in this terminal
    ivr doctor                               what is wrong, and what to do about it
    """


COMMANDS = (
    run,
    serve,
    dial,
    calls,
    monitor,
    doctor,
    check,
    graph,
    try_,
    lines,
    calendar,
    prompts,
    quotes,
    customers,
    tiers,
    identity,
    desk,
    agent,
    agents,
    seats,
    talk,
    supervise,
    audit,
    recordings,
    missed,
    donotcall,
    outbound,
    routing,
    simulate,
    report,
    why,
)
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Run ``ivr``; an error that we foresaw is one message and exit code 1, never a traceback."""
    try:
        cli(prog_name="ivr", standalone_mode=True)
    except GoldlineError as error:
        click.echo(f"{error}", err=True)
        sys.exit(1)
