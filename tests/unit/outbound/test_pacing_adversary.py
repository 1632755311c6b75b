"""Whatever the customers do, no more is abandoned than the cap allows and what was in flight when it was reached."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound.pacing import Limits, Mode, Pacer, PacingRules

OPEN = Limits(most=40)
SEATS = 4


def play(mode: Mode, steps: list[tuple[int, int, int]]) -> None:
    """Each step: so many of the ringing dials are answered, so many fail, so many talks end; then a decision."""
    made = Pacer(PacingRules(mode=mode, learning=3, ratio=4.0))
    idle, talking, ringing = [f"s{number}" for number in range(SEATS)], [], []
    for seat in idle:
        made.seat(seat, "idle", 0.0)
    since: dict[str, float] = {}
    now, count, answered, abandoned, most_ringing = 0.0, 0, 0, 0, 0
    for answers, failures, ends in steps:
        now += 3.0
        for _ in range(min(ends, len(talking))):
            seat = talking.pop(0)
            made.seat(seat, "wrap_up", now)
            made.seat(seat, "idle", now)
            idle.append(seat)
        for _ in range(min(answers, len(ringing))):
            dial = ringing.pop(0)
            made.answered(dial, now)
            answered += 1
            if idle:
                made.connected(dial, now)
                seat = idle.pop(0)
                made.seat(seat, "talking", now)
                talking.append(seat)
            else:
                made.abandoned(dial, now + 2.0)
                abandoned += 1
        for _ in range(min(failures, len(ringing))):
            made.failed(ringing.pop(), now)
        for dial in [one for one in ringing if now - since[one] > 27.0]:  # rung out
            made.failed(dial, now)
            ringing.remove(dial)
        decision = made.decide(now + 2.0, OPEN)
        if decision.why.limited_by == "room":
            assert decision.dial <= max(len(idle) - len(ringing), 0)
        for dial in decision.cancel:
            made.cancelled(dial, now + 2.0)
            ringing.remove(dial)
        for _ in range(decision.dial):
            count += 1
            made.dialled(f"d{count}", now + 2.0)
            ringing.append(f"d{count}")
            since[f"d{count}"] = now + 2.0
        most_ringing = max(most_ringing, len(ringing))
        assert abandoned <= 0.03 * answered + 3.0 + most_ringing


@pytest.mark.parametrize("mode", ["predictive", "power"])
def test_everybody_answers_at_once_and_talks_for_ever(mode: Mode) -> None:
    """The worst that can happen: nobody answers for long, then everybody does, and no agent is ever free again."""
    lull = [(0, 3, 1)] * 60
    play(mode, (lull + [(40, 0, 0)] * 30) * 4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 4)), min_size=20, max_size=150))
def test_no_sequence_breaks_the_cap_by_more_than_what_was_in_flight(steps: list[tuple[int, int, int]]) -> None:
    play("predictive", steps)
