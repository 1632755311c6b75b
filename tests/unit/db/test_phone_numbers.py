"""One stored form for every way to write a telephone number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.phone_numbers import BadNumber, canonical, spoken_form, stored_form


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("13800138000", "+8613800138000"),
        ("138 0013 8000", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("013800138000", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("19912345678", "+8619912345678"),
        ("02155501234", "+862155501234"),
        ("(021) 5550-1234", "+862155501234"),
        ("+862155501234", "+862155501234"),
        ("075588880000", "+8675588880000"),
        ("4008095500", "+864008095500"),
        ("0085221234567", "+85221234567"),
        ("+1 650 253 0000", "+16502530000"),
        ("95500", "95500"),
        ("95500123", "95500123"),
        ("110", "110"),
        ("10086", "10086"),
        ("12306", "12306"),
    ],
)
def test_every_way_to_write_it_is_one_number(written: str, stored: str) -> None:
    assert canonical(written) == stored
    assert stored_form(written) == stored
    assert canonical(spoken_form(stored)) == stored
    assert spoken_form(stored)[0].isdigit()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "138",
        "1380013800",
        "138001380001",
        "55501234",
        "00000000001",
        "abc",
        "1380013800a",
        "+",
        "0" * 50,
        "13800138000/13800138001",
        "95",
        "955",
        "21",
        "++8613800138000",
        "\x00",
        "+8612345",
        "99999999999",
    ],
)
def test_what_is_no_number_is_refused_with_a_remedy_and_kept_as_it_came_from_a_trunk(text: str) -> None:
    with pytest.raises(BadNumber) as caught:
        canonical(text)
    assert caught.value.remedy
    assert stored_form(text) == text.strip()


@given(st.text(max_size=60))
def test_no_text_breaks_it_and_a_stored_form_stays(text: str) -> None:
    stored = stored_form(text)
    assert stored_form(stored) == stored
