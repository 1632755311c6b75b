"""Price limits by the exchanges' rules, and what cannot be a quote."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from db.instruments import Instrument, Kind
from ivr.services.quotes.limits import at_limit, price_limits
from ivr.services.quotes.model import Quote, fault_of

AT = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)


def instrument(code: str, name: str = "某某", kind: Kind = "share") -> Instrument:
    return Instrument(code, "SSE" if code.startswith("6") else "SZSE", kind, name, "Some")


def quote(last: str, before: str, one: Instrument | None = None) -> Quote:
    price = Decimal(last)
    return Quote(one or instrument("600519"), price, Decimal(before), price, price, price, 100, price * 100, AT)


@pytest.mark.parametrize(
    ("one", "before", "expected"),
    [
        (instrument("600519"), "10.05", ("9.05", "11.06")),  # 9.045 and 11.055 go up
        (instrument("000001"), "11.62", ("10.46", "12.78")),
        (instrument("688981"), "10.05", ("8.04", "12.06")),
        (instrument("300750"), "10.02", ("8.02", "12.02")),
        (instrument("600519", "*ST某某"), "10.00", None),
        (instrument("510300"), "4.123", None),
        (instrument("399001", kind="index"), "10000", None),
        (instrument("600519"), "0", None),
    ],
)
def test_limits_are_rounded_as_the_exchanges_do(one: Instrument, before: str, expected: tuple[str, str] | None) -> None:
    limits = price_limits(one, Decimal(before))
    assert limits == (None if expected is None else tuple(Decimal(limit) for limit in expected))


def test_at_the_limit_and_not_a_cent_before() -> None:
    assert at_limit(quote("11.06", "10.05")) == "up"
    assert at_limit(quote("11.05", "10.05")) is None
    assert at_limit(quote("9.05", "10.05")) == "down"
    assert at_limit(quote("9.06", "10.05")) is None
    assert at_limit(quote("11.06", "10.05", instrument("600519", "ST某某"))) is None
    told = replace(quote("10.55", "10.05"), limit_up=Decimal("10.55"), limit_down=Decimal("9.55"))
    assert at_limit(told) == "up"
    assert at_limit(replace(told, listing="first_day")) is None
    assert at_limit(replace(told, status="suspended")) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"last": Decimal(0)}, "no price"),
        ({"last": Decimal("NaN")}, "none"),
        ({"high": Decimal("-1")}, "below zero"),
        ({"volume": -1}, "below zero"),
        ({"last": Decimal("1e9"), "high": Decimal("1e9")}, "a price of"),
        ({"last": Decimal("9.00")}, "not between"),
        ({"previous_close": Decimal("0.30")}, "after 0.30"),
        ({"previous_close": Decimal("0.30"), "listing": "first_day"}, None),
        ({"previous_close": Decimal(0)}, None),
        ({"at": AT + datetime.timedelta(minutes=11)}, "future"),
        ({"at": AT + datetime.timedelta(minutes=9)}, None),
        ({"at": AT - datetime.timedelta(days=400)}, None),
    ],
)
def test_what_cannot_be_true(changes: dict[str, object], fault: str | None) -> None:
    found = fault_of(replace(quote("10.00", "10.05"), **changes), AT)  # type: ignore[arg-type]
    assert (found is None) == (fault is None)
    assert fault is None or fault in str(found)
