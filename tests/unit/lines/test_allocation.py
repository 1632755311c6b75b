"""Who gets a line: the rules one by one, and what holds whatever the figures are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.lines.allocation import CLASSES, RANK, CallClass, TrunkGroup, decide

CITY = TrunkGroup("city", 10, kept={"trading": 4, "gold": 2, "platinum": 1}, limits={"others": 3, "registered": 5})


def up(**calls: int) -> list[int]:
    return [calls.get(name, 0) for name in CLASSES]


def admitted(counts: Sequence[int], group: TrunkGroup = CITY) -> set[CallClass]:
    return {name for name in CLASSES if decide(group, counts, name).admitted}


def test_all_get_a_line_while_there_are_plenty() -> None:
    assert admitted(up()) == set(CLASSES)
    assert admitted(up(others=2, trading=3)) == set(CLASSES)


def test_the_last_lines_are_kept_for_the_higher_classes() -> None:
    assert admitted(up(trading=5)) == set(CLASSES)
    assert admitted(up(trading=6)) == {"trading", "gold", "platinum"}
    assert admitted(up(trading=8)) == {"gold", "platinum"}
    assert admitted(up(trading=9)) == {"platinum"}
    assert admitted(up(trading=10)) == set()


def test_a_limit_counts_the_classes_below_as_well() -> None:
    assert "others" not in admitted(up(others=3))
    assert admitted(up(others=2, registered=3)) == {"trading", "gold", "platinum"}
    assert "registered" in admitted(up(others=3))


def test_every_decision_says_why() -> None:
    assert decide(CITY, up(trading=6), "others").why == "others: 4 lines free, the last 4 are kept for higher classes"
    assert decide(CITY, up(others=3), "others").why == "others: there may be 3 calls of others and below, and there are"
    assert decide(CITY, up(others=2, registered=3), "others").of == "registered"
    assert decide(CITY, up(trading=10), "platinum").why == "platinum: no line is free"
    assert decide(CITY, up(), "gold").why == "gold: 10 lines free, 1 to be left"


def test_a_group_made_smaller_while_calls_are_up_lets_nobody_in() -> None:
    decision = decide(TrunkGroup("city", 3), up(others=5), "platinum")
    assert (decision.admitted, decision.rule, decision.free) == (False, "all_busy", 0)


@pytest.mark.parametrize("name", CLASSES)
def test_without_rules_only_the_lines_count(name: CallClass) -> None:
    group = TrunkGroup("plain", 2)
    assert decide(group, up(others=1), name).admitted
    assert not decide(group, up(others=2), name).admitted


def by_class(most: int) -> st.SearchStrategy[dict[CallClass, int]]:
    return st.dictionaries(st.sampled_from(CLASSES), st.integers(0, most))


groups = st.builds(TrunkGroup, st.just("any"), st.integers(1, 12), kept=by_class(12), limits=by_class(12))
counts = st.lists(st.integers(0, 5), min_size=len(CLASSES), max_size=len(CLASSES))


@given(groups, counts)
def test_whenever_a_lower_class_gets_a_line_a_higher_one_would(group: TrunkGroup, there: list[int]) -> None:
    """Also with figures that the file's checks would refuse."""
    let_in = [decide(group, there, name).admitted for name in CLASSES]
    assert let_in == sorted(let_in)


@given(groups, st.lists(st.tuples(st.booleans(), st.sampled_from(CLASSES)), max_size=60))
def test_never_more_calls_than_lines_and_limits(group: TrunkGroup, happenings: list[tuple[bool, CallClass]]) -> None:
    there = [0] * len(CLASSES)
    for comes, name in happenings:
        rank = RANK[name]
        if comes:
            there[rank] += decide(group, there, name).admitted
        elif there[rank]:
            there[rank] -= 1
        assert sum(there) <= group.lines
        for limited, most in group.limits.items():
            assert sum(there[: RANK[limited] + 1]) <= most


@given(groups, counts, st.sampled_from(CLASSES), st.sampled_from(CLASSES))
def test_a_call_that_ends_never_takes_a_line_from_anybody(
    group: TrunkGroup, there: list[int], ended: CallClass, arriving: CallClass
) -> None:
    if there[RANK[ended]]:
        before = decide(group, there, arriving).admitted
        there[RANK[ended]] -= 1
        assert decide(group, there, arriving).admitted >= before
