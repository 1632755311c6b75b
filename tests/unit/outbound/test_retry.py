"""Which number comes next, and what becomes of a target after each outcome."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.attempt import PastDial
from db.customer import Phone
from db.dial_facts import DialFacts
from db.target import Target, TargetMove
from outbound.outcomes import FACTS, OUTCOMES, Outcome
from outbound.retry import Dial, after_attempt, again, choose, first_rank, last_day
from outbound.settling import APPOINTMENT
from tests.unit.outbound.campaign_texts import CLOCK, campaign, local, rules

LAW, REVISIT = rules(), campaign()
END = local(30, 23)
MORNING = local(20, 10)
FIRST, SECOND, THIRD = "+8613800138001", "+8613800138002", "+8613800138003"
TARGET = Target(
    id=1,
    campaign="revisit",
    key="900000000001",
    customer=7,
    account="900000000001",
    name="王芳",
    branch="SH01",
    tier="gold",
    language="zh",
    numbers=(),
    data={},
    state="held",
    why="",
    due_at=MORNING,
    rank=3,
    guaranteed=False,
    agent="",
    attempts=1,
    last_outcome="",
    last_at=None,
    closed_at=None,
    version=1,
)
TWO = DialFacts(TARGET, (Phone(FIRST), Phone(SECOND)))
ONE = DialFacts(TARGET, (Phone(FIRST),))


def dial(hours: float, outcome: str, number: str = FIRST) -> PastDial:
    return PastDial(number, 7, "revisit", 1, MORNING - datetime.timedelta(hours=hours), outcome, outcome == "abandoned")


def chosen(facts: DialFacts, now: datetime.datetime = MORNING, reserved: bool = False) -> Dial | TargetMove:
    return choose(now, LAW, REVISIT, facts, ends_at=END, clock=CLOCK, reserved=reserved)


def after(facts: DialFacts, outcome: Outcome, number: str = FIRST, now: datetime.datetime = MORNING) -> TargetMove:
    return after_attempt(now, LAW, REVISIT, facts, outcome, number=number, ends_at=END, clock=CLOCK)


def test_the_first_number_comes_first() -> None:
    assert chosen(TWO) == Dial(Phone(FIRST), 0)


@pytest.mark.parametrize(
    ("past", "rank"),
    [
        ([dial(5, "no_answer")], 0),  # in pairs: the first number once more
        ([dial(48, "no_answer"), dial(5, "busy")], 1),
        ([dial(5, "switched_off")], 1),
        ([dial(5, "machine")], 1),
        ([dial(48, "switched_off"), dial(5, "no_answer", SECOND)], 1),
        ([dial(72, "switched_off"), dial(48, "no_answer", SECOND), dial(5, "no_answer", SECOND)], 0),
    ],
)
def test_numbers_take_turns(past: list[PastDial], rank: int) -> None:
    found = chosen(replace(TWO, past=tuple(past)))
    assert isinstance(found, Dial)
    assert found.rank == rank


def test_numbers_that_are_known_to_be_dead_are_passed_over() -> None:
    phones = (Phone(FIRST, "wrong_person"), Phone(SECOND, "unallocated"), Phone(THIRD))
    assert chosen(replace(TWO, phones=phones)) == Dial(Phone(THIRD), 2)
    assert chosen(replace(TWO, phones=phones[:2])) == TargetMove("by_hand", "number_state")
    assert chosen(replace(TWO, phones=())) == TargetMove("by_hand", "no_number")


def test_a_number_of_somebody_who_is_no_customer_is_known_by_its_past() -> None:
    stranger = replace(TARGET, customer=None, numbers=(FIRST, SECOND))
    past = (replace(dial(48, "unallocated"), customer=None),)
    assert chosen(replace(TWO, target=stranger, past=past)) == Dial(Phone(SECOND), 1)


@pytest.mark.parametrize(
    ("forbidden", "attempts", "state"),
    [({FIRST: "said so", SECOND: "said so"}, 0, "excluded"), ({FIRST: "a", SECOND: "b"}, 2, "refused")],
)
def test_who_must_not_be_called(forbidden: dict[str, str], attempts: int, state: str) -> None:
    facts = replace(TWO, do_not_call=forbidden, target=replace(TARGET, attempts=attempts))
    assert chosen(facts) == TargetMove(state, "do_not_call")  # type: ignore[arg-type]
    one = replace(TWO, do_not_call={FIRST: "said so"})
    assert chosen(one) == Dial(Phone(SECOND), 1), "the customer's other number was not named"


def test_put_off_until_the_first_number_may_be_dialled() -> None:
    assert chosen(TWO, local(20, 12, 30)) == TargetMove("waiting", "hours", local(20, 13, 30))
    late = replace(TWO, target=replace(TARGET, data={"last_day": "2026-11-19"}))
    assert chosen(late) == TargetMove("by_hand", "too_late")
    assert chosen(TWO, END) == TargetMove("expired", "campaign_over")


@pytest.mark.parametrize(
    ("outcome", "move"),
    [
        ("reached", TargetMove("reached", "reached")),
        ("no_answer", TargetMove("waiting", "no_answer", local(20, 14), rank=2)),
        ("busy", TargetMove("waiting", "busy", local(20, 11), rank=2)),  # never sooner than the pause of the rules
        ("network", TargetMove("waiting", "network", local(20, 10, 10), rank=2)),  # nobody was disturbed
        ("abandoned", TargetMove("waiting", "abandoned", local(20, 11), rank=2, guaranteed=True)),
        ("unknown", TargetMove("waiting", "unknown", local(20, 14), rank=2)),
        ("refused", TargetMove("waiting", "refused", local(23, 9, 30), rank=2)),
    ],
)
def test_after_an_attempt_at_the_only_number(outcome: Outcome, move: TargetMove) -> None:
    assert after(ONE, outcome) == move


@pytest.mark.parametrize("outcome", ["unallocated", "stopped", "switched_off", "fax", "machine", "out_of_reach"])
def test_the_next_number_of_the_same_customer_is_tried_at_once(outcome: Outcome) -> None:
    assert after(TWO, outcome) == TargetMove("waiting", outcome, MORNING, rank=2)
    taken = replace(TWO, past=(dial(0, outcome),))
    if outcome == "unallocated":
        taken = replace(taken, phones=(Phone(FIRST, "unallocated"), Phone(SECOND)))
    assert chosen(taken) == Dial(Phone(SECOND), 1)


@pytest.mark.parametrize("outcome", ["unallocated", "stopped", "fax"])
def test_with_no_number_left_the_branch_sees_to_it(outcome: Outcome) -> None:
    move = after(ONE, outcome)
    assert move.state == "by_hand"
    assert move.why in ("number_state", "no_number")


def test_tried_as_often_as_may_be() -> None:
    past = tuple(dial(24 * day, "no_answer") for day in (16, 14, 11, 9))
    assert after(replace(ONE, past=past), "no_answer") == TargetMove("by_hand", "campaign_in_all")
    given_up = replace(REVISIT, exhausted="exhausted")
    move = after_attempt(
        MORNING, LAW, given_up, replace(ONE, past=past), "busy", number=FIRST, ends_at=END, clock=CLOCK
    )
    assert move == TargetMove("exhausted", "campaign_in_all")


def test_two_a_day() -> None:
    move = after(replace(ONE, past=(dial(0.4, "busy"),)), "busy")
    assert move == TargetMove("waiting", "busy", local(23, 9, 30), rank=2), "the third would be tomorrow, a Saturday"


def test_an_appointment_is_kept_until_its_number_answers() -> None:
    agreed = replace(ONE, target=replace(TARGET, why=APPOINTMENT, guaranteed=True, agent="801"))
    assert chosen(replace(agreed, past=(dial(0.1, "reached"),)), reserved=True) == Dial(Phone(FIRST), 0)
    move = after(agreed, "busy")
    assert (move.state, move.why, move.due_at) == ("waiting", APPOINTMENT, local(20, 10, 20))
    assert (move.agent, move.guaranteed) == (None, None), "the agent and the promise stay"


def test_ranks() -> None:
    assert [first_rank(order) for order in range(5)] == [1, 3, 5, 7, 9]
    assert [again(rank) for rank in (1, 3, 9, 8, 0)] == [0, 2, 8, 8, 0]


def test_the_last_day_of_a_target() -> None:
    assert last_day(replace(TARGET, data={"last_day": "2026-11-30"})) == datetime.date(2026, 11, 30)
    assert last_day(TARGET) is None
    assert last_day(replace(TARGET, data={"last_day": "tomorrow"})) is None


@given(
    st.lists(st.sampled_from([one for one in OUTCOMES if one != "reached"]), min_size=40, max_size=40),
    st.integers(1, 3),
)
def test_every_target_comes_to_an_end_and_no_cap_is_broken(outcomes: list[Outcome], numbers: int) -> None:
    """The whole life of a target, dialled whenever it may be."""
    long = replace(REVISIT, days=None)
    end = MORNING + datetime.timedelta(days=300)
    facts = DialFacts(TARGET, tuple(Phone(number) for number in (FIRST, SECOND, THIRD)[:numbers]))
    now, rang = MORNING, 0
    for step, outcome in enumerate(outcomes):
        reserved = facts.target.guaranteed
        found = choose(now, LAW, long, facts, ends_at=end, clock=CLOCK, reserved=reserved)
        if isinstance(found, TargetMove):
            assert found.state in ("by_hand", "exhausted", "expired"), f"step {step}: {found}"
            return
        number = found.phone.number
        move = after_attempt(now, LAW, long, facts, outcome, number=number, ends_at=end, clock=CLOCK)
        rang += FACTS[outcome].attempt
        assert rang <= long.attempts.in_all
        past = (*facts.past, PastDial(number, 7, "revisit", 1, now, outcome, outcome == "abandoned"))
        state = FACTS[outcome].phone
        phones = tuple(
            replace(phone, state=state) if phone.number == number and state else phone for phone in facts.phones
        )
        guaranteed = facts.target.guaranteed if move.guaranteed is None else move.guaranteed
        facts = DialFacts(replace(TARGET, why=move.why, guaranteed=guaranteed), phones, past=past)
        if move.state != "waiting":
            assert move.state in ("by_hand", "exhausted", "expired")
            return
        assert move.due_at is not None
        assert move.due_at >= now
        now = move.due_at
        days = [CLOCK.day(one.dialled_at) for one in past if FACTS[one.outcome].attempt]  # type: ignore[index]
        assert max((days.count(day) for day in days), default=0) <= long.attempts.day
    assert all(outcome in ("network",) or not FACTS[outcome].attempt for outcome in outcomes[rang:]), "it never ended"
