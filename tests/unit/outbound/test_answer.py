"""What an agent types, and what is kept of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from outbound.answer import LONGEST_TEXT, BadAnswer, checked_text, read_answer
from outbound.script import Question

CHOICE = Question("choice", options={"app": {"zh": "应用", "en": "app"}, "hall": {"zh": "营业部", "en": "branch"}})
NUMBER = Question("number", least=Decimal(0), most=Decimal(1000))


@pytest.mark.parametrize(
    ("question", "typed", "kept"),
    [
        (Question("yes_no"), "y", "yes"),
        (Question("yes_no"), " 是 ", "yes"),
        (Question("yes_no"), "２", "no"),
        (CHOICE, "2", "hall"),
        (CHOICE, "应用", "app"),
        (CHOICE, "hall", "hall"),
        (Question("mark"), "５", "5"),
        (NUMBER, "0012.50", "12.5"),
        (NUMBER, "1,000", "1000"),
        (Question("date"), "2026年11月8日", "2026-11-08"),
        (Question("date"), "20261108", "2026-11-08"),
        (Question("text"), "  慢\n很慢 ", "慢\n很慢"),
        (Question("text", required=False), "  ", ""),
    ],
)
def test_what_is_kept(question: Question, typed: str, kept: str) -> None:
    assert read_answer(question, typed) == kept


@pytest.mark.parametrize(
    ("question", "typed", "fault"),
    [
        (Question("yes_no"), "maybe", "no_answer"),
        (Question("yes_no"), "", "needed"),
        (CHOICE, "3", "no_answer"),
        (CHOICE, "٣", "no_answer"),
        (Question("mark"), "6", "no_mark"),
        (NUMBER, "-1", "too_small"),
        (NUMBER, "1001", "too_large"),
        (NUMBER, "1e9", "no_number"),
        (NUMBER, "9" * 40, "no_number"),
        (Question("date"), "2026-02-30", "no_date"),
        (Question("text"), "x" * (LONGEST_TEXT + 1), "too_long"),
        (Question("text"), "a\x1b[2Jb", "bad_text"),
        (Question("text"), "a\x00b", "bad_text"),
        (Question("text"), "\udcff", "bad_text"),
    ],
)
def test_what_is_refused(question: Question, typed: str, fault: str) -> None:
    with pytest.raises(BadAnswer) as raised:
        read_answer(question, typed)
    assert raised.value.fault == fault
    assert raised.value.remedy


def test_a_note_may_be_empty() -> None:
    assert checked_text("  ") == ""
