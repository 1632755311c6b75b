"""What a board shows at one moment: who is next, who talks, which seats, and what needs attention."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seen_by import (
    LIMITS,
    NOW,
    POLICY,
    REACHABLE,
    alerts,
    at_work,
    caller,
    leg,
    picture,
    seen,
    session,
    told,
    waiting,
)

from agent_routing.decisions import Reserve
from agent_routing.engine import Engine
from agent_routing.events import CallerJoins, SeatIdle, SeatKnown
from agent_routing.policy import Ring
from agent_routing.pool import Seat
from db.customer import TIERS
from ivr.queueing.place import Place
from ivr.wallboard.board import board, masked
from ivr.wallboard.lines import line
from ivr.wallboard.lines import told as as_told
from ivr.wallboard.picture import Picture
from ivr.wallboard.sights import ChannelGone, ChannelSeen, DeviceSeen, LinkSeen, StateRead

# One ring for everybody and no reserve: which caller a seat gets is then a matter of the order alone.
ONE_RING = replace(
    POLICY,
    tiers={tier: replace(rule, reserve=0, hold=0.0) for tier, rule in POLICY.tiers.items()},
    rings=(Ring("anyone", "everywhere", "any", "dropped"),),
    lending=(),
)
places = st.builds(
    Place,
    st.integers(0, 400_000).map(lambda thousandths: NOW - thousandths / 1000),
    st.sampled_from(TIERS),
    st.just("zh"),
    front=st.booleans(),
)


@given(st.lists(places, min_size=1, max_size=8, unique_by=lambda place: place.joined))
def test_the_first_on_the_board_is_whom_the_engine_gives_the_next_seat(pool: list[Place]) -> None:
    engine, one = Engine(ONE_RING), picture()
    for number, place in enumerate(pool):
        one.take(ChannelSeen(caller(f"c{number}"), place.joined))
        one.places[f"c{number}"] = place
        engine.handle(CallerJoins(place.caller(f"c{number}")), NOW)
    engine.handle(SeatKnown(Seat("S9", "809", languages=frozenset({"zh"}))), NOW)
    (reserved,) = [one for one in engine.handle(SeatIdle("S9"), NOW) if isinstance(one, Reserve)]
    first = board(one, NOW, ONE_RING, LIMITS).waiting[0]
    assert (reserved.caller, reserved.why.standing) == (first.call, first.standing)
    assert first.urgency == pytest.approx(reserved.why.urgency)


def test_a_caller_is_seen_waiting_ringing_talking_and_gone() -> None:
    one = picture(caller(place=waiting("platinum", 12.0, branch="SH01")), sessions=(at_work(),))
    (row,) = seen(one).waiting
    assert (row.number, row.tier, row.waited, row.branch, row.line, row.seat) == (
        "138****8000",
        "platinum",
        12.0,
        "SH01",
        "95500",
        "",
    )
    one.take(ChannelSeen(leg(), NOW))
    assert [row.seat for row in seen(one).waiting] == ["S1"]
    one.take(session("801", "talking", "S1", ago=3.0, version=2, call="1.1"))
    one.take(ChannelSeen(leg(bridge="b"), NOW))
    shown = seen(one)
    assert shown.waiting == ()
    (talk,) = shown.talks
    assert (talk.agent, talk.seat, talk.tier, talk.seconds, talk.number) == (
        "801",
        "S1",
        "platinum",
        3.0,
        "138****8000",
    )
    one.take(ChannelGone("1.2", NOW))
    one.take(told("talk.ended"))
    assert seen(one).talks == seen(one).waiting == ()


def test_numbers_are_masked_unless_asked_for() -> None:
    one = picture(caller(place=waiting()))
    assert "13800138000" not in line(as_told(seen(one)), NOW)
    assert board(one, NOW, POLICY, LIMITS, whole_numbers=True).waiting[0].number == "13800138000"
    for number, shown in (
        ("13800138000", "138****8000"),
        ("+8613800138000", "+86*******8000"),
        ("10086", "****6"),
        ("9550012", "***0012"),
        ("95500123", "955*0123"),
        ("1", "1"),
        ("", ""),
    ):
        assert masked(number) == shown


def test_a_caller_above_the_limit_of_the_tier_is_an_alert() -> None:
    one = picture(caller(place=waiting("platinum", 20.0)), sessions=(at_work(),))
    assert "waits_too_long" not in alerts(one)
    late = alerts(one, NOW + 1)["waits_too_long"]
    assert (late.subject, late.count, late.seconds) == ("platinum", 1, 21.0)


def test_a_language_that_nobody_at_work_speaks_is_an_alert() -> None:
    place = waiting(language="en")
    assert alerts(picture(caller(place=place), sessions=(at_work("801"),)))["no_language"].subject == "en"
    for state in ("idle", "talking", "paused"):  # speaks Chinese and English
        assert "no_language" not in alerts(picture(caller(place=place), sessions=(at_work("802", state, "S2"),)))
    for state in ("logged_out", "gone"):
        assert "no_language" in alerts(picture(caller(place=place), sessions=(at_work("802", state, "S2"),)))


def test_a_required_skill_that_nobody_at_work_has_is_an_alert() -> None:
    one = picture(caller(place=waiting(required={"licensed": 4})), sessions=(at_work("801"),))
    assert alerts(one)["no_skill"].subject == "licensed:4"
    one = picture(caller(place=waiting(required={"licensed": 3})), sessions=(at_work("801"),))
    assert "no_skill" not in alerts(one)


def test_a_branch_is_offline_when_none_of_its_telephones_can_be_reached_and_somebody_works_there() -> None:
    one = picture(sessions=(at_work(),))
    one.take(DeviceSeen("PJSIP/801", "UNAVAILABLE", NOW))
    assert "branch_offline" not in alerts(one, NOW + 60)
    one.take(DeviceSeen("PJSIP/802", "UNAVAILABLE", NOW))
    assert "branch_offline" not in alerts(one, NOW + LIMITS.branch_offline - 1)
    offline = alerts(one, NOW + LIMITS.branch_offline)["branch_offline"]
    assert (offline.subject, offline.count) == ("SH01", 2)
    one.take(session("801", "logged_out", "", version=9))
    assert "branch_offline" not in alerts(one, NOW + 60)


def test_parts_that_are_away_are_alerts_after_a_while_and_at_once_when_they_never_were_there() -> None:
    one = picture()
    assert alerts(one) == {}
    for part in ("asterisk", "controller", "database"):
        one.take(LinkSeen(part, False, NOW, "as it happens"))  # type: ignore[arg-type]
    assert set(alerts(one)) == {"asterisk_away"}
    assert set(alerts(one, NOW + 3)) == {"asterisk_away", "controller_away", "database_away"}
    assert alerts(one, NOW + 3)["controller_away"].text == "as it happens"
    newcomer = Picture(POLICY)
    newcomer.take(LinkSeen("controller", False, NOW))
    assert set(alerts(newcomer)) == {"controller_away"}


def test_a_missed_target_is_an_alert_once_enough_calls_are_decided() -> None:
    one = picture(sessions=(at_work(),))
    for number in range(LIMITS.service_level_after):
        assert "below_target" not in alerts(one)
        one.service.joined(f"c{number}", "gold", NOW - 100)
        one.service.left(f"c{number}", "abandoned", 50.0)
    below = alerts(one)["below_target"]
    assert (below.subject, below.count, below.seconds) == ("gold", LIMITS.service_level_after, 0.0)


@pytest.mark.parametrize(
    ("state", "channels", "devices", "finding"),
    [
        ("idle", (), REACHABLE, ""),
        ("idle", (), {"PJSIP/801": "UNAVAILABLE"}, "vanished"),
        ("gone", (), REACHABLE, "returned"),
        ("idle", (leg(bridge="b"),), REACHABLE, "still_talking"),
        ("talking", (), REACHABLE, "freed"),
        ("talking", (leg(bridge="b"),), REACHABLE, ""),
        ("ringing", (leg(),), REACHABLE, ""),
        ("ringing", (leg(bridge="b"),), REACHABLE, "answered"),
        ("idle", (), {}, ""),  # Asterisk has never heard of it: nothing can be said
    ],
)
def test_where_the_store_and_asterisk_disagree_the_seat_says_so_after_a_while(
    state: str, channels: tuple[object, ...], devices: dict[str, str], finding: str
) -> None:
    sessions = (at_work("801", state, "S1", "1.1" if state in ("talking", "ringing") else "", 30.0),)  # type: ignore[arg-type]
    one = picture(caller(), *channels, devices=devices, sessions=sessions)  # type: ignore[arg-type]
    rows = {row.seat: row.finding for row in seen(one).seats}
    assert rows["S1"] == finding
    assert ("disagreement" in alerts(one)) == bool(finding)


def test_what_both_will_have_heard_in_a_moment_is_no_disagreement() -> None:
    one = picture(sessions=(at_work(),))
    one.take(ChannelSeen(leg(bridge="b"), NOW))
    assert "disagreement" not in alerts(one, NOW + LIMITS.disagreement - 1)
    assert "disagreement" in alerts(one, NOW + LIMITS.disagreement)


def test_without_asterisk_nothing_is_said_of_telephones() -> None:
    one = picture(sessions=(at_work(),))
    one.take(StateRead((), {"PJSIP/801": "UNAVAILABLE", "PJSIP/802": "UNAVAILABLE"}, NOW - 50))
    assert {"branch_offline", "disagreement"} <= set(alerts(one))
    one.take(LinkSeen("asterisk", False, NOW))
    assert set(alerts(one)) == {"asterisk_away"}


def test_lines_differ_when_something_changed_and_not_because_time_has_passed() -> None:
    one = picture(caller(place=waiting()), sessions=(at_work(), at_work("802", "wrap_up", "S2")))
    before = as_told(seen(one))
    assert as_told(seen(one, NOW + 5)) == before
    one.take(told("wait.left", how="key", waited=1.0))
    assert as_told(seen(one)) != before
