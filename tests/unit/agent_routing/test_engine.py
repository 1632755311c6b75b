"""Who gets which seat: what a caller, an agent and a supervisor would notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_routing.decisions import Decision, Reserve, Withdraw
from agent_routing.engine import Engine, RoutingError
from agent_routing.estimate import AnnouncedWait, WaitRange, estimate
from agent_routing.events import (
    CallerJoins,
    CallerLeaves,
    Event,
    SeatAccepted,
    SeatBusy,
    SeatIdle,
    SeatKnown,
    SeatPaused,
    SeatRefused,
    Tick,
)
from agent_routing.policy_file import read
from agent_routing.pool import Caller, Seat
from agent_routing.talk_times import TalkTimes
from db.customer import Tier

POLICY = replace(read(), tiers={tier: replace(rule, reserve=0) for tier, rule in read().tiers.items()})
ZH = frozenset({"zh"})


def seat(name: str, agent: str = "", **more: object) -> Seat:
    return Seat(name, agent or f"agent of {name}", languages=ZH, **more)  # type: ignore[arg-type]


def caller(name: str, tier: Tier = "normal", joined: float = 0.0, **more: object) -> Caller:
    return Caller(name, tier, joined, "zh", **more)  # type: ignore[arg-type]


def engine_with(*seats: Seat, rest: float | None = None) -> Engine:
    engine = Engine(POLICY, None if rest is None else lambda _age: rest)
    for one in seats:
        engine.handle(SeatKnown(one), 0.0)
        engine.handle(SeatBusy(one.id), 0.0)
    return engine


def given(decisions: list[Decision]) -> list[tuple[str, str]]:
    return [(one.seat, one.caller) for one in decisions if isinstance(one, Reserve)]


def later(engine: Engine, until: float) -> list[tuple[float, Decision]]:
    """What time alone brings, up to a moment."""
    found: list[tuple[float, Decision]] = []
    while (due := engine.next_wakeup()) is not None and due <= until:
        found += [(due, one) for one in engine.handle(Tick(), due)]
    return found


def test_platinum_comes_first_then_who_is_past_the_longest_wait_then_urgency() -> None:
    engine = engine_with(seat("s", branch="A"))
    for one in (
        caller("normal past", "normal", 0.0),
        caller("gold", "gold", 301.0),
        caller("silver past", "silver", 50.0),
        caller("platinum", "platinum", 309.0),
        caller("silver", "silver", 280.0),
    ):
        engine.handle(CallerJoins(one), max(one.joined, 0.0))
    assert list(engine.order(310.0)) == ["platinum", "normal past", "silver past", "gold", "silver"]
    assert engine.position("gold", 310.0) == 4
    assert given(engine.handle(SeatIdle("s"), 310.0)) == [("s", "platinum")]


def test_a_caller_with_narrow_needs_holds_nobody_up() -> None:
    engine = engine_with(seat("s"))
    engine.handle(CallerJoins(caller("adviser wanted", "platinum", required={"adviser": 2})), 0.0)
    engine.handle(CallerJoins(caller("anyone will do", "normal", 1.0)), 1.0)
    assert given(engine.handle(SeatIdle("s"), 2.0)) == [("s", "anyone will do")]
    assert engine.explain("adviser wanted", 3.0).seats == {"the seat is reserved": 1}


def test_a_required_skill_is_never_relaxed_and_a_wish_is() -> None:
    engine = engine_with(
        seat("s", skills={"adviser": 1}, branch="A"), seat("expert", skills={"adviser": 3}, branch="A")
    )
    engine.handle(SeatIdle("s"), 0.0)
    engine.handle(CallerJoins(caller("law", branch="A", required={"adviser": 2})), 0.0)
    engine.handle(CallerJoins(caller("wish", branch="A", wished={"adviser": 2})), 0.0)
    assert next((at, one.seat, one.caller) for at, one in later(engine, 1000.0) if isinstance(one, Reserve)) == (
        8.0,
        "s",
        "wish",
    )
    assert "law" in engine.order(1000.0)


def test_rings_widen_with_time_and_one_without_anybody_takes_none() -> None:
    engine = engine_with(seat("other branch", branch="B"), seat("own branch", branch="A"))
    engine.handle(SeatIdle("other branch"), 0.0)
    assert given(engine.handle(CallerJoins(caller("from A", branch="A")), 0.0)) == []
    assert [(at, one.seat) for at, one in later(engine, 60.0) if isinstance(one, Reserve)] == [(5.0, "other branch")]
    engine.handle(CallerLeaves("from A"), 6.0)
    assert given(engine.handle(CallerJoins(caller("from C", branch="C", joined=7.0)), 7.0)) == [
        ("other branch", "from C")
    ]


def test_a_customer_waits_a_moment_for_the_own_manager_while_the_talk_is_about_to_end() -> None:
    seats = (seat("m", "wang", branch="A"), seat("s", branch="A"))
    soon, late = engine_with(*seats, rest=10.0), engine_with(*seats, rest=500.0)
    for engine, expected in ((soon, []), (late, [("s", "c")])):
        engine.handle(SeatIdle("s"), 0.0)
        assert given(engine.handle(CallerJoins(caller("c", "platinum", managers=("wang",))), 0.0)) == expected
    assert soon.explain("c", 1.0).held_for == "wang"
    assert given(soon.handle(SeatPaused("m"), 5.0)) == [("s", "c")], "a manager on a break is not waited for"


def test_a_manager_takes_the_own_customer_before_a_somewhat_more_urgent_stranger() -> None:
    engine = engine_with(seat("m", "wang"))
    engine.handle(CallerJoins(caller("stranger", "gold", 0.0)), 0.0)
    engine.handle(CallerJoins(caller("customer", "gold", 5.0, managers=("wang",))), 5.0)
    assert given(engine.handle(SeatIdle("m"), 20.0)) == [("m", "customer")]


def test_a_seat_that_refused_is_left_alone_and_not_offered_the_same_caller_at_once() -> None:
    engine = engine_with(seat("s"))
    engine.handle(CallerJoins(caller("c", "gold")), 0.0)
    assert given(engine.handle(SeatIdle("s"), 1.0)) == [("s", "c")]
    assert given(engine.handle(SeatRefused("s", "c"), 2.0)) == []
    engine.handle(CallerJoins(caller("d", joined=3.0)), 3.0)
    found = [(at, one.seat, one.caller) for at, one in later(engine, 20.0) if isinstance(one, Reserve)]
    assert found == [(7.0, "s", "d")]
    engine.handle(SeatAccepted("s", "d"), 8.0)
    engine.handle(SeatIdle("s"), 30.0)
    assert [(at, one.caller) for at, one in later(engine, 70.0) if isinstance(one, Reserve)] == [(62.0, "c")]


def test_a_lease_that_ends_gives_the_caller_back_with_the_place_kept() -> None:
    engine = engine_with(seat("s"), seat("t"))
    engine.handle(CallerJoins(caller("c", "gold")), 0.0)
    engine.handle(SeatIdle("s"), 1.0)
    engine.handle(SeatIdle("t"), 2.0)
    decisions = [one for _, one in later(engine, 26.0)]
    assert isinstance(decisions[0], Withdraw)
    assert decisions[0].reason == "lease expired"
    assert given(decisions) == [("t", "c")]
    assert isinstance(engine.handle(SeatAccepted("s", "c"), 27.0)[0], Withdraw), "too late: another seat rings"
    assert engine.urgency("c", 27.0) == pytest.approx((27 + 5) / 12)


def test_who_hangs_up_while_a_seat_rings_frees_it_for_the_next() -> None:
    engine = engine_with(seat("s"))
    engine.handle(CallerJoins(caller("c")), 0.0)
    engine.handle(CallerJoins(caller("d", joined=1.0)), 1.0)
    engine.handle(SeatIdle("s"), 2.0)
    assert given(engine.handle(CallerLeaves("c"), 3.0)) == [("s", "d")]


def test_few_seats_at_work_keep_none_idle_for_the_tiers_above() -> None:
    engine = Engine(read())
    for one in (seat("s"), seat("t")):
        engine.handle(SeatKnown(one), 0.0)
        engine.handle(SeatIdle(one.id), 0.0)
    assert len(given(engine.handle(CallerJoins(caller("first")), 0.0))) == 1
    assert len(given(engine.handle(CallerJoins(caller("second")), 0.0))) == 1


def test_whoever_was_kept_from_a_seat_gets_it_when_too_few_are_at_work_to_keep_any() -> None:
    engine = Engine(replace(read(), reserve_one_of=2))
    names = [str(number) for number in range(4)]
    for name in names:
        engine.handle(SeatKnown(seat(name)), 0.0)
        engine.handle(SeatBusy(name), 0.0)
    engine.handle(SeatIdle("0"), 0.0)
    engine.handle(SeatIdle("1"), 0.0)
    assert given(engine.handle(CallerJoins(caller("kept out")), 0.0)) == []
    assert given(engine.handle(SeatPaused("3"), 1.0)) == [("0", "kept out")]


def test_the_last_seats_are_kept_for_the_tiers_above_until_the_caller_is_overdue() -> None:
    engine = Engine(replace(read(), reserve_one_of=1))
    for one in (seat("s"), seat("t"), seat("u")):
        engine.handle(SeatKnown(one), 0.0)
        engine.handle(SeatIdle(one.id), 0.0)
    assert len(given(engine.handle(CallerJoins(caller("first")), 0.0))) == 1
    assert given(engine.handle(CallerJoins(caller("second")), 0.0)) == []
    assert len(given(engine.handle(CallerJoins(caller("gold", "gold", 1.0)), 1.0))) == 1
    assert engine.explain("second", 2.0).seats["kept for tiers above, or by its own pool"] == 1
    found = [(at, one.caller) for at, one in later(engine, 66.0) if isinstance(one, Reserve)]
    assert (65.0, "second") in found


def test_another_pool_lends_a_seat_to_a_tier_about_to_miss_its_target() -> None:
    engine = engine_with(seat("campaign", pool="outbound"))
    engine.handle(SeatIdle("campaign"), 0.0)
    engine.handle(CallerJoins(caller("normal")), 0.0)
    engine.handle(CallerJoins(caller("gold", "gold")), 0.0)
    assert next((at, one.caller) for at, one in later(engine, 60.0) if isinstance(one, Reserve)) == (14.0, "gold")


def test_the_longest_idle_comes_first_and_who_has_had_enough_today_last() -> None:
    tired = replace(seat("a"), calls_today=90)
    engine = engine_with(tired, seat("b"), seat("c"))
    for at, name in ((1.0, "a"), (2.0, "c"), (3.0, "b")):
        engine.handle(SeatIdle(name), at)
    names = [given(engine.handle(CallerJoins(caller(f"{n}", "gold", 4.0)), 4.0))[0][0] for n in range(3)]
    assert names == ["c", "b", "a"]


def test_a_caller_whom_a_seat_sees_through_two_rings_is_one_caller() -> None:
    able = {"adviser": 2}
    both, own = seat("both", branch="B", head_office=True, skills=able), seat("own", branch="A", skills=able)
    engine = engine_with(both, own)
    engine.handle(CallerJoins(caller("c", "gold", branch="A", wished=able)), 0.0)
    later(engine, 5.5)
    assert engine.explain("c", 5.5).rings_open == ("own branch", "any branch", "head office")
    engine.handle(SeatPaused("own"), 5.5)
    assert given(engine.handle(SeatIdle("both"), 5.6)) == [("both", "c")]


def test_a_new_policy_takes_over_without_touching_the_queue() -> None:
    engine = engine_with(seat("s", branch="B"), seat("own", branch="A"))
    engine.handle(SeatIdle("s"), 0.0)
    engine.handle(CallerJoins(caller("c", branch="A")), 0.0)
    at_once = replace(POLICY, rings=tuple(replace(ring, after={}) for ring in POLICY.rings))
    assert given(engine.replace_policy(at_once, 1.0)) == [("s", "c")]


def test_every_decision_says_why() -> None:
    engine = engine_with(seat("s"))
    engine.handle(CallerJoins(caller("c", "gold")), 0.0)
    engine.handle(CallerJoins(caller("n")), 0.0)
    decision = engine.handle(SeatIdle("s"), 10.0)[0]
    assert isinstance(decision, Reserve)
    assert decision.why.rivals[0].caller == "n"
    assert decision.why.words()[0] == "c (gold, by urgency, urgency 1.25) waited 10.0 s."


def test_events_of_strangers_are_told() -> None:
    engine = engine_with(seat("s"))
    engine.handle(CallerJoins(caller("c")), 0.0)
    for event in (SeatIdle("nobody's"), CallerJoins(caller("c"))):
        with pytest.raises(RoutingError):
            engine.handle(event, 1.0)
    over: Event = CallerLeaves("hung up long ago")
    assert engine.handle(over, 2.0) == []


def test_the_estimated_wait_follows_tier_and_talks_and_repeats_with_its_seed() -> None:
    engine = engine_with(seat("s"), seat("t"))
    for number in range(20):
        engine.handle(CallerJoins(caller(f"n{number:02}", "normal", float(number))), float(number))
    engine.handle(CallerJoins(caller("gold", "gold", 20.0)), 20.0)
    talks = TalkTimes([60.0, 90.0, 100.0, 110.0, 120.0, 130.0, 180.0, 300.0])
    found = estimate(engine, 25.0, talks, ["gold", "n00", "n19", "stranger"], 25, 7)
    assert found == estimate(engine, 25.0, talks, ["gold", "n00", "n19"], 25, 7)
    assert found["gold"].high < found["n19"].low
    assert found["n00"].low < found["n19"].low
    assert 300.0 < found["n19"].low < found["n19"].high < 3000.0
    assert len(engine.callers()) == 21, "the estimate leaves the queue alone"


def test_an_announced_wait_never_grows() -> None:
    told = AnnouncedWait()
    assert told.next(WaitRange(60.0, 120.0)) == WaitRange(60.0, 120.0)
    assert told.next(WaitRange(90.0, 200.0)) == WaitRange(60.0, 120.0)
    assert told.next(WaitRange(10.0, 30.0)) == WaitRange(10.0, 30.0)


def test_a_talk_that_has_lasted_long_is_expected_to_last_on_by_what_was_measured() -> None:
    talks = TalkTimes([10.0] * 50 + [100.0] * 50)
    assert talks.rest(0.0) == pytest.approx(55.0)
    assert talks.rest(20.0) == pytest.approx(80.0)
    assert talks.rest(500.0) > 0


def test_whom_we_called_takes_the_next_seat_wherever_it_is_and_whoever_waits() -> None:
    """A head office seat is ten seconds away from an ordinary caller while branches have agents who could."""
    branch, head_office = seat("b", branch="A"), seat("h", head_office=True)
    engine = engine_with(branch, head_office)
    engine.handle(CallerJoins(caller("platinum", "platinum", 0.0, required={"other": 1})), 0.0)
    engine.handle(CallerJoins(caller("waits", "platinum", 0.0)), 0.0)
    engine.handle(CallerJoins(caller("called", "normal", 100.0, at_once=True)), 100.0)
    assert next(iter(engine.order(100.0))) == "called"
    assert given(engine.handle(SeatIdle("h"), 100.1)) == [("h", "called")]
    assert given(engine.handle(SeatIdle("b"), 100.2)) == [("b", "waits")]


def test_whom_we_called_finds_a_head_office_seat_idle_at_once() -> None:
    engine = engine_with(seat("b", branch="A"), seat("h", head_office=True))
    engine.handle(SeatIdle("h"), 0.0)
    assert given(engine.handle(CallerJoins(caller("caller", "normal", 1.0)), 1.0)) == []
    engine.handle(CallerLeaves("caller"), 2.0)
    assert given(engine.handle(CallerJoins(caller("called", "normal", 3.0, at_once=True)), 3.0)) == [("h", "called")]
