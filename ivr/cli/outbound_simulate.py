"""``ivr outbound simulate``: a campaign's day on a virtual clock, before anybody is called."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--seats", default=20, type=click.IntRange(1, 500), help="Seats of the day.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(seats: int, as_json: bool) -> None:
    """Let the pacer dial a made-up day."""
    from outbound.pacing import Pacer, PacingRules
    from outbound.simulation import Simulation, Stretch, World

    day = Simulation(World((Stretch(3600.0, seats, 0.4),)), Pacer(PacingRules()), seed=1, eager=False).run().total()
    told = {"utilisation": round(day.utilisation, 4), "abandoned": round(day.abandoned_share, 4)}
    click.echo(json.dumps(told) if as_json else f"busy {told['utilisation']:.1%}, abandoned {told['abandoned']:.2%}")
