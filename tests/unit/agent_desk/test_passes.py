"""A pass is an agent's, for a shift, and nobody else can write one."""

from __future__ import annotations

import datetime

import pytest

from ivr.agent_desk.passes import GOOD_FOR, NoPass, Passes

NOW = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC)


def test_it_says_whose_it_is_for_a_shift() -> None:
    written = Passes(b"key").write("803", NOW)
    assert Passes(b"key").read(written, NOW + GOOD_FOR - datetime.timedelta(seconds=1)) == "803"
    with pytest.raises(NoPass):
        Passes(b"key").read(written, NOW + GOOD_FOR)


def test_nobody_else_writes_one() -> None:
    written = Passes(b"key").write("803", NOW)
    for wrong in (
        written.replace("803", "804", 1),
        written[:-1] + ("0" if written[-1] != "0" else "1"),
        Passes(b"another").write("803", NOW),
        "",
        "803",
        "803-99999999999-" + "0" * 32,
    ):
        with pytest.raises(NoPass):
            Passes(b"key").read(wrong, NOW)
