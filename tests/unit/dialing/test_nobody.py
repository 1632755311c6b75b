"""Asterisk's own record of customers who answered us and found no controller."""

from __future__ import annotations

from pathlib import Path

from ivr.dialing.nobody import LATEST, read, told_who_called

LINE = "1790000000|attempt-7|goldline-outbound|NONE|NOBODY|||||"


def test_who_was_told_and_when() -> None:
    lines = [
        "1790000000|x|goldline-away|NONE|CAME|139||||",
        LINE,
        "1790000009|attempt-7|goldline-outbound|NONE|NOBODY|||||",
        "soon|attempt-8|goldline-outbound|NONE|NOBODY|||||",
        "",
        "1790000000|attempt-9",
    ]
    assert told_who_called(lines) == {"attempt-7": 1790000000.0}


def test_a_record_of_any_length_is_read_from_its_end(tmp_path: Path) -> None:
    record = tmp_path / "queue_log"
    assert read(record) == {}
    record.write_text(("1780000000|x|other|NONE|X|||||\n") * (LATEST // 30 + 1000) + LINE + "\n")
    assert read(record) == {"attempt-7": 1790000000.0}
