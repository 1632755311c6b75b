"""How well callers were served: one record for each call, however often and in whatever order it is told."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st
from seen_by import NOW, POLICY

from db.events import Event
from ivr.wallboard.service import LATELY, Level, Service, midnight_before

WITHIN = POLICY.tiers["gold"].target.within


def service() -> Service:
    one = Service(POLICY)
    one.today(NOW)
    return one


def test_a_call_counts_by_how_it_ended() -> None:
    one = service()
    for call, waited in (("1", 5.0), ("2", WITHIN + 1), ("3", 5.0), ("4", 5.0), ("5", WITHIN + 1), ("6", 1.0)):
        one.joined(call, "gold", NOW - waited)
    one.answered("1", 5.0)
    one.answered("2", WITHIN + 1)
    one.left("3", "abandoned", 5.0)
    one.left("4", "key", 5.0)
    expected = Level(offered=6, decided=5, in_target=1, answered=2, abandoned=1)  # 5 is late already, 6 is not
    assert one.today(NOW)["gold"] == one.lately(NOW)["gold"] == expected
    assert (expected.service, expected.abandonment) == (1 / 5, 1 / 6)
    assert one.today(NOW)["silver"].service is None


def test_an_answered_call_stays_answered_however_often_it_waits_again() -> None:
    one = service()
    one.joined("1", "gold", NOW - 30)
    one.answered("1", 3.0)
    one.joined("1", "gold", NOW - 2)  # the talk was cut
    one.left("1", "abandoned", 2.0)
    one.gone("1", NOW)
    assert one.today(NOW)["gold"] == Level(1, 1, 1, 1, 0)


def test_what_the_controller_tells_late_counts_more_than_the_hang_up() -> None:
    one = service()
    one.joined("1", "gold", NOW - 30)
    one.gone("1", NOW - 20)
    assert one.today(NOW)["gold"].abandoned == 1
    one.left("1", "callback", 10.0)
    assert one.today(NOW)["gold"] == Level(1, 1, 0, 0, 0)


def test_half_an_hour_later_a_call_is_no_longer_lately() -> None:
    one = service()
    one.joined("1", "gold", NOW)
    one.answered("1", 0.0)
    assert one.lately(NOW + LATELY)["gold"].offered == 1
    assert one.lately(NOW + LATELY + 1)["gold"].offered == 0
    assert one.today(NOW + LATELY + 1)["gold"].offered == 1


def test_at_midnight_the_day_begins_anew() -> None:
    one = service()
    one.joined("1", "gold", NOW)
    one.answered("1", 1.0)
    midnight = midnight_before(NOW) + 86_400
    one.joined("2", "gold", midnight + 5)
    assert one.today(midnight - 1)["gold"].offered == 2
    assert one.today(midnight + 6)["gold"].offered == 1
    one.joined("3", "gold", NOW)  # told from yesterday
    assert one.today(midnight + 6)["gold"].offered == 1


def test_the_brokerages_midnight_is_shanghais() -> None:
    assert datetime.datetime.fromtimestamp(midnight_before(NOW), datetime.UTC).hour == 16


def test_the_journal_is_read_as_it_is_written() -> None:
    one = service()
    at = datetime.datetime.fromtimestamp(NOW - 9, datetime.UTC)
    one.read(
        (
            Event("1", "wait.joined", {"joined": at.isoformat(), "tier": "gold", "again": False}, at),
            Event("1", "talk.began", {"waited": 7.5, "agent": "801"}, at),
            Event("2", "wait.joined", {"joined": None, "tier": "gold"}, at),
            Event("2", "wait.left", {"how": "abandoned", "waited": 3}, at),
            Event("3", "wait.joined", {"tier": "diamond"}, at),
            Event("4", "wait.left", {}, at),
        )
    )
    assert one.today(NOW)["gold"] == Level(2, 2, 1, 1, 1)


steps = st.lists(
    st.tuples(
        st.sampled_from(["joined", "answered", "left", "gone"]),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from([1.0, WITHIN + 5.0]),
    ),
    max_size=30,
)


@given(steps)
def test_sums_are_those_of_the_records(told: list[tuple[str, str, float]]) -> None:
    one = service()
    for step, call, waited in told:
        match step:
            case "joined":
                one.joined(call, "gold", NOW - waited)
            case "answered":
                one.answered(call, waited)
            case "left":
                one.left(call, "abandoned", waited)
            case "gone":
                one.gone(call, NOW)
    # All of these calls joined in the last half hour: the sums kept must be those made anew.
    assert one.today(NOW) == one.lately(NOW)
