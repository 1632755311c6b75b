"""The reasons for pauses and the times of seats: what came with Goldline is right, every fault is told by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_routing import pause_reasons, seat_times
from agent_routing.pause_reasons import NoSuchReason, PauseReasonsInvalid
from agent_routing.seat_times import SeatTimesInvalid


def test_the_reasons_that_come_with_goldline() -> None:
    reasons = pause_reasons.read()
    assert {"break", "lunch", "meeting", "training", "missed"} <= set(reasons.by_id)
    lunch = reasons.of_key("2")
    assert lunch
    assert (lunch.id, lunch.zh, lunch.en, lunch.counts) == ("lunch", "午餐", "Lunch", "rest")
    assert reasons.of_key("") is None
    assert reasons.of_key("9") is None
    with pytest.raises(NoSuchReason, match="Did you mean 'lunch'"):
        reasons.get("lunhc")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "reasons:\n  missed: {zh: 一, en: One}\n  lunch: {zh: 一, en: One, kez: 1}",
            "f:3: reasons: lunch: unknown field 'kez'",
        ),
        ("reasons:\n  missed: {zh: 一, en: One}\n  lunch: {zh: 一}", "f:3: reasons: lunch: en is missing"),
        ("reasons:\n  missed: {zh: 一, en: One, key: 12}", "f:2: reasons: missed: key cannot be '12'"),
        (
            "reasons:\n  missed: {zh: 一, en: One, key: 1}\n  lunch: {zh: 二, en: Two, key: 1}",
            "f:3: reasons: lunch: key 1 is taken by missed, in line 2",
        ),
        ("reasons:\n  lunch: {zh: 一, en: One}", "missed is missing"),
        ("reasons:\n  missed: {zh: 一, en: One, longest: 9d}", "f:2: reasons: missed: longest must be a duration"),
        (
            "reasons:\n  missed: {zh: 一, en: One}\n  Lunch Time: {zh: 一, en: One}",
            "f:3: reasons: 'Lunch Time' is no name",
        ),
        ("pauses: {}", "reasons is missing"),
        ("reasons: []", "reasons must be a mapping"),
    ],
)
def test_faults_in_reasons_are_told_by_their_line(text: str, says: str) -> None:
    _, problems = pause_reasons.load(text, "f")
    assert any(says in str(problem) for problem in problems), problems
    assert problems[0].remedy or "unknown" not in says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ringing: 20", "f:1: ringing must be a duration"),
        ("talking: 9s", "f:1: talking must be between"),
        ("wrap_up: 30s\nwrap_up_most: 10s", "f:2: wrap_up_most is shorter than wrap_up"),
        ("missed_in_a_row: none", "f:1: missed_in_a_row must be a whole number"),
        ("rining: 20s", "unknown field 'rining'. Did you mean 'ringing'?"),
    ],
)
def test_faults_in_times_are_told_by_their_line(text: str, says: str) -> None:
    _, problems = seat_times.load(text, "f")
    assert any(says in str(problem) for problem in problems), problems


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PauseReasonsInvalid, match="cannot be read"):
        pause_reasons.read(tmp_path / "none.yaml")
    with pytest.raises(SeatTimesInvalid, match="cannot be read"):
        seat_times.read(tmp_path / "none.yaml")
