"""The desk as callers meet it: served, closed, or asked to call back; and it never loses count."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines_of_a_file import GOOD

from ivr.lines.allocation import TrunkGroup
from ivr.lines.desk import Admitted, Arrival, Closed, LineDesk, Refused, Unallocated
from ivr.lines.load import read_text
from ivr.lines.model import Known, LinePlan, Trunks

SHANGHAI = ZoneInfo("Asia/Shanghai")
PEOPLE: Mapping[str, Known] = {
    "138-gold": Known("trading", "gold"),
    "138-silver": Known("trading", "silver"),
    "138-registered": Known("registered"),
    "138-platinum": Known("trading", "platinum"),
}


class Hotline:
    """A desk with a clock to turn."""

    def __init__(self, plan: LinePlan) -> None:
        self.plan = plan
        self.now = datetime.datetime(2026, 3, 4, 10, 0, tzinfo=SHANGHAI)  # a Wednesday
        self.desk = LineDesk(lambda: self.plan, lambda: self.now)
        self.calls = 0

    def rings(self, number: str, caller: str = "") -> Arrival:
        self.calls += 1
        return self.desk.arrive(f"call-{self.calls}", number, PEOPLE.get(caller))

    def fill(self, number: str, calls: int) -> None:
        """So many calls that are up whoever they are."""
        for _ in range(calls):
            self.calls += 1
            self.desk.resume(f"call-{self.calls}", number, None, "main")


@pytest.fixture
def hotline(plan: LinePlan) -> Hotline:
    return Hotline(plan)


def test_a_stranger_on_the_main_line_is_served_as_a_stranger(hotline: Hotline) -> None:
    arrival = hotline.rings("95500", "13900000000")
    assert isinstance(arrival, Admitted)
    assert (arrival.line.id, arrival.flow, arrival.language, arrival.tier) == ("main", "main", "zh", "normal")
    assert arrival.decision.call_class == "others"


def test_a_gold_customer_on_the_main_line_is_treated_as_gold(hotline: Hotline) -> None:
    arrival = hotline.rings("95500", "138-gold")
    assert isinstance(arrival, Admitted)
    assert (arrival.flow, arrival.tier, arrival.decision.call_class) == ("gold", "gold", "gold")


def test_whoever_is_not_gold_on_the_gold_line_gets_the_ordinary_flow(hotline: Hotline) -> None:
    arrival = hotline.rings("4008", "138-registered")
    assert isinstance(arrival, Admitted)
    assert (arrival.flow, arrival.tier, arrival.decision.call_class) == ("main", "normal", "registered")


def test_a_withheld_number_on_the_gold_line_competes_as_gold_and_is_proven_nothing(hotline: Hotline) -> None:
    arrival = hotline.rings("4008")
    assert isinstance(arrival, Admitted)
    assert (arrival.decision.call_class, arrival.tier) == ("gold", "normal")


def test_when_lines_get_scarce_the_others_are_asked_to_call_back_and_the_rest_get_through(hotline: Hotline) -> None:
    hotline.fill("95500", 3)
    refused = hotline.rings("95500")
    assert isinstance(refused, Refused)
    assert (refused.prompt, refused.flow, refused.language) == ("lines_scarce", "", "zh")
    assert refused.decision.rule == "kept"
    assert isinstance(hotline.rings("95500", "138-registered"), Refused)
    assert isinstance(hotline.rings("95500", "138-silver"), Admitted)
    assert isinstance(hotline.rings("95500", "138-silver"), Refused)
    assert isinstance(hotline.rings("95500", "138-gold"), Admitted)
    assert isinstance(hotline.rings("95500", "138-gold"), Refused)
    assert isinstance(hotline.rings("95500", "138-platinum"), Admitted)
    last = hotline.rings("95500", "138-platinum")
    assert isinstance(last, Refused)
    assert last.decision.rule == "all_busy"
    assert hotline.desk.free()["city"] == 0


def test_a_refused_caller_may_leave_a_number_while_there_is_room_for_it(hotline: Hotline) -> None:
    hotline.fill("95500", 6)
    first = hotline.rings("010")
    assert isinstance(first, Refused)
    assert (first.prompt, first.flow, first.language) == ("scarce_branch", "leave_number", "en")
    second = hotline.rings("010")
    assert isinstance(second, Refused)
    assert (second.flow, second.prompt) == ("", ""), "the dialplan says that all lines are busy"
    hotline.desk.left("call-7")  # the first has left it
    third = hotline.rings("010")
    assert isinstance(third, Refused)
    assert third.flow == "leave_number"
    assert hotline.desk.free()["city"] == 0


def test_one_group_does_not_take_the_others_lines(hotline: Hotline) -> None:
    hotline.fill("95500", 6)
    assert isinstance(hotline.rings("4008"), Admitted)


def test_a_closed_line_says_so_and_takes_no_line(hotline: Hotline) -> None:
    hotline.now = hotline.now.replace(hour=20)
    arrival = hotline.rings("010", "138-platinum")
    assert arrival == Closed(hotline.plan.lines["branch"], "closed_branch", "", "en")
    assert hotline.desk.free()["city"] == 6
    hotline.now += datetime.timedelta(hours=13)
    assert isinstance(hotline.rings("010"), Admitted)


def test_a_closed_line_with_a_flow_takes_a_line(hotline: Hotline) -> None:
    first, second, third = (hotline.rings("011") for _ in range(3))
    for one in (first, second):
        assert isinstance(one, Closed)
        assert (one.line.id, one.prompt, one.flow, one.language) == ("night", "line_closed", "main", "zh")
    assert isinstance(third, Refused)
    hotline.now = datetime.datetime(2026, 3, 7, 2, 0, tzinfo=SHANGHAI)  # still Friday's night
    hotline.desk.left("call-1")
    assert isinstance(hotline.rings("011"), Admitted)


def test_a_call_that_ends_makes_room_once(hotline: Hotline) -> None:
    hotline.fill("95500", 6)
    for _ in range(3):
        hotline.desk.left("call-1")
    hotline.desk.left("nobody")
    assert hotline.desk.free()["city"] == 1
    assert isinstance(hotline.rings("95500", "138-platinum"), Admitted)


def test_the_same_call_twice_keeps_what_it_was_told_and_counts_once(hotline: Hotline) -> None:
    first = hotline.desk.arrive("a", "95500", PEOPLE["138-gold"])
    hotline.fill("95500", 5)
    assert hotline.desk.arrive("a", "95500", PEOPLE["138-gold"]) is first
    assert hotline.desk.free()["city"] == 0


def test_calls_that_a_restarted_controller_finds_are_counted_whatever_the_rules(hotline: Hotline) -> None:
    hotline.fill("95500", 8)
    assert hotline.desk.free()["city"] == 0
    assert hotline.desk.up()["city"]["others"] == 8
    assert isinstance(hotline.rings("95500", "138-platinum"), Refused)


def test_calls_that_asterisk_knows_no_more_are_forgotten(hotline: Hotline) -> None:
    hotline.fill("95500", 5)
    hotline.desk.keep_only({"call-2", "unknown"})
    assert hotline.desk.up()["city"]["others"] == 1


def test_a_new_plan_judges_new_calls_and_the_old_ones_still_leave(hotline: Hotline) -> None:
    hotline.fill("95500", 5)
    city = Trunks(TrunkGroup("city", 4))
    hotline.plan = replace(hotline.plan, trunks={**hotline.plan.trunks, "city": city})
    assert isinstance(hotline.rings("95500", "138-platinum"), Refused)
    for number in (1, 2):
        hotline.desk.left(f"call-{number}")
    assert isinstance(hotline.rings("95500"), Admitted)


def test_a_trunk_group_that_was_renamed_under_calls(hotline: Hotline) -> None:
    hotline.fill("95500", 5)
    main = replace(hotline.plan.lines["main"], trunks="town")
    hotline.plan = replace(
        hotline.plan, lines={**hotline.plan.lines, "main": main}, trunks={"town": Trunks(TrunkGroup("town", 1))}
    )
    assert isinstance(hotline.rings("95500"), Admitted)
    for number in range(1, 7):
        hotline.desk.left(f"call-{number}")
    assert hotline.desk.free() == {"town": 1}
    assert not any(sum(classes.values()) for classes in hotline.desk.up().values())


def test_a_number_that_is_nobodys_is_unallocated_where_no_line_takes_such(hotline: Hotline) -> None:
    assert isinstance(hotline.rings("4711"), Admitted), "the default line"
    hotline.plan = replace(hotline.plan, default="")
    assert isinstance(hotline.rings("4711"), Unallocated)
    assert hotline.desk.free()["city"] == 5
    assert hotline.desk.resume("old", "4711", None, "main") is None, "a call that is up is never thrown out"


def test_a_caller_who_was_leaving_a_number_is_counted_so_again(hotline: Hotline) -> None:
    resumed = hotline.desk.resume("old", "010", None, "leave_number")
    assert resumed is not None
    assert resumed.leaving
    assert (hotline.desk.leaving(), hotline.desk.free()["city"]) == ({"city": 1}, 6)
    hotline.desk.left("old")
    assert hotline.desk.leaving() == {"city": 0}


happenings = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "arrive", "arrive", "resume", "left", "hour"]),
        st.integers(0, 12),
        st.sampled_from(["95500", "4008", "010", "011", "999"]),
        st.sampled_from(["", "139", *PEOPLE]),
    ),
    max_size=80,
)


@given(happenings)
def test_the_count_is_that_of_the_calls_that_are_up(story: list[tuple[str, int, str, str]]) -> None:
    plan, _ = read_text(GOOD, "lines.yaml", lambda _: "")
    assert plan is not None
    hotline = Hotline(plan)
    held: set[str] = set()
    for what, call, number, caller in story:
        name = str(call)
        if what == "arrive":
            arrival = hotline.desk.arrive(name, number, PEOPLE.get(caller))
            if isinstance(arrival, Admitted) or (isinstance(arrival, Closed) and arrival.flow):
                held.add(name)
        elif what == "resume":
            before = name in held or isinstance(hotline.desk.arrive(name, number, PEOPLE.get(caller)), Refused | Closed)
            hotline.desk.left(name)
            hotline.desk.resume(name, number, PEOPLE.get(caller), "main")
            assert before or name not in held
            held.add(name)
        elif what == "left":
            hotline.desk.left(name)
            held.discard(name)
        else:
            hotline.now += datetime.timedelta(hours=call)
        up = hotline.desk.up()
        assert sum(sum(classes.values()) for classes in up.values()) == len(held)
        assert all(count >= 0 for classes in up.values() for count in classes.values())
    for name in list(held):
        hotline.desk.left(name)
    assert hotline.desk.free() == {"city": 6, "priority": 2}
