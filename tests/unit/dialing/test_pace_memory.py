"""What pacers have learned outlives the controller; what cannot be read is learned anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.dialing.pace_memory import PaceMemory
from outbound.pacing import Pacer, PacingRules


def taught() -> Pacer:
    pacer = Pacer(PacingRules())
    for dial in range(80):
        pacer.dialled(str(dial), dial * 1.0)
        (pacer.answered if dial % 2 else pacer.failed)(str(dial), dial + 9.0)
        if dial % 2:
            pacer.connected(str(dial), dial + 9.0)
    return pacer


def test_what_was_learned_is_there_after_a_restart(tmp_path: Path) -> None:
    learned = taught().history()
    PaceMemory(tmp_path / "pacing").keep("revisit", learned)
    again = PaceMemory(tmp_path / "pacing").recall("revisit")
    assert again is not None
    assert again.as_data() == learned.as_data()
    Pacer(PacingRules(), again)
    assert PaceMemory(tmp_path / "pacing").recall("other") is None
    assert [file.name for file in (tmp_path / "pacing").iterdir()] == ["revisit.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"rings": 1, "talks": 2, "wraps": 3}',
        "null",
        "7",
        '{"rings": {"a": 1}, "talks": {}, "wraps": {}, "threshold": 0}',
    ],
)
def test_what_cannot_be_read_is_learned_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "revisit.json").write_text(text)
    assert PaceMemory(tmp_path).recall("revisit") is None


def test_where_nothing_can_be_kept_nothing_breaks(tmp_path: Path) -> None:
    (tmp_path / "pacing").write_text("a file stands where the folder should")
    PaceMemory(tmp_path / "pacing").keep("revisit", taught().history())
