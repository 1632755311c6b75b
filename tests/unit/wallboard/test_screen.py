"""The board in a terminal: what matters stays, whatever the size; no colour is needed; nothing steers the terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from seen_by import NOW, at_work, caller, leg, picture, seen, session, waiting

from db.agent import STATES
from ivr.wallboard.picture import Picture
from ivr.wallboard.screen import screen, shares, span
from ivr.wallboard.sights import ChannelSeen, LinkSeen
from ivr.wallboard.words import EN, WORDS, ZH, Words


def text_of(one: Picture, words: Words = ZH, width: int = 110, height: int = 40, *, now: float = NOW) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, no_color=True, force_terminal=False)
    console.print(screen(seen(one, now), words, width, height))
    return out.getvalue()


def busy_hotline(callers: int = 30) -> Picture:
    tiers = ("platinum", "gold", "silver", "normal")
    one = picture(
        *(caller(f"c{n}", f"1380013{n:04}", place=waiting(tiers[n % 4], 5.0 + n)) for n in range(callers)),
        caller("t1", "13900139000", place=waiting("gold", 90.0)),
        leg("t2", "S2", "t1", "b"),
        sessions=(at_work(), at_work("802", "talking", "S2", "t1", 75.0)),
    )
    one.take(ChannelSeen(leg("l1", "S1", "c0"), NOW))
    return one


def test_a_supervisor_sees_who_waits_who_talks_and_what_is_wrong() -> None:
    shown = text_of(busy_hotline(4))
    assert "金线热线看板  10:00:00  Asterisk 正常  控制器 正常  数据库 正常" in shown
    rows = shown.splitlines()
    (platinum,) = [row.split() for row in rows if row.startswith("铂金")]
    assert platinum[:2] == ["铂金", "1"]
    (first,) = [row.split() for row in rows if row.strip().startswith("1  铂金")]
    assert first == ["1", "铂金", "0:05", "最先", "S1", "138****0000", "中文", "-", "95500"]
    (talk,) = [row.split() for row in rows if "韩梅梅" in row]
    assert talk == ["1:15", "802", "韩梅梅", "S2", "黄金", "139****9000"]
    assert "SH01 上海营业部" in shown
    english = text_of(busy_hotline(4), EN)
    assert "Han Meimei" in english
    assert "SH01 Shanghai" in english


def test_a_part_that_is_away_is_said_in_words() -> None:
    one = busy_hotline(1)
    one.take(LinkSeen("asterisk", False, NOW - 65, "Asterisk closed the connection."))
    assert "Asterisk 离线 1:05" in text_of(one)
    assert "! Asterisk is away for 1:05. Asterisk closed the connection." in text_of(one, EN)


@given(st.integers(1, 200), st.integers(1, 60), st.sampled_from([0, 1, 3, 80]), st.sampled_from(sorted(WORDS)))
def test_it_fits_into_any_terminal(width: int, height: int, callers: int, language: str) -> None:
    one = busy_hotline(callers)
    one.take(LinkSeen("controller", False, NOW - 65))
    rows = text_of(one, WORDS[language], width, height).splitlines()
    # The heading, an alert and the sum of those who wait are shown in the smallest.
    assert len(rows) <= max(height, 4)
    assert "10:00:00"[:width] in rows[0] or width < 12


def test_a_small_terminal_keeps_what_matters_most() -> None:
    one = busy_hotline(80)
    one.take(LinkSeen("controller", False, NOW - 65))
    rows = text_of(one, ZH, 60, 4).splitlines()
    assert "控制器离线" in "".join(rows)
    assert any(row.startswith("等待 80") for row in rows)
    assert "… 还有" in text_of(one, ZH, 110, 24)


def test_no_text_of_a_caller_steers_the_terminal_or_is_taken_for_markup() -> None:
    one = picture(caller("c1", "[red]1\x1b[2J", place=waiting("gold", branch="[b]")))
    shown = text_of(one)
    assert "\x1b" not in shown
    assert "[b]" in shown


@pytest.mark.parametrize("words", [ZH, EN])
def test_every_alert_and_finding_has_words(words: Words) -> None:
    one = busy_hotline(8)
    for state in STATES:
        one.take(session("801", state, "S1", version=10 + STATES.index(state)))
        shown = text_of(one, words, 200, 60, now=NOW + 400)
        assert "{" not in shown
    assert set(words.states) == set(STATES)
    assert set(words.alerts) == set(ZH.alerts)
    assert set(words.findings) == set(ZH.findings)


def test_lists_share_the_room_evenly_and_vanish_rather_than_show_nothing() -> None:
    assert shares(30, [10, 5, 5]) == [10, 5, 5]
    assert shares(12, [50, 4, 50]) == [4, 4, 4]
    assert shares(2, [50, 50, 50]) == [0, 0, 0]
    assert shares(0, [1, 1]) == [0, 0]


@given(st.integers(-5, 100), st.lists(st.integers(0, 50), max_size=4))
def test_no_more_lines_are_given_than_there_are(room: int, wanted: list[int]) -> None:
    given = shares(room, wanted)
    assert sum(given) <= max(0, room)
    assert all(one <= most for one, most in zip(given, wanted, strict=True))


def test_durations_read_as_people_write_them() -> None:
    assert [span(seconds) for seconds in (-1, 0, 7.9, 725, 3723)] == ["0:00", "0:00", "0:07", "12:05", "1:02:03"]
