"""What trunks take: a rate that no second exceeds, and no more channels than there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ivr.dialing.trunks import TrunkLimit, Trunks


def test_calls_begin_a_second_divided_by_the_rate_apart() -> None:
    trunks = Trunks([TrunkLimit("city", 4.0, 100)])
    assert trunks.take("one", 10.0) == "city"
    assert trunks.take("two", 10.1) is None
    wait = trunks.wait(10.1)
    assert wait is not None
    assert abs(wait - 0.15) < 1e-9
    assert trunks.take("two", 10.25) == "city"


def test_no_more_at_once_than_channels_and_one_that_is_over_makes_room() -> None:
    trunks = Trunks([TrunkLimit("city", 100.0, 2)])
    assert [trunks.take(str(number), float(number)) for number in range(3)] == ["city", "city", None]
    assert trunks.wait(3.0) is None
    assert trunks.free() == 0
    trunks.release("0")
    trunks.release("0")
    assert trunks.free() == 1
    assert trunks.take("3", 3.0) == "city"


def test_the_second_trunk_takes_what_the_first_one_cannot() -> None:
    trunks = Trunks([TrunkLimit("city", 1.0, 1), TrunkLimit("other", 1.0, 5)])
    assert trunks.take("one", 0.0) == "city"
    assert trunks.take("two", 0.0) == "other"
    assert trunks.take("three", 0.5) is None


def test_a_call_that_went_on_before_us_holds_its_channel() -> None:
    trunks = Trunks([TrunkLimit("city", 10.0, 1)])
    trunks.adopt("before", "city")
    trunks.adopt("nowhere", "a trunk that is no more")
    assert trunks.take("one", 0.0) is None
    trunks.release("before")
    assert trunks.take("one", 0.0) == "city"


def test_no_trunk_takes_nothing() -> None:
    trunks = Trunks([])
    assert trunks.take("one", 0.0) is None
    assert trunks.wait(0.0) is None
    assert trunks.free() == 0


@given(
    rate=st.floats(0.5, 20.0),
    steps=st.lists(st.floats(0.0, 0.4), min_size=1, max_size=200),
)
def test_no_second_sees_more_than_the_rate_and_one(rate: float, steps: list[float]) -> None:
    trunks = Trunks([TrunkLimit("city", rate, 10_000)])
    now, begun = 0.0, []
    for number, step in enumerate(steps):
        now += step
        if trunks.take(str(number), now):
            begun.append(now)
    for at in begun:
        assert sum(at <= other < at + 1.0 for other in begun) <= rate + 1
