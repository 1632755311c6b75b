"""``ivr outbound``: campaigns that call customers. One file per family of commands; each is added to the group here."""

from __future__ import annotations

import click

from ivr.cli.outbound_announcements import announcements
from ivr.cli.outbound_answers import answers
from ivr.cli.outbound_campaigns import check_campaigns, list_campaigns, show_campaign
from ivr.cli.outbound_causes import causes
from ivr.cli.outbound_group import EXIT_CODES, OutboundGroup
from ivr.cli.outbound_orders import pause, resume, settle, stop
from ivr.cli.outbound_plan import plan
from ivr.cli.outbound_report import report
from ivr.cli.outbound_run import run
from ivr.cli.outbound_script import script
from ivr.cli.outbound_simulate import simulate
from ivr.cli.outbound_status import status


@click.group(cls=OutboundGroup, epilog=EXIT_CODES)
def outbound() -> None:
    """Call customers: campaigns, and how they are paced.

    \b
    ivr outbound check                       are all campaigns right?
    ivr outbound plan new_account_revisit    who will be called; again every morning
    ivr outbound run new_account_revisit     have it dialled until the hours are over; made for cron
    ivr outbound status                      how far they have come, as it goes on
    ivr outbound report --by-hand            whom people must see to
    ivr outbound answers satisfaction_survey what customers said
    ivr outbound simulate revisit            what a day of predictive dialing does to agents and customers
    ivr outbound script try dormant          play a script in this terminal
    ivr outbound announcements list          what carriers say before anybody answers, and how it is recognised
    ivr outbound causes 480 19               what a code of the network says of a dial
    """


for command in (
    simulate,
    script,
    announcements,
    causes,
    list_campaigns,
    check_campaigns,
    show_campaign,
    plan,
    run,
    status,
    pause,
    resume,
    stop,
    settle,
    report,
    answers,
):
    outbound.add_command(command)
