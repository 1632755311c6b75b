"""A script: what an agent says to a customer of a campaign, and asks, step by step. Frozen and pure.

A script is a graph without loops: each step says something, and may ask one question, whose answer leads on. What was
answered is a mapping from steps to answers; where a talk stands is read out of it anew each time (``place``), so an
answer may be corrected at any time and a killed process loses none. Answers are kept as text in one form
(``outbound.answer``).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

Kind = Literal["yes_no", "choice", "mark", "number", "date", "text"]
ValueKind = Literal["text", "number", "date", "time", "code"]

KINDS: Final[tuple[Kind, ...]] = ("yes_no", "choice", "mark", "number", "date", "text")
VALUE_KINDS: Final[tuple[ValueKind, ...]] = ("text", "number", "date", "time", "code")
YES: Final = "yes"
NO: Final = "no"
SKIPPED: Final = ""  # what stands for the answer to a question that was not asked, or not answered
SKIP_WAY: Final = "skipped"
MARKS: Final = range(1, 6)  # 1 is bad, 5 is good, as in the survey after a talk

# What every script may say without declaring it. ``name`` is what the opening asks for, so it is said to strangers.
BUILT_IN: Final[Mapping[str, ValueKind]] = {
    "name": "text",  # the customer's
    "agent": "text",  # the agent's name
    "agent_id": "code",  # … and number
    "brokerage": "text",
    "hotline": "code",  # the number at which we can be called
    "branch": "text",  # the customer's branch
}

Words = Mapping[str, str]  # a text per language


@dataclass(frozen=True, slots=True)
class ScriptValue:
    """What a target brings for the script. ``personal``: nobody but the customer may hear it."""

    kind: ValueKind
    personal: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``least`` and ``most`` bound a number, ``options`` are those of a choice, in their order."""

    kind: Kind
    required: bool = True
    options: Mapping[str, Words] = field(default_factory=dict)
    least: Decimal | None = None
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """Where an answer leads. ``least`` and ``most``: a span of marks or numbers; else ``label`` is the answer."""

    label: str
    to: str
    line: int
    least: Decimal | None = None
    most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Exactly one of ``ways``/``next`` (it goes on) and ``end`` (a disposition, proposed) is given.

    ``identity``: the answer yes says that the customer is on the line. ``hint`` is for the agent's eyes.
    """

    name: str
    line: int
    say: Words
    hint: Words = field(default_factory=dict)
    question: Question | None = None
    identity: bool = False
    ways: tuple[Way, ...] = ()
    next: str = ""
    end: str = ""

    def leads(self) -> Iterator[tuple[str, str, int]]:
        """Every way on: label, step, line."""
        for way in self.ways:
            yield way.label, way.to, way.line
        if self.next:
            yield "next", self.next, self.line


@dataclass(frozen=True, slots=True)
class Notice:
    """What an automatic call says. ``personal``: only to the customer, who is asked who it is first."""

    say: Words
    personal: bool
    line: int


@dataclass(frozen=True, slots=True)
class Script:
    """One script as it was read from one file. ``digest`` names this version of it."""

    name: str
    file: str
    digest: str
    title: Words
    languages: tuple[str, ...]
    values: Mapping[str, ScriptValue]
    start: str
    steps: Mapping[str, Step]
    notice: Notice | None = None
    by_keys: bool = False  # an automatic call may ask it, too
    body: str = field(default="", repr=False)  # the file's text: kept with the answers

    def kind_of(self, value: str) -> ValueKind | None:
        """What kind a value is that a text may name; None: there is no such value."""
        declared = self.values.get(value)
        return declared.kind if declared else BUILT_IN.get(value)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a talk stands: what is to be said now, and the question that is open, or the end that was come to.

    ``said`` are the steps whose words come now, in order, the open one last; ``answered`` those that were answered on
    the way here. What else was ever answered does not count.
    """

    said: tuple[Step, ...]
    answered: tuple[Step, ...]
    open: Step | None = None
    end: str = ""

    @property
    def identified(self) -> bool:
        """The customer was asked who it is, and said so."""
        return any(step.identity for step in self.answered)


def place(script: Script, answers: Mapping[str, str]) -> Place:
    """Where a talk stands in which this was answered, by step. An answer that fits no question counts as not given."""
    said: list[Step] = []
    answered: list[Step] = []
    name = script.start
    for _ in script.steps:
        step = script.steps[name]
        said.append(step)
        if step.end:
            return Place(tuple(said), tuple(answered), end=step.end)
        if step.question is None:
            name = step.next
            continue
        to = way_of(step, answers.get(name))
        if to is None:
            return Place(tuple(said), tuple(answered), open=step)
        answered.append(step)
        said.clear()
        name = to
    raise ValueError(f"script {script.name} has a loop")  # refused when it was read


def way_of(step: Step, answer: str | None) -> str | None:
    """The step that an answer leads to; None: it is none of this question's."""
    if answer is None or not fits(step, answer):
        return None
    for way in step.ways:
        if way.least is not None and way.most is not None:
            if answer != SKIPPED and way.least <= Decimal(answer) <= way.most:
                return way.to
        elif way.label == (answer or SKIP_WAY):
            return way.to
    return step.next or None


def fits(step: Step, answer: str) -> bool:
    """Whether this is an answer to the step's question, in the form in which answers are kept."""
    question = step.question
    if question is None:
        return False
    if answer == SKIPPED:
        return not question.required
    match question.kind:
        case "yes_no":
            return answer in (YES, NO)
        case "choice":
            return answer in question.options
        case "mark":
            return answer.isascii() and answer.isdigit() and int(answer) in MARKS
        case "number":
            return _is_number(question, answer)
        case "date":
            return _is_date(answer)
        case "text":
            return bool(answer)


def _is_date(answer: str) -> bool:
    try:
        return datetime.date.fromisoformat(answer).isoformat() == answer
    except ValueError:
        return False


def _is_number(question: Question, answer: str) -> bool:
    try:
        number = Decimal(answer)
    except ArithmeticError:
        return False
    if not number.is_finite():
        return False
    return (question.least is None or number >= question.least) and (question.most is None or number <= question.most)


def needed(script: Script, answers: Mapping[str, str]) -> Step | None:
    """The first question on the way that still wants an answer; None: the script is through."""
    return place(script, answers).open
