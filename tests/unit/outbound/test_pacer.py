"""What the pacer decides, whatever happens to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.pacing import History, Limits, Mode, Pacer, PacingRules

OPEN = Limits()
MODES: tuple[Mode, ...] = ("preview", "progressive", "power", "predictive")


def pacer(mode: Mode = "predictive", seats: int = 0, **rules: Any) -> Pacer:
    made = Pacer(PacingRules(mode=mode, **rules))
    for number in range(seats):
        made.seat(f"s{number}", "idle", 0.0)
    return made


@pytest.mark.parametrize("mode", MODES)
def test_without_seats_nobody_is_dialled(mode: Mode) -> None:
    decision = pacer(mode).decide(1.0, OPEN)
    assert decision.dial == 0
    assert decision.why.limited_by == "no_seats"


@pytest.mark.parametrize("mode", ["preview", "progressive"])
def test_one_line_for_each_idle_seat(mode: Mode) -> None:
    made = pacer(mode, seats=4)
    assert made.decide(0.0, OPEN).dial == 4
    made.dialled("a", 0.0)
    made.dialled("b", 0.0)
    assert made.decide(0.5, OPEN).dial == 2


def test_power_dials_so_many_lines_for_each_idle_seat() -> None:
    assert pacer("power", seats=4, ratio=2.5).decide(0.0, OPEN).dial == 10


def test_power_without_room_is_progressive() -> None:
    made = pacer("power", seats=4, ratio=2.5)
    for number in range(8):
        made.dialled(f"d{number}", 0.0)
        made.answered(f"d{number}", 5.0)
        made.abandoned(f"d{number}", 7.0)
    decision = made.decide(8.0, OPEN)
    assert (decision.dial, decision.why.acting, decision.why.limited_by) == (4, "progressive", "room")


def test_with_little_knowledge_predictive_is_progressive() -> None:
    decision = pacer(seats=5).decide(0.0, OPEN)
    assert (decision.dial, decision.why.acting, decision.why.limited_by) == (5, "progressive", "learning")


def test_seats_of_the_hotline_are_given_up_when_it_is_in_danger() -> None:
    made = Pacer(PacingRules(mode="progressive"))
    made.seat("own", "idle", 0.0, shared=False)
    for number in range(4):
        made.seat(f"shared{number}", "idle", 0.0, shared=True)
    made.inbound(waiting=1, reserve=1, in_danger=False, now=0.0)
    assert made.decide(0.0, OPEN).dial == 3
    made.inbound(waiting=9, reserve=1, in_danger=True, now=0.0)
    assert made.decide(0.0, OPEN).dial == 1
    made.seat("own", "gone", 1.0)
    assert made.decide(1.0, OPEN).why.limited_by == "danger"


def test_whoever_asks_to_leave_is_not_counted() -> None:
    made = pacer("progressive", seats=2)
    made.seat("s0", "gone", 1.0)
    made.seat("s1", "away", 1.0)
    assert made.decide(1.0, OPEN).dial == 0


def test_what_was_learned_is_plain_data_and_goes_on() -> None:
    made = pacer(seats=3)
    for number in range(40):
        made.dialled(f"d{number}", float(number))
        made.failed(f"d{number}", number + 20.0)
    data = json.loads(json.dumps(made.history().as_data()))
    again = Pacer(PacingRules(), History.from_data(data))
    again.seat("s", "idle", 0.0)
    decision = again.decide(0.0, OPEN)
    assert decision.why.acting == "predictive"
    assert decision.why.answer_chance < 0.3  # the first guess is 0.55


def test_calls_of_which_no_news_comes_do_not_hold_up_the_campaign() -> None:
    made = pacer("progressive", seats=2)
    made.dialled("lost", 0.0)
    made.dialled("answered", 0.0)
    made.answered("answered", 10.0)
    assert made.decide(11.0, OPEN).dial == 0
    assert made.decide(100.0, OPEN).dial == 2


def test_a_dial_that_rings_too_long_for_what_is_left_is_given_up_never_before_its_time() -> None:
    made = pacer(seats=1, learning=0)
    for number in range(8):
        made.dialled(f"d{number}", 0.0)
        made.ringing(f"d{number}", 2.0)
    made.seat("s0", "talking", 1.0)
    assert made.decide(16.9, OPEN).cancel == ()
    assert len(made.decide(17.0, OPEN).cancel) >= 6
    assert pacer(seats=1, learning=0, cancelling=False).decide(17.0, OPEN).cancel == ()


def test_who_answers_a_dial_that_was_just_given_up_counts() -> None:
    made = pacer("progressive", seats=1)
    made.dialled("d", 0.0)
    made.cancelled("d", 17.0)
    made.answered("d", 17.1)
    decision = made.decide(17.2, OPEN)
    assert (decision.dial, decision.why.waiting) == (0, 1)
    assert decision.why.shares["day"] == (1.0, 0.0)


def test_news_out_of_order_is_borne() -> None:
    made = pacer(seats=2, learning=0)
    made.dialled("d", 10.0)
    made.seat("s0", "talking", 10.0)
    assert made.decide(7.0, OPEN).why.talking == 1
    made.answered("d", 6.0)
    made.seat("s0", "wrap_up", 5.0)
    assert made.decide(8.0, OPEN).why.wrapping_up == 1


def test_a_decision_is_explained_in_words() -> None:
    decision = pacer(seats=3).decide(0.0, OPEN)
    assert "dial 3 more" in decision.why.words("en", decision.dial)
    assert "little is known" in decision.why.words("en", decision.dial)
    assert "再拨 3 个" in decision.why.words("zh", decision.dial)
    nobody = pacer().decide(0.0, OPEN)
    assert "没有坐席" in nobody.why.words("zh", nobody.dial)


@st.composite
def days(draw: st.DrawFn) -> list[tuple[str, int, float]]:
    kinds = ("dial", "answer", "fail", "connect", "abandon", "idle", "talking", "wrap_up", "away", "gone", "decide")
    return draw(
        st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 9), st.floats(0.0, 40.0)), min_size=5, max_size=60)
    )


def play(
    made: Pacer, day: list[tuple[str, int, float]], limits: Limits, upcoming: list[float | None]
) -> list[tuple[int, tuple[str, ...], dict[str, Any]]]:
    now = 0.0
    told: list[tuple[int, tuple[str, ...], dict[str, Any]]] = []
    facts: dict[str, Callable[[str, float], None]] = {
        "answer": made.answered,
        "fail": made.failed,
        "connect": made.connected,
        "abandon": made.abandoned,
    }
    for kind, number, later in day:
        now += later
        if kind == "dial":
            made.dialled(f"d{number}", now, None if number % 2 else number / 10 + 0.05)
        elif kind == "decide":
            decision = made.decide(now, limits, upcoming)
            told.append((decision.dial, decision.cancel, decision.why.as_data()))
        elif kind in facts:
            facts[kind](f"d{number}", now)
        else:
            made.seat(f"s{number}", kind, now)  # type: ignore[arg-type]
    return told


@settings(deadline=None)
@given(
    day=days(),
    mode=st.sampled_from(MODES),
    channels=st.integers(0, 6),
    tokens=st.integers(0, 6),
    upcoming=st.lists(st.none() | st.floats(0.01, 0.99), min_size=1, max_size=8),
)
def test_limits_hold_and_the_same_facts_give_the_same_decisions(
    day: list[tuple[str, int, float]], mode: Mode, channels: int, tokens: int, upcoming: list[float | None]
) -> None:
    limits = Limits(channels=channels, per_second=tokens)
    first = play(pacer(mode, learning=3), day, limits, upcoming)
    assert first == play(pacer(mode, learning=3), day, limits, upcoming)
    for dial, _, why in first:
        assert 0 <= dial <= min(channels, tokens, len(upcoming))
        assert dial == 0 or why["seats"] > 0
        assert 0.0 <= why["over_answer"] <= 1.0
    json.dumps([why for _, _, why in first], allow_nan=False)
