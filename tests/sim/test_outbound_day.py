"""The books of a simulated day: every dial ends once, every second of an agent is counted once."""

from __future__ import annotations

import pytest

from outbound.pacing import Pacer, PacingRules
from outbound.policies import policy
from outbound.simulated_list import SimulatedList
from outbound.simulation import Simulation, Stretch, World

WORLD = World((Stretch(1500.0, 8, 0.5), Stretch(900.0, 3, 0.6), Stretch(600.0, 6, 0.2)))


@pytest.mark.parametrize("name", ["progressive", "power:2", "predictive", "adaptive", "clairvoyant"])
def test_every_answer_is_connected_or_abandoned(name: str) -> None:
    simulation = Simulation(WORLD, policy(name)(), seed=3, tick=1.0)
    total = simulation.run().total()
    # Whoever answered in the last two seconds waits still.
    assert 0 <= total.answered - total.connected - total.abandoned <= 3
    assert total.dialled - total.answered - total.cancelled >= len(simulation.futures) - 3
    assert total.worked < total.logged_in
    # Seats as planned; who leaves may stay for a talk longer (25 s and a talk at most, five agents).
    planned = 1500.0 * 8 + 900.0 * 3 + 600.0 * 6
    assert planned <= total.logged_in <= planned + 5 * 600.0


def test_who_asked_to_leave_takes_a_call_and_goes() -> None:
    """Four of five leave while twenty dials ring: without them nearly all of those would be abandoned."""
    staying = World((Stretch(600.0, 10, 0.9, talk_mean=40.0), Stretch(120.0, 1, 0.9, talk_mean=300.0)), leaving=25.0)
    going = World(staying.stretches, leaving=0.0)
    lost = [
        Simulation(world, Pacer(PacingRules(mode="power", ratio=1.0)), seed=4, tick=1.0).run().total().abandoned
        for world in (staying, going)
    ]
    assert lost[0] < lost[1]


@pytest.mark.parametrize("knows", ["nothing", "model", "truth"])
def test_a_list_is_dialled_number_by_number(knows: str) -> None:
    leads = SimulatedList(400, 1, answer=0.4, knows=knows, sorts=knows != "nothing")  # type: ignore[arg-type]
    world = World((Stretch(1200.0, 4, 0.4),))
    total = Simulation(world, Pacer(PacingRules()), seed=1, tick=1.0, leads=leads).run().total()
    assert leads.attempts == total.dialled
    assert 0 <= total.answered - leads.reached <= 0
    assert total.connected > 20


def test_what_is_believed_of_numbers_is_worth_something() -> None:
    """Numbers that the model thinks likely are answered more often than those it thinks unlikely."""
    leads = SimulatedList(600, 2, answer=0.3, spread=1.2, knows="model", past=8)
    seen: list[tuple[float, float]] = []
    for dial in range(600):
        believed, true = leads.take(0.0, dial)
        assert believed is not None
        assert true is not None
        seen.append((believed, true))
        leads.resolved(0.0, dial, true > 0.5)
    seen.sort()
    low, high = seen[:150], seen[-150:]
    assert sum(true for _, true in high) > 1.6 * sum(true for _, true in low)
