"""Which calls count as missed: read off the events of one call, in whatever order they come."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest

from db.events import (
    AWAY_QUEUE,
    CALL_ENDED,
    CALL_LANGUAGE,
    CALL_REFUSED,
    CALL_STARTED,
    TALK_BEGAN,
    TALK_ENDED,
    WAIT_JOINED,
    WAIT_LEFT,
    Event,
)
from db.missed import MissedCall
from db.waiting_callbacks import Place, WaitingCallback
from ivr.missed.outcome import GotThrough, outcome, outcome_of_callback

TEN = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)
STARTED = (CALL_STARTED, {"caller": "13800138001", "line": "95500", "language": "zh"})
JOINED = (WAIT_JOINED, {"tier": "gold", "line": "95500", "language": "en", "customer": 7})
BEGAN = (TALK_BEGAN, {"agent": "801"})


def call(*told: tuple[str, dict[str, Any]] | str) -> list[Event]:
    """The events, a minute apart."""
    events = []
    for minute, one in enumerate(told):
        kind, data = (one, {}) if isinstance(one, str) else one
        events.append(Event("call-1", kind, data, TEN + datetime.timedelta(minutes=minute)))
    return events


def left(how: str) -> tuple[str, dict[str, Any]]:
    return WAIT_LEFT, {"how": how, "waited": 60.0}


def ended(how: str) -> tuple[str, dict[str, Any]]:
    return TALK_ENDED, {"agent": "801", "how": how}


@pytest.mark.parametrize(
    ("told", "reason", "minute"),
    [
        ((STARTED, JOINED, left("abandoned")), "abandoned", 2),
        ((STARTED, JOINED, left("limit")), "turned_away", 2),
        ((STARTED, JOINED, left("nobody")), "turned_away", 2),
        ((STARTED, JOINED, CALL_ENDED), "abandoned", 1),  # nobody of ours saw the caller go
        ((STARTED, CALL_REFUSED, CALL_ENDED), "turned_away", 1),
        ((STARTED, JOINED, BEGAN, ended("cut")), "cut_talk", 3),
        ((STARTED, JOINED, BEGAN, ended("cut"), JOINED, left("abandoned")), "abandoned", 5),
        ((STARTED, JOINED, left("key"), JOINED, left("abandoned")), "abandoned", 4),
        ((STARTED, (AWAY_QUEUE, {"tier": "gold", "seconds": 40, "how": "abandoned"})), "abandoned", 1),
    ],
)
def test_missed(told: tuple[Any, ...], reason: str, minute: int) -> None:
    found = outcome(call(*told))
    assert isinstance(found, MissedCall)
    assert (found.call, found.number, found.reason) == ("call-1", "+8613800138001", reason)
    assert found.at == TEN + datetime.timedelta(minutes=minute)
    assert found.line == "95500"


def test_who_and_how_is_known_from_the_wait() -> None:
    found = outcome(call(STARTED, JOINED, left("abandoned")))
    assert isinstance(found, MissedCall)
    assert (found.tier, found.language, found.customer) == ("gold", "en", 7)
    found = outcome(call(STARTED, (CALL_LANGUAGE, {"language": "en"}), CALL_REFUSED))
    assert isinstance(found, MissedCall)
    assert (found.tier, found.language, found.customer) == ("normal", "en", None)


@pytest.mark.parametrize(
    ("told", "minute"),
    [
        ((STARTED, JOINED, BEGAN, ended("agent")), 2),
        ((STARTED, JOINED, BEGAN, ended("caller")), 2),
        ((STARTED, JOINED, BEGAN, ended("moved")), 2),
        ((STARTED, JOINED, BEGAN, ended("cut"), JOINED, BEGAN, ended("agent")), 5),
        ((STARTED, JOINED, left("abandoned"), JOINED, BEGAN), 4),  # the offer and the hang-up crossed: they talked
        ((STARTED, (AWAY_QUEUE, {"tier": "gold", "seconds": 40, "how": "answered"})), 1),
    ],
)
def test_got_through(told: tuple[Any, ...], minute: int) -> None:
    found = outcome(call(*told))
    assert isinstance(found, GotThrough)
    assert (found.call, found.number, found.at) == (
        "call-1",
        "+8613800138001",
        TEN + datetime.timedelta(minutes=minute),
    )


@pytest.mark.parametrize(
    "told",
    [
        (),
        (STARTED, CALL_ENDED),  # wanted nobody
        (STARTED, JOINED, left("key"), CALL_ENDED),
        (STARTED, JOINED, left("callback"), CALL_ENDED),  # keeps a place
        ((CALL_STARTED, {"caller": ""}), CALL_REFUSED),  # withheld
        ((CALL_STARTED, {"caller": "1001"}), CALL_REFUSED),  # an extension of ours
        ((CALL_STARTED, {"caller": "110"}), CALL_REFUSED),
    ],
)
def test_nobody_to_call_back(told: tuple[Any, ...]) -> None:
    assert outcome(call(*told)) is None


def test_a_customer_who_withholds_the_number_is_known_all_the_same() -> None:
    found = outcome(call((CALL_STARTED, {"caller": ""}), JOINED, left("abandoned")))
    assert isinstance(found, MissedCall)
    assert (found.number, found.customer) == ("", 7)


def test_the_order_in_which_events_come_and_how_often_does_not_matter() -> None:
    events = call(STARTED, JOINED, BEGAN, ended("cut"), JOINED, left("limit"), CALL_ENDED)
    expected = outcome(events)
    for seed in range(20):
        again = [*events, *events]
        random.Random(seed).shuffle(again)
        assert outcome(again) == expected


def test_values_that_nobody_expects_are_left_out() -> None:
    odd = {"tier": "diamond", "line": 5, "language": None, "customer": "7"}
    found = outcome(call(STARTED, (WAIT_JOINED, odd), (WAIT_LEFT, {"how": "abandoned"})))
    assert isinstance(found, MissedCall)
    assert (found.tier, found.line, found.customer) == ("normal", "95500", None)


@pytest.mark.parametrize(
    ("state", "why", "expected"),
    [
        ("expired", "no_answer", "callback_expired"),
        ("failed", "unknown", "callback_expired"),
        ("done", "", "through"),
        ("done", "called_in", None),
        ("done", "cut", None),  # the call itself tells of it
        ("refused", "do_not_call", None),
        ("waiting", "", None),
    ],
)
def test_what_became_of_a_callback(state: str, why: str, expected: str | None) -> None:
    closed_at = None if state == "waiting" else TEN
    place = Place("call-1", "+8613800138001", TEN, "gold", "95500", "en", customer=7)
    one = WaitingCallback(
        5,
        place,
        TEN,
        state,
        1,
        why,
        None,
        TEN,
        TEN,
        "",
        None,
        "",
        "try-5",
        closed_at,
        3,  # type: ignore[arg-type]
    )
    found = outcome_of_callback(one)
    if expected == "through":
        assert found == GotThrough("callback-5", "+8613800138001", 7, TEN)
    elif expected is None:
        assert found is None
    else:
        assert isinstance(found, MissedCall)
        assert (found.call, found.reason, found.tier, found.customer) == ("callback-5", expected, "gold", 7)
