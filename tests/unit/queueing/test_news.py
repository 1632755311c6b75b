"""What the controller tells of the queue arrives as it was told, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.agent import STATES
from db.customer import TIERS
from ivr.contract import USER_EVENT
from ivr.queueing.news import KINDS, QueueNews, headers, read

words = st.text("abcdefghijklmnopqrstuvwxyz_.0123456789", max_size=20)
moments = st.none() | st.integers(0, 4_000_000_000_000).map(lambda thousandths: thousandths / 1000)
news = st.builds(
    QueueNews,
    st.sampled_from(sorted(KINDS)),
    words,
    words,
    words,
    st.none() | st.sampled_from(TIERS),
    moments,
    st.none() | st.sampled_from(STATES),
    moments,
    words,
    st.none() | st.integers(0, 2**40),
    words,
    st.none() | st.integers(0, 100_000).map(lambda tenths: tenths / 10),
    words,
)


@given(news)
def test_what_is_told_arrives(told: QueueNews) -> None:
    sent = headers(told)
    assert sent["UserEvent"] == USER_EVENT
    assert read({"Event": "UserEvent", "Privilege": "user,all", "ActionID": "x-1", **sent}) == told


@pytest.mark.parametrize(
    "wrong",
    [
        {"Event": "Hangup"},
        {"UserEvent": "Other"},
        {"Kind": "wait.forged"},
        {"Kind": ""},
        {"Tier": "diamond"},
        {"State": "asleep"},
        {"Joined": "soon"},
        {"Joined": "nan"},
        {"Since": "inf"},
        {"Version": "-1"},
        {"Version": "²"},
        {"Call": ["1", "2"]},
        {"Seat": "S1\x1b[31m"},
        {"How": "x" * 300},
    ],
)
def test_what_is_wrong_in_any_part_is_no_news(wrong: dict[str, object]) -> None:
    good = {"Event": "UserEvent", **headers(QueueNews("wait.left", "1.1", how="abandoned", waited=7.25))}
    assert read(good) is not None
    assert read(good | wrong) is None
