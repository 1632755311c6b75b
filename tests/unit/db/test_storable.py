"""Text and JSON that callers and trunks send is made storable: on both databases, whatever it is."""

from __future__ import annotations

import datetime
import decimal
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.calls import Calls
from db.events import CALL_STARTED, Event
from db.storable import CUT_MARK, MOST_JSON, storable, storable_json
from db.store import Store

anything = st.text(st.characters(exclude_categories=()), max_size=50)


@given(anything, st.integers(2, 40))
def test_any_text_becomes_short_clean_unicode_once(text: str, most: int) -> None:
    made = storable(text, most)
    assert len(made) <= most
    assert "\x00" not in made
    made.encode("utf-8")
    assert storable(made, most) == made


@given(st.text(string.printable + "贵州茅台幺", max_size=20))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert storable(text, 20) == text


def test_what_cannot_be_stored_is_written_as_an_escape() -> None:
    assert storable("a\x00b\udcff") == "a\\x00b\\udcff"


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert storable("1" * 5000, 64) == "1" * 63 + CUT_MARK


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | anything | st.binary(max_size=5) | st.decimals(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
        max_leaves=20,
    )
)
def test_any_value_becomes_json_that_every_database_takes(value: object) -> None:
    line = storable_json(value)
    assert line.isascii()
    assert "\n" not in line
    text = json.dumps(json.loads(line, parse_constant=pytest.fail), ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text.replace("\\\\", "")


def test_values_that_json_lacks_become_text() -> None:
    class Rude:
        def __str__(self) -> str:
            raise RuntimeError

    made = json.loads(
        storable_json(
            {
                "price": decimal.Decimal("1788.50"),
                "day": datetime.date(2026, 1, 5),
                "odd": float("nan"),
                "rude": Rude(),
                "bytes": b"\xff",
                "big": 10**5000,
                7: {8},
            }
        )
    )
    assert made["price"] == "1788.50"
    assert made["day"] == "2026-01-05"
    assert made["odd"] == "nan"
    assert made["rude"] == "<Rude>"
    assert made["big"].startswith("0x")
    assert made["7"] == [8]


def test_endless_and_huge_values_have_an_end() -> None:
    endless: list[object] = []
    endless.append(endless)
    deep: object = 0
    for _ in range(5000):
        deep = [deep]
    for value in (endless, deep, ["x" * 1000] * 1000, {str(n): n for n in range(5000)}):
        assert len(storable_json(value)) <= MOST_JSON


@pytest.mark.parametrize("caller", ["\x00", "\udcff\udc00", "'\"\\,\r\n;--", "5" * 5000, "", "😀" * 100, "\ud83d"])
async def test_an_evil_caller_id_is_stored_and_found_again(store: Store, caller: str) -> None:
    calls = Calls(store)
    await calls.record([Event("1.1", CALL_STARTED, {"caller": caller, "line": caller})])
    found = await calls.get("1.1")
    assert found
    assert found.caller == storable(storable(caller), 64)


async def test_an_evil_call_id_is_found_by_itself(store: Store) -> None:
    calls = Calls(store)
    evil = "x\x00\udcff" + "9" * 300
    await calls.record([Event(evil, CALL_STARTED, {})])
    assert await calls.get(evil)
    assert len(await calls.events(evil)) == 1
