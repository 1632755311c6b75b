"""A place in the queue rides on the channel: it comes back as it was, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_routing.pool import Caller
from db.agent import LEVELS
from db.customer import DIALECTS, TIERS
from ivr.queueing.place import LONGEST, Place, PlaceTooLong, decode, encode

words = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", max_size=12)
names = st.text("abcdefghijkl_沪", min_size=1, max_size=12)
levels = st.dictionaries(names, st.sampled_from(LEVELS), max_size=4)
places = st.builds(
    Place,
    st.integers(0, 4_000_000_000_000).map(lambda thousandths: thousandths / 1000),
    st.sampled_from(TIERS),
    st.sampled_from(["", "zh", "en"]),
    st.sampled_from(DIALECTS),
    words,
    st.lists(words, max_size=3).map(tuple),
    levels,
    levels,
    st.booleans(),
    st.none() | st.integers(0, 2**40),
    st.text("0123456789+*#", max_size=20),
)


@given(places)
def test_what_is_carried_comes_back(place: Place) -> None:
    text = encode(place)
    assert len(text) <= LONGEST
    assert not set(text) & set(",\"'\\\n\r ${}();=|&")
    assert decode(text) == place


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1")), st.text("abcdeXYZ019-_=")))
def test_anything_else_is_no_place_and_no_error(text: str) -> None:
    assert decode(text) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from("jtldbmrwfcn"), json_values, max_size=11))
def test_json_of_any_shape_is_a_place_in_every_part_or_none(plain: dict[str, Any]) -> None:
    place = decode(text_of(plain))
    if place is not None:
        assert decode(encode(place)) == Place(
            round(place.joined, 3),
            place.tier,
            place.language,
            place.dialect,
            place.branch,
            place.managers,
            place.required,
            place.wished,
            place.front,
            place.customer,
            place.line,
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"t": "gold"},
        {"j": True, "t": "gold"},
        {"j": 10**400, "t": "gold"},
        {"j": 1, "t": "diamond"},
        {"j": 1, "t": "gold", "l": 7},
        {"j": 1, "t": "gold", "b": "SH01\n[31m"},
        {"j": 1, "t": "gold", "m": "801"},
        {"j": 1, "t": "gold", "r": {"licensed": 9}},
        {"j": 1, "t": "gold", "r": {"licensed": True}},
        {"j": 1, "t": "gold", "f": 1},
        {"j": 1, "t": "gold", "c": "7"},
        {"j": 1, "t": "gold", "n": "9" * 65},
    ],
)
def test_what_is_wrong_in_one_part_is_none(wrong: dict[str, Any]) -> None:
    assert decode(text_of(wrong)) is None


def test_not_a_number_deep_nesting_and_what_is_cut_off_are_none() -> None:
    assert decode(coded('{"j":NaN,"t":"gold"}')) is None
    assert decode(coded("[" * 700)) is None
    assert decode(encode(Place(1.0, "gold"))[:-5]) is None
    assert decode("A" * (LONGEST + 1)) is None


def test_what_is_too_long_loses_wishes_first_and_never_what_is_required() -> None:
    required = {f"required_{number}": 3 for number in range(10)}
    wished = {f"wished_{number}": 3 for number in range(60)}
    managers = tuple(str(801 + number) for number in range(8))
    back = decode(encode(Place(1.0, "gold", managers=managers, required=required, wished=wished)))
    assert back is not None
    assert (back.required, back.managers) == (required, managers)
    assert 0 < len(back.wished) < 60
    with pytest.raises(PlaceTooLong, match="fewer skills"):
        encode(Place(1.0, "gold", required={f"required_{number}": 3 for number in range(60)}))


def test_the_engine_sees_the_same_caller() -> None:
    place = Place(5.5, "platinum", "zh", "wuu", "SH01", ("801",), {"licensed": 3}, {"orders": 2}, True, 7, "95500")
    assert place.caller("c-1") == Caller(
        "c-1", "platinum", 5.5, "zh", "wuu", "SH01", ("801",), {"licensed": 3}, {"orders": 2}, True
    )


def text_of(plain: dict[str, Any]) -> str:
    return coded(json.dumps(plain))


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
