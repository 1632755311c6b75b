"""A short day of each mode on a virtual clock: agents are kept busier by the bolder modes, and the cap is kept."""

from __future__ import annotations

from outbound.pacing import Mode, Pacer, PacingRules
from outbound.simulation import Hour, Simulation, Stretch, World

WORLD = World((Stretch(2400.0, 10, 0.5), Stretch(1200.0, 6, 0.3)))


def day(mode: Mode) -> Hour:
    return Simulation(WORLD, Pacer(PacingRules(mode=mode)), seed=1, eager=False).run().total()


def test_bolder_modes_keep_agents_busier_under_the_cap() -> None:
    progressive, predictive = day("progressive"), day("predictive")
    assert progressive.abandoned_share <= 0.005
    assert predictive.abandoned_share <= 0.03
    assert predictive.utilisation >= progressive.utilisation + 0.03
    assert day("predictive") == predictive


def test_power_falls_back_to_the_cap() -> None:
    power = day("power")
    assert power.abandoned <= 0.03 * power.answered + 3.0  # three calls may be borrowed while there are few
    assert power.utilisation > day("progressive").utilisation
