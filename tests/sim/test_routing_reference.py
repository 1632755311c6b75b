"""The engine, run as the textbook's queues, gives the textbook's waits; and a brokerage's day keeps its promises."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from agent_routing import brokerage_day
from agent_routing.policy_file import read
from agent_routing.reference import Case, accumulating, cases, cobham, erlang_a, erlang_c, run
from agent_routing.simulation import AppQueue, Goldline, simulate

# Seeds are fixed, so this passes or fails the same each time. So few calls leave waits uncertain by a tenth, by more
# where seats are busy nine tenths of the time: the proof, a million calls each, is `ivr simulate --reference`.
CALLS, SEEDS = 40_000, range(8)
MOST_APART = {"A": 0.3, "G": 0.3, "H": 0.3}
OTHERS_APART = 0.12
RATIO_APART = 0.10  # of the waits of two classes: they grow and shrink together, so their ratio is surer than they are


def test_the_formulas_give_the_published_values() -> None:
    ten = [0.5 / 60, 1 / 60, 1.5 / 60]
    assert erlang_c(10, 9.0) == pytest.approx(0.668732, abs=1e-6)
    assert cobham(10, 180.0, ten) == pytest.approx([14.1614, 25.7480, 218.8576], abs=1e-3)
    assert cobham(1, 1.0, [0.2, 0.3, 0.3]) == pytest.approx([1.0, 2.0, 8.0])
    assert erlang_a(20, 200.0, 0.1, 120.0) == pytest.approx((0.470706, 0.099988, 11.9985), abs=1e-4)
    assert accumulating(1, 1.0, [0.2, 0.3, 0.3], [1, 0.5, 0.2]) == pytest.approx([2.0606, 3.2323, 6.0606], abs=1e-4)
    assert accumulating(10, 180.0, ten, [1, 0.5, 0.2]) == pytest.approx([46.4755, 79.9379, 171.9595], abs=1e-3)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_engine_reproduces_the_textbook(case: Case) -> None:
    rows = run(case, CALLS, SEEDS)
    for row in rows:
        assert row.simulated == pytest.approx(row.exact, rel=MOST_APART.get(case.name, OTHERS_APART)), row
    if "accumulating" in case.title:
        for first, second in pairwise(rows):
            ratio = second.exact / first.exact
            assert second.simulated / first.simulated == pytest.approx(ratio, rel=RATIO_APART)


def test_on_a_brokerage_s_day_the_policy_keeps_every_promise() -> None:
    chance = Random("a day")
    policy = read()
    seats = brokerage_day.seats(50, chance)
    calls = list(brokerage_day.calls(5000, seats, chance))
    seen = simulate(Goldline(policy, seats, None), seats, calls)
    for tier, waits in seen.items():
        target = policy.tiers[tier].target
        assert sum(wait <= target.within for wait in waits.waits) / waits.offered >= target.share, tier
        assert waits.answered + waits.abandoned == waits.offered
    assert seen == simulate(Goldline(policy, seats, None), seats, calls), "the same day again"


def test_under_load_nobody_starves_as_behind_strict_priority() -> None:
    chance = Random("a full day")
    seats = brokerage_day.seats(50, chance)
    calls = list(brokerage_day.calls(7000, seats, chance))
    ours = simulate(Goldline(read(), seats, None), seats, calls)
    theirs = simulate(AppQueue(seats), seats, calls)
    assert max(ours["normal"].waits) < max(theirs["normal"].waits)
    assert max(ours["platinum"].waits) <= max(theirs["platinum"].waits) + 30
