"""What the customers of a campaign answered, counted question by question. Pure.

Counted is what was asked on the way that each talk took, in the version of the script in which it was asked: an answer
that was corrected away is kept, and not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from outbound.script import SKIPPED, Script, Step, place

MOST_DIFFERENT = 40  # answers of one question that are listed by themselves: numbers and dates may be many


@dataclass(slots=True)
class Tally:
    """One question. ``answers`` counts those that can be listed, ``words`` how many were texts."""

    step: Step
    asked: int = 0
    skipped: int = 0
    words: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def mean(self) -> Decimal | None:
        """The mean of marks and numbers; None when there are none, or it is another kind of question."""
        kind = self.step.question.kind if self.step.question else ""
        count = sum(self.answers.values())
        if kind not in ("mark", "number") or not count:
            return None
        return sum((Decimal(answer) * times for answer, times in self.answers.items()), Decimal(0)) / count


def counted(script: Script, answers: Mapping[str, str]) -> list[tuple[Step, str]]:
    """The questions on the way that this talk took, with their answers."""
    return [(step, answers[step.name]) for step in place(script, answers).answered]


def tally(talks: Iterable[tuple[Script, Mapping[str, str]]]) -> dict[str, Tally]:
    """All talks of a campaign, by step, in the order in which the questions first came."""
    found: dict[str, Tally] = {}
    for script, answers in talks:
        add(found, counted(script, answers))
    return found


def add(found: dict[str, Tally], talk: Iterable[tuple[Step, str]]) -> None:
    """One talk more."""
    for step, answer in talk:
        one = found.setdefault(step.name, Tally(step))
        one.asked += 1
        if answer == SKIPPED:
            one.skipped += 1
        elif step.question is not None and step.question.kind == "text":
            one.words += 1
        else:
            one.answers[answer] += 1
