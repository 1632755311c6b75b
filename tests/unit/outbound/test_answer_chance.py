"""The chance of each number: learned, drawn to the mean, never out of bounds, and good for the order of dialling."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.answer_chance import AnswerChance, Facts, Past, part_of


def learned(truth: dict[int, float], attempts: int = 4000) -> AnswerChance:
    chance, model = Random(1), AnswerChance()
    for _ in range(attempts):
        hour = chance.choice(list(truth))
        model.observe(Facts(hour=hour), chance.random() < truth[hour])
    return model


def test_hours_are_told_apart() -> None:
    truth = {9: 0.2, 12: 0.5, 18: 0.35}
    model = learned(truth)
    for hour, share in truth.items():
        assert model.chance(Facts(hour=hour)) == pytest.approx(share, abs=0.05)


def test_little_seen_is_little_believed() -> None:
    model = learned({9: 0.3}, attempts=500)
    before = model.chance(Facts(hour=10))
    model.observe(Facts(hour=10), True)
    assert before < model.chance(Facts(hour=10)) < before + 0.1


def test_a_number_is_known_by_its_past() -> None:
    model = learned({9: 0.3})
    never, unknown, always = (model.chance(Facts(hour=9, number=past)) for past in (Past(6, 0), Past(), Past(6, 6)))
    assert never < unknown - 0.08
    assert always > unknown + 0.08


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 23), st.integers(1, 20), st.booleans(), st.sampled_from(("", "a", "b")), st.booleans()
        ),
        max_size=80,
    )
)
def test_a_chance_is_a_probability_whatever_was_seen(seen: list[tuple[int, int, bool, str, bool]]) -> None:
    model = AnswerChance()
    for hour, attempt, weekend, kind, answered in seen:
        facts = Facts(hour=hour, attempt=attempt, weekend=weekend, list=kind, kind=kind, number=Past(attempt, 1))
        before = model.chance(facts)
        model.observe(facts, answered)
        after = model.chance(facts)
        assert 0.0 < after < 1.0
        assert after >= before if answered else after <= before
    again = AnswerChance.from_data(json.loads(json.dumps(model.as_data())))
    assert again.chance(Facts(hour=9)) == pytest.approx(model.chance(Facts(hour=9)), abs=1e-3)


def test_kept_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="base"):
        AnswerChance.from_data({"base": [math.nan, 1.0]})


def test_who_is_likelier_later_waits() -> None:
    model = learned({10: 0.3, 18: 0.3})
    now = Facts(hour=10, list="x")
    evening = Facts(hour=10, list="x", part=Past(8, 0), number=Past(8, 0))  # never answered in the morning
    morning = Facts(hour=10, list="x", part=Past(8, 8), number=Past(8, 8))
    assert model.order([evening, now, morning], hours_left=[18]) == [2, 1, 0]


def test_parts_of_the_day_cover_it() -> None:
    assert [part_of(hour) for hour in (0, 10, 11, 13, 14, 17, 18, 23)] == [0, 0, 1, 1, 2, 2, 3, 3]
