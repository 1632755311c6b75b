"""A call's row is a fold of its events, whatever the order and however often they are stored."""

from __future__ import annotations

import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.calls import Calls
from db.events import CALL_ANSWERED, CALL_ENDED, CALL_LANGUAGE, CALL_REFUSED, CALL_RESUMED, CALL_STARTED, Event
from db.fold import CallRecord, fold
from db.store import Store

NINE = datetime.datetime(2026, 3, 2, 1, 0, tzinfo=datetime.UTC)


def at(second: float) -> datetime.datetime:
    return NINE + datetime.timedelta(seconds=second)


LIFE = (
    Event("1.7", CALL_STARTED, {"caller": "02155501234", "line": "95500", "language": "zh"}, at(0), "a"),
    Event("1.7", CALL_ANSWERED, {"flow": "main", "version": "1a2b"}, at(1), "b"),
    Event("1.7", "node.entered", {"flow": "quotes"}, at(2), "c"),
    Event("1.7", CALL_LANGUAGE, {"language": "en"}, at(3), "d"),
    Event("1.7", CALL_RESUMED, {"version": "9f9f"}, at(8), "e"),
    Event("1.7", CALL_ENDED, {"how": "caller hung up"}, at(20), "f"),
)
FOLDED = CallRecord(
    id="1.7",
    started_at=at(0),
    caller="02155501234",
    line="95500",
    language="en",
    flow="main",
    version="1a2b",
    answered_at=at(1),
    resumed=1,
    ended_at=at(20),
    ended_how="caller hung up",
)


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE)))
def test_order_and_repetition_do_not_matter(events: list[Event], again: list[Event]) -> None:
    assert fold([*events, *again]) == FOLDED


def test_a_call_resumed_after_its_end_goes_on() -> None:
    back = Event("1.7", CALL_RESUMED, {}, at(25), "g")
    found = fold([*LIFE, back])
    assert found
    assert (found.ended_at, found.ended_how, found.resumed) == (None, "", 2)
    over = fold([*LIFE, back, Event("1.7", CALL_ENDED, {"how": "goodbye"}, at(30), "h")])
    assert over
    assert (over.ended_at, over.ended_how) == (at(30), "goodbye")


def test_a_call_that_got_no_line_ended_refused_however_its_caller_went_on() -> None:
    refused = Event("1.7", CALL_REFUSED, {"why": "others: no line is free"}, at(0.5), "r")
    over = fold([refused, *LIFE])
    assert over
    assert (over.ended_at, over.ended_how) == (at(20), "refused")
    still = fold([refused, *LIFE[:-1]])
    assert still
    assert (still.ended_at, still.ended_how) == (None, "")


def test_a_call_whose_beginning_was_lost_still_has_a_row() -> None:
    found = fold(LIFE[1:])
    assert found
    assert found.started_at == at(1)
    assert found.caller == ""


def test_other_events_make_no_call() -> None:
    assert fold([LIFE[2]]) is None


def test_odd_values_become_text() -> None:
    found = fold([Event("1.7", CALL_STARTED, {"caller": None, "line": 95500, "flow": ["x"]}, at(0), "a")])
    assert found
    assert (found.caller, found.line, found.flow) == ("", "95500", "['x']")


@pytest.mark.parametrize("seed", range(5))
async def test_any_batches_in_any_order_give_the_same_row(store: Store, seed: int) -> None:
    calls = Calls(store)
    dice = random.Random(seed)
    events = dice.sample(LIFE, len(LIFE)) + dice.choices(LIFE, k=4)
    while events:
        size = dice.randint(1, 4)
        await calls.record(events[:size])
        events = events[size:]
    assert await calls.get("1.7") == FOLDED
    assert await calls.events("1.7") == LIFE
    assert await calls.latest() == (FOLDED,)


async def test_storing_again_stores_nothing(store: Store) -> None:
    calls = Calls(store)
    assert await calls.record(LIFE) == len(LIFE)
    assert await calls.record(LIFE) == 0
    assert await calls.record(LIFE[:1]) == 0
    assert await calls.record([]) == 0


async def test_calls_of_which_no_end_is_known(store: Store) -> None:
    calls = Calls(store)
    await calls.record([*LIFE, Event("1.8", CALL_STARTED, {}, at(5)), Event("1.9", CALL_STARTED, {}, at(90))])
    assert [call.id for call in await calls.unended(before=at(60))] == ["1.8"]
    assert await calls.get("1.10") is None
