"""Answers counted: on the way that each talk took, and no others."""

from __future__ import annotations

from decimal import Decimal

from good_script import good

from outbound.answer_tally import counted, tally
from outbound.script import NO, SKIPPED, YES

THROUGH = {"opening": YES, "content": "5", "how": "branch"}
UNHAPPY = {"opening": YES, "content": "2", "why": "慢", "how": "app", "amount": "50", "since": "2026-01-01"}


def test_only_what_was_asked_on_the_way_counts() -> None:
    corrected = UNHAPPY | {"content": "4"}  # no longer asked why
    assert [step.name for step, _ in counted(good(), corrected)] == ["opening", "content", "how", "amount", "since"]


def test_each_question_in_the_order_in_which_it_came() -> None:
    found = tally(
        [(good(), UNHAPPY), (good(), THROUGH), (good(), UNHAPPY | {"why": SKIPPED}), (good(), {"opening": NO})]
    )
    assert list(found) == ["opening", "content", "why", "how", "amount", "since"]
    assert found["opening"].answers == {YES: 3, NO: 1}
    assert (found["content"].asked, found["content"].mean) == (3, Decimal(3))
    why = found["why"]
    assert (why.asked, why.skipped, why.words, why.mean) == (2, 1, 1, None)
    assert found["amount"].mean == 50


def test_nobody_answered() -> None:
    assert tally([]) == {}
