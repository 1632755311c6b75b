"""``ivr outbound``: campaigns that call customers. One file per family of commands; each is added to the group here."""

from __future__ import annotations

import click

from ivr.cli.outbound_announcements import announcements
from ivr.cli.outbound_script import script
from ivr.cli.outbound_simulate import simulate


@click.group()
def outbound() -> None:
    """Call customers: campaigns, and how they are paced.

    \b
    ivr outbound simulate revisit            what a day of predictive dialing does to agents and customers
    ivr outbound script try dormant          play a script in this terminal
    ivr outbound announcements list          what carriers say before anybody answers, and how it is recognised
    """


for command in (simulate, script, announcements):
    outbound.add_command(command)
