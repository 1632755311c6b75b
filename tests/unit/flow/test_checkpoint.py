"""A checkpoint rides on the channel: whatever it holds comes back alike, and nothing else is taken for one."""

from __future__ import annotations

import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ivr.flow.checkpoint import LONGEST, Checkpoint, decode, encode
from ivr.speech.values import Change, Code, Count, Date, Day, Move, Name, Percent, Price, Text, Time, Turnover, Volume

texts = st.dictionaries(st.sampled_from(["zh", "en"]), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=4)
values = st.one_of(
    st.builds(Price, decimals, st.sampled_from(["yuan", "points"])),
    st.builds(Percent, decimals),
    st.builds(Change, decimals),
    st.builds(Move, decimals, decimals, st.sampled_from(["yuan", "points"])),
    st.builds(Volume, st.integers(0)),
    st.builds(Turnover, decimals),
    st.builds(Code, st.text("0123456789*#", max_size=20)),
    st.builds(Count, st.integers()),
    st.builds(Date, st.dates()),
    st.builds(Day, st.dates()),
    st.builds(Time, st.times().map(lambda time: time.replace(tzinfo=None))),
    st.builds(Name, texts),
    st.builds(Text, texts),
)
names = st.text("abcdefghij_", min_size=1, max_size=8)


@given(st.builds(Checkpoint, names, names, st.sampled_from(["zh", "en"]), st.dictionaries(names, values, max_size=5)))
def test_what_is_carried_comes_back(mark: Checkpoint) -> None:
    text = encode(mark)
    assert len(text) <= LONGEST
    assert not set(text) & set(",\"'\\\n\r ${}();")
    back = decode(text)
    assert back is not None
    assert (back.flow, back.node, back.language) == (mark.flow, mark.node, mark.language)
    for name, value in back.values.items():
        assert value == mark.values[name]


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_anything_else_is_no_checkpoint_and_no_error(text: str) -> None:
    decode(text)


def test_what_is_too_long_is_left_behind_longest_first() -> None:
    mark = Checkpoint("main", "menu", "zh", {"body": Text({"zh": "长" * 5000}), "code": Code("600519")})
    back = decode(encode(mark))
    assert back is not None
    assert dict(back.values) == {"code": Code("600519")}


def test_a_day_and_a_time_come_back() -> None:
    values = {"d": Date(datetime.date(2026, 11, 20)), "t": Time(datetime.time(14, 30)), "p": Price(Decimal("1788.50"))}
    back = decode(encode(Checkpoint("a", "b", "zh", values)))
    assert back is not None
    assert dict(back.values) == values
