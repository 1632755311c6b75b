"""``ivr outbound causes``: what a SIP code and a hang-up cause say of a call that nobody answered."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("sip", type=click.IntRange(0, 699), required=False, default=0)
@click.argument("cause", type=click.IntRange(0, 127), required=False, default=0)
@click.option("--trunk", default="", help="On this trunk.")
@click.option("--rang", is_flag=True, help="A telephone had rung before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def causes(sip: int, cause: int, trunk: str, rang: bool, as_json: bool) -> None:
    """Check causes.yaml, and say what SIP (and the Q.850 CAUSE of the hang-up) make of a dial that was not answered.

    \b
    ivr outbound causes                        is the table right?
    ivr outbound causes 480 19                 480 before anything rang
    ivr outbound causes 403 21 --rang --trunk unicom
    ivr outbound causes 0 20                   no SIP code: the cause alone
    """
    from ivr import config
    from outbound import causes as table_file
    from outbound.outcomes import FACTS, EndOfDial, outcome_of

    table = table_file.read(config.load().outbound / "causes.yaml")
    if not sip and not cause:
        told = {"sip": len(table.sip), "causes": len(table.causes), "trunks": sorted(table.trunks)}
        own = f", and what {', '.join(sorted(table.trunks))} means otherwise" if table.trunks else ""
        sentence = f"{len(table.sip)} SIP codes and {len(table.causes)} causes{own}."
        click.echo(json.dumps(told) if as_json else sentence)
        return
    outcome = outcome_of(EndOfDial(trunk=trunk, sip=sip, cause=cause, reason=0, rang=rang), table)
    facts = FACTS[outcome]
    counts = "counts as an attempt" if facts.attempt else "no attempt on the customer"
    phone = f"the number becomes {facts.phone}" if facts.phone else "the number stays as it is"
    told = {"outcome": outcome, "attempt": facts.attempt, "phone": facts.phone, "next_number": facts.next_number}
    click.echo(json.dumps(told) if as_json else f"{outcome} ({facts.zh}): {counts}; {phone}.")
