"""What is read out of Asterisk's record of its own queue."""

from __future__ import annotations

from typing import Any

import pytest

from db.events import AWAY_QUEUE, CALL_ENDED, CALL_STARTED
from ivr.queueing.away_log import calls_in, events_of

NOW = 2000.0


def lines(*told: str) -> list[str]:
    return [f"{line}\n" for line in told]


CAME = ("1000|c-1|goldline-away|NONE|CAME|13900000001|95500", "1008|c-1|goldline-away|NONE|WAITS|gold|999000")
ENTERS = "1009|c-1|goldline-away|NONE|ENTERQUEUE||13900000001|1"
CONNECTS = "1030|c-1|goldline-away|S801|CONNECT|21|c-2|5"
GONE = "1090|c-1|goldline-away|NONE|GONE|"


def stays(told: list[str], there: bool) -> list[tuple[int, dict[str, Any]]]:
    (one,) = calls_in(told)
    found = events_of(one, there, known=True, now=NOW)
    return [(round(event.at.timestamp()), dict(event.data)) for event in found if event.kind == AWAY_QUEUE]


def test_a_caller_who_was_answered_and_has_gone() -> None:
    (one,) = calls_in(lines(*CAME, ENTERS, CONNECTS, "1090|c-1|goldline-away|S801|COMPLETEAGENT|21|60|1", GONE))
    found = events_of(one, there=False, known=False, now=NOW)
    assert [(event.kind, round(event.at.timestamp()), event.data) for event in found] == [
        (CALL_STARTED, 1000, {"caller": "13900000001", "line": "95500"}),
        (AWAY_QUEUE, 1030, {"tier": "gold", "seconds": 22, "how": "answered", "seat": "S801"}),
        (CALL_ENDED, 1090, {"how": "caller"}),
    ]


@pytest.mark.parametrize(
    ("told", "there", "how", "ended"),
    [
        (("1020|c-1|goldline-away|NONE|ABANDON|1|1|12", GONE), False, "abandoned", 1020),
        (("1008|c-1|goldline-away|NONE|NOBODY|", GONE), False, "nobody", 1008),
        ((ENTERS,), True, "returned", 2000),
        (("1020|c-1|goldline-away|NONE|ABANDON|1|1|12",), True, "returned", 1020),  # taken back by one that died then
        ((ENTERS,), False, "abandoned", 2000),  # Asterisk itself was gone
        ((GONE,), False, "abandoned", 1090),
    ],
)
def test_how_a_wait_ends(told: tuple[str, ...], there: bool, how: str, ended: int) -> None:
    assert stays(lines(*CAME, *told), there) == [(ended, {"tier": "gold", "seconds": ended - 1008, "how": how})]


def test_time_after_time_round_is_one_wait_and_a_talk_that_was_cut_makes_another() -> None:
    told = lines(
        *CAME,
        "1128|c-1|goldline-away|NONE|EXITWITHTIMEOUT|1|1|120",
        "1130|c-1|goldline-away|NONE|WAITS|gold|999000",
        "1140|c-1|goldline-away|S801|CONNECT|9|c-2|5",
        "1150|c-1|goldline-away|S801|COMPLETEAGENT|9|10|1",
        "1152|c-1|goldline-away|NONE|WAITS|gold|999000",
        "1160|c-1|goldline-away|S802|CONNECT|8|c-3|5",
    )
    assert [(at, data["seconds"], data["seat"]) for at, data in stays(told, True)] == [
        (1140, 132, "S801"),
        (1160, 8, "S802"),
    ]


def test_who_hangs_up_in_the_menu_has_called_and_not_waited() -> None:
    (one,) = calls_in(lines(CAME[0], "1003|c-1|goldline-away|NONE|GONE|"))
    assert [event.kind for event in events_of(one, False, False, NOW)] == [CALL_STARTED, CALL_ENDED]


def test_reading_twice_tells_the_same_events_and_rubbish_tells_nothing() -> None:
    told = lines(*CAME, CONNECTS, GONE, "x|y", "", "1|c-9|other|NONE|CAME|1|2", "x|c-8|goldline-away|NONE|CAME|1|2")
    first, again = ([event.id for one in calls_in(told) for event in events_of(one, False, False, n)] for n in (1, 2))
    assert first == again
    assert len(set(first)) == 3
    assert all(len(one) <= 64 for one in first)


def test_what_belongs_to_an_earlier_reading_is_left_alone() -> None:
    assert calls_in(lines("1090|c-1|goldline-away|S801|COMPLETEAGENT|21|60|1", GONE)) == []
