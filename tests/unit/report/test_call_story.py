"""What restarts, cuts, transfers and lost events do to the story of a call."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import events
from db.events import Event
from db.fold import fold
from ivr.report.story import Story, tell

NINE = datetime.datetime(2026, 11, 20, 1, 0, tzinfo=datetime.UTC)
Row = tuple[float, str, dict[str, Any]]
STARTED: Row = (0, events.CALL_STARTED, {"caller": "13800138000", "line": "95500"})


def at(seconds: float) -> datetime.datetime:
    return NINE + datetime.timedelta(seconds=seconds)


def joined(seconds: float, place: float | None = None, tier: str = "gold", **more: Any) -> Row:
    moment = at(seconds if place is None else place).isoformat()
    return (seconds, events.WAIT_JOINED, {"joined": moment, "tier": tier, "line": "95500", **more})


def began(seconds: float, agent: str = "801", **more: Any) -> Row:
    return (seconds, events.TALK_BEGAN, {"agent": agent, "seat": f"S{agent}", **more})


def ended(moment: float, how: str = "caller", agent: str = "801", **more: Any) -> Row:
    return (moment, events.TALK_ENDED, {"agent": agent, "seat": f"S{agent}", "how": how, **more})


def left(seconds: float, how: str = "abandoned", **more: Any) -> Row:
    return (seconds, events.WAIT_LEFT, {"how": how, **more})


def call_ended(seconds: float) -> Row:
    return (seconds, events.CALL_ENDED, {"how": "caller"})


def story(*rows: Row) -> Story:
    happened = [Event("c", kind, data, at(seconds), f"{n:04}") for n, (seconds, kind, data) in enumerate(rows)]
    record = fold(happened)
    assert record
    return tell(record, happened)


def outcome(*rows: Row) -> tuple[str, float]:
    found = story(STARTED, *rows)
    return found.outcome, found.waited(at(1000)) / 10


def test_an_answered_call() -> None:
    found = story(STARTED, joined(10), began(22.5, waited=12.4), ended(100, seconds=77.5), call_ended(110))
    assert (found.outcome, found.waited(at(0)), found.tier, found.joined) == ("answered", 124, "gold", at(10))
    assert [(talk.agent, talk.tenths, talk.how) for talk in found.talks] == [("801", 775, "caller")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([joined(10), left(18, waited=8.0), call_ended(18)], ("abandoned", 8.0)),
        ([joined(10), call_ended(18)], ("abandoned", 8.0)),  # nobody saw more than the end of the call
        ([joined(10)], ("waiting", 990.0)),
        ([joined(10), left(30, "callback"), call_ended(31)], ("callback", 20.0)),
        ([joined(10), left(30, "key"), call_ended(90)], ("key", 20.0)),
        ([joined(10), left(30, "limit"), call_ended(90)], ("unserved", 20.0)),
        ([joined(10), left(30, "nobody"), call_ended(90)], ("unserved", 20.0)),
        # A restarted controller says again that the caller waits, and since when: one wait.
        ([joined(10), joined(20, place=10, again=True), began(30)], ("answered", 20.0)),
        # Out by a key, and in again later: both waits count, and the call is answered.
        ([joined(10), left(20, "key"), joined(60), began(65)], ("answered", 15.0)),
        # … but not twice when the old place was kept.
        ([joined(10), left(20, "key"), joined(60, place=10), began(65)], ("answered", 55.0)),
        # Cut off, and gives up in the second wait: it was answered, after the first one.
        ([joined(10), began(15), ended(60, "cut"), joined(61, place=10), left(90), call_ended(90)], ("answered", 5.0)),
        # Asterisk's own queue, while no controller was there
        ([(60, events.AWAY_QUEUE, {"tier": "gold", "seconds": 30, "how": "answered"})], ("answered", 30.0)),
        ([joined(10), (60, events.AWAY_QUEUE, {"seconds": 30, "how": "answered"})], ("answered", 50.0)),
        ([joined(10), (60, events.AWAY_QUEUE, {"seconds": 30, "how": "abandoned"})], ("abandoned", 50.0)),
        ([(60, events.AWAY_QUEUE, {"tier": "gold", "seconds": 30, "how": "timeout"})], ("unserved", 30.0)),
    ],
)
def test_what_becomes_of_a_call(rows: list[Row], expected: tuple[str, float]) -> None:
    assert outcome(*rows) == expected


def test_a_talk_that_two_controllers_tell_of_is_one_talk() -> None:
    found = story(
        STARTED, joined(10), began(20), began(31), ended(90, seconds=70.0), ended(91, seconds=71.0), call_ended(92)
    )
    assert [(talk.began, talk.tenths) for talk in found.talks] == [(at(20), 700)]


def test_a_talk_goes_on_until_its_end_is_known() -> None:
    assert [talk.how for talk in story(STARTED, joined(10), began(20)).talks] == [""]
    ended_unseen = story(STARTED, joined(10), began(20), call_ended(80)).talks[0]
    assert (ended_unseen.how, ended_unseen.tenths) == ("unseen", 600)


def test_who_waits_again_talks_no_more() -> None:
    found = story(STARTED, joined(10), began(20), joined(80, place=10), began(85, "802"))
    assert [(talk.agent, talk.how, talk.ended) for talk in found.talks] == [
        ("801", "unseen", at(80)),
        ("802", "", None),
    ]


def test_an_end_without_a_beginning_is_a_talk() -> None:
    found = story(STARTED, joined(10), ended(80, seconds=60.0))
    assert found.outcome == "answered"
    assert found.waited(at(0)) == 100
    assert [(talk.began, talk.tenths) for talk in found.talks] == [(at(20), 600)]


def test_a_transfer_is_told_of_the_talk_it_ended() -> None:
    moved: Row = (60, events.TALK_MOVED, {"agent": "801", "how": "transfer", "to": "802"})
    for order in ([moved, ended(60, "moved")], [ended(60, "moved"), moved]):
        found = story(STARTED, joined(10), began(20), *order, joined(60), began(62, "802"), ended(90, agent="802"))
        assert [talk.moves for talk in found.talks] == [[("transfer", "802")], []]


def test_a_mark_belongs_to_the_agent_and_the_last_one_counts() -> None:
    rows = [STARTED, joined(10), began(20), ended(60, "moved"), joined(60), began(62, "802"), ended(90, agent="802")]
    marks: list[Row] = [
        (91, events.SURVEY, {"agent": "801", "score": 2}),
        (92, events.SURVEY, {"agent": "802", "score": 4}),
        (93, events.SURVEY, {"agent": "802", "score": 5}),
        (94, events.SURVEY, {"agent": "801", "score": 9}),
    ]
    assert [talk.score for talk in story(*rows, *marks).talks] == [2, 5]


def test_offers_and_what_became_of_them() -> None:
    def made(seconds: float, agent: str) -> Row:
        return (seconds, events.OFFER_MADE, {"agent": agent, "seat": "S", "words": ["a", "b"], "urgency": 2})

    failed: Row = (20, events.OFFER_FAILED, {"agent": "801", "seat": "S", "how": "no_answer", "seconds": 9.5})
    found = story(STARTED, joined(10), made(10, "801"), failed, made(20, "802"), began(25, "802"))
    assert [(offer.agent, offer.how, offer.tenths, offer.words) for offer in found.offers] == [
        ("801", "no_answer", 95, ("a", "b")),
        ("802", "answered", 50, ("a", "b")),
    ]
    assert [offer.how for offer in story(STARTED, joined(10), made(10, "801"), left(12)).offers] == ["released"]


def test_a_customer_whom_we_called_did_not_wait() -> None:
    found = story(STARTED, began(20, tier="platinum"), ended(60), call_ended(61))
    assert found.joined is None
    assert found.tier == "platinum"


# --- whatever a journal may hold --------------------------------------------------------------------------------------

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
)
NAMES = ("joined", "tier", "customer", "how", "waited", "agent", "seat", "seconds", "score", "words", "urgency", "to")
KINDS = tuple(value for name, value in vars(events).items() if name.isupper() and isinstance(value, str))
ROWS = st.lists(
    st.tuples(
        st.floats(0, 1000), st.sampled_from(KINDS), st.dictionaries(st.sampled_from(NAMES), ODD | st.just("801"))
    ),
    max_size=25,
)


@given(rows=ROWS, seed=st.integers(0, 1000))
def test_no_row_breaks_the_story_and_no_order_changes_it(rows: Sequence[Row], seed: int) -> None:
    happened = [Event("c", kind, data, at(seconds), f"{n:04}") for n, (seconds, kind, data) in enumerate(rows)]
    record = fold(happened)
    if record is None:
        return
    found = tell(record, happened)
    again = happened * 2
    random.Random(seed).shuffle(again)
    assert tell(record, again) == found
    assert found.waited(at(2000)) >= 0
    if record.ended_at:
        assert all(wait.how for wait in found.waits)
        assert all(talk.how for talk in found.talks)
