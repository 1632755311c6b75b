"""Fixtures for the speech tests."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from speech_fakes import FakeEngine, make_composer

from ivr.speech.composer import Composer
from ivr.speech.values import Change, Code, Move, Name, Price, Time, Value


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def composer(engine: FakeEngine, tmp_path: Path) -> Composer:
    return make_composer(engine, tmp_path)


@pytest.fixture
def quote() -> dict[str, Value]:
    return {
        "name": Name({"zh": "贵州茅台", "en": "Kweichow Moutai"}),
        "code": Code("600519"),
        "last": Price(Decimal("1788.50")),
        "change": Change(Decimal("1.23")),
        "move": Move(Decimal("21.73"), Decimal("1.23")),
        "state": Name({"zh": "", "en": ""}),
        "at": Time(datetime.time(14, 30)),
    }
