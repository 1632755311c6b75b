"""What is learned from durations, held against distributions whose answers are known."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from outbound.hazards import TALK_BINS, Level, Rings, Stays, survival

GRID = np.array([2, 6, 12, 26])  # s ahead


def rings(keep: float = 1.0) -> Rings:
    return Rings(32, chance=0.55, mean=9.0, weight=10.0, keep=keep)


def test_exponential_stays_have_their_rate_as_hazard() -> None:
    chance = Random(1)
    talks = Stays(TALK_BINS, longest=680, mean=90.0, keep=1.0)
    for _ in range(20_000):
        talks.ended(chance.expovariate(1 / 100.0))
    hazard = talks.hazard()
    assert hazard[10:200] == pytest.approx(0.01, rel=0.15)
    assert float(survival(hazard)[100]) == pytest.approx(math.exp(-1.0), abs=0.02)


def test_stays_that_go_on_count() -> None:
    """Of 1,000 stays with a mean of 100 s, watched for 60 s only: those cut say as much as those that ended."""
    chance = Random(2)
    talks = Stays(TALK_BINS, longest=680, mean=90.0, keep=1.0)
    for _ in range(2000):
        length = chance.expovariate(1 / 100.0)
        talks.spend(np.zeros(1), np.array([min(length, 30.0)]))  # told while it goes on …
        if length > 30.0:
            talks.spend(np.array([30.0]), np.array([min(length, 60.0)]))
        if length < 60.0:
            talks.ended(length, counted=length)  # … and of its end
    hazard = talks.hazard()
    assert float(hazard[5:55].mean()) == pytest.approx(0.01, rel=0.12)


def test_a_stay_at_an_edge_falls_into_the_bin_that_begins_there() -> None:
    talks = Stays((0, 5, 10), longest=30, mean=90.0, keep=1.0)
    talks.ended(5.0)
    assert talks.events.tolist() == [1.0, 2.0, 1.0]
    assert talks.exposure.tolist() == [95.0, 90.0, 90.0]


def test_the_level_follows_a_jump() -> None:
    level = Level(1, 8.0, 45.0)
    for _ in range(200):
        level.event()
        level.spent += 50.0
    assert level.value(np.array([0.01])) == pytest.approx(2.0, rel=0.2)
    assert level.value(np.array([0.02])) == pytest.approx(1.0, rel=0.1)  # the common hazard has learned it meanwhile


def test_the_share_that_is_answered_is_learned_with_its_time() -> None:
    chance = Random(3)
    learned = rings()
    for _ in range(6000):
        if chance.random() < 0.3:
            learned.answered(2.0 + min(chance.gammavariate(4.0, 2.5), 25.0), None)
        else:
            learned.failed(2.0 if chance.random() < 0.2 else 27.0, None)
    learned.settle()
    assert learned.chance == pytest.approx(0.3, abs=0.02)
    assert learned.likely(None) == pytest.approx(0.3, abs=0.06)  # the last 45 answers tell
    learned.factor = 1.0
    by = learned.answer_by(None, GRID)
    assert by[0].tolist() == pytest.approx([0.0, 0.033, 0.17, 0.3], abs=0.03)
    assert by[20, -1] < 0.1  # whoever has not answered after 20 s hardly will


def test_dials_given_up_do_not_lower_the_chance() -> None:
    """Half of the dials are given up at 8 s: what became of them nobody knows."""
    chance = Random(4)
    learned = rings()
    for _ in range(8000):
        answers = chance.random() < 0.4
        at = 2.0 + min(chance.gammavariate(4.0, 2.5), 25.0) if answers else 27.0
        if chance.random() < 0.5 and at > 8.0:
            learned.spend(0.0, 8.0, None)
        elif answers:
            learned.answered(at, None)
        else:
            learned.failed(at, None)
    learned.settle()
    assert learned.chance == pytest.approx(0.4, abs=0.03)


def test_dials_that_still_ring_count() -> None:
    """Ten dials ring for 20 s: the level is lower than before, though none of them has ended."""
    learned = rings()
    for _ in range(100):
        learned.answered(10.0, None)
        learned.failed(27.0, None)
    learned.settle()
    before = learned.factor
    for _ in range(10):
        learned.spend(0.0, 20.0, None)
    learned.settle()
    assert learned.factor < before


def test_a_dial_of_its_own_chance_keeps_it_relative_to_the_level() -> None:
    chance = Random(5)
    learned = rings()
    for number in range(4000):  # the model believes in 0.5 and 0.2; both are answered with half those odds
        believed = chance.choice((0.5, 0.2))
        odds = 0.5 * believed / (1 - believed)
        if chance.random() < odds / (1 + odds):
            learned.answered(10.0, believed)
        else:
            learned.failed(27.0, believed)
        if number % 50 == 0:
            learned.settle()
    learned.settle()
    for believed, true in ((0.5, 1 / 3), (0.2, 1 / 9)):
        assert learned.likely(believed) == pytest.approx(true, abs=0.1)


def test_what_was_learned_goes_on_in_the_next_one() -> None:
    first = rings()
    for _ in range(300):
        first.failed(27.0, None)
        first.answered(9.0, None)
    second = rings()
    second.restore(first.as_data(), 0.5)
    assert second.chance == pytest.approx(0.5, abs=0.03)
