"""Scripts are taken in while calls go on; one with a fault keeps its last good version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ivr.outreach.script_book import ScriptBook
from outbound.dispositions import DISPOSITIONS_FILE
from outbound.script_file import SCRIPTS


@pytest.fixture
def book(tmp_path: Path) -> ScriptBook:
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "dormant.yaml", tmp_path / "scripts")
    shutil.copy(DISPOSITIONS_FILE, tmp_path)
    book = ScriptBook(tmp_path / "scripts", tmp_path / "dispositions.yaml")
    book.open()
    return book


def test_a_change_is_taken_in(book: ScriptBook, tmp_path: Path) -> None:
    file = tmp_path / "scripts" / "dormant.yaml"
    before = book.scripts["dormant"]
    file.write_text(file.read_text("utf-8").replace("休眠账户回访", "沉睡账户回访"), "utf-8")
    book.look()
    assert book.scripts["dormant"].title["zh"] == "沉睡账户回访"
    assert book.scripts["dormant"].digest != before.digest


def test_a_fault_keeps_the_last_good_version(book: ScriptBook, tmp_path: Path) -> None:
    before = book.scripts["dormant"]
    file = tmp_path / "scripts" / "dormant.yaml"
    file.write_text(file.read_text("utf-8").replace("start: opening", "start: opning"), "utf-8")
    book.look()
    assert book.scripts["dormant"] is before
    assert "Did you mean 'opening'?" in str(book.problems[0])
    file.write_text(before.body, "utf-8")
    book.look()
    assert book.problems == ()


def test_bad_dispositions_keep_the_last_good_ones(book: ScriptBook, tmp_path: Path) -> None:
    (tmp_path / "dispositions.yaml").write_text("completed: {zh: 好}\n", "utf-8")
    book.look()
    assert "hung_up" in book.dispositions
    assert book.problems


def test_a_script_that_is_gone_is_gone(book: ScriptBook, tmp_path: Path) -> None:
    (tmp_path / "scripts" / "dormant.yaml").unlink()
    book.look()
    assert book.scripts == {}
