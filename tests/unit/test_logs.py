"""The log: the call id on every line of a call, one line per happening, never a secret digit."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from ivr import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    yield io.StringIO()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_line_of_a_call_has_its_id_whoever_writes_it(written: io.StringIO, form: str) -> None:
    logs.configure("info", form, written)  # type: ignore[arg-type]
    structlog.contextvars.bind_contextvars(call="goldline-1.7")
    structlog.get_logger("a").info("one", node="menu")
    logging.getLogger("goldline.journal").warning("two %s", "things")
    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    assert all("goldline-1.7" in line for line in lines)
    if form == "json":
        assert json.loads(lines[0])["call"] == "goldline-1.7"
        assert json.loads(lines[1])["event"] == "two things"


@pytest.mark.parametrize("name", sorted(logs.HIDDEN_NAMES))
def test_secret_digits_never_reach_the_log(written: io.StringIO, name: str) -> None:
    logs.configure("debug", "text", written)
    structlog.get_logger("b").warning("keyed", **{name: "846213"})
    assert "846213" not in written.getvalue()
    assert "keyed" in written.getvalue()


def test_a_line_break_in_a_callers_name_does_not_make_a_second_line(written: io.StringIO) -> None:
    logs.configure("info", "text", written)
    structlog.get_logger("c").info("call began", caller="a\nlevel=error event=forged")
    assert len(written.getvalue().splitlines()) == 1


def test_below_the_level_nothing_is_written(written: io.StringIO) -> None:
    logs.configure("warning", "text", written)
    structlog.get_logger("d").info("quiet")
    logging.getLogger("e").info("quiet")
    assert written.getvalue() == ""
