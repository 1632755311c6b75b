"""Tests of a flow that people who do not program can read: ``dialplans/main.test.yaml`` beside ``main.yaml``.

    - name: a caller asks for a price
      steps:
        - hear: greeting
        - press: "1"
        - hear: enter_code
        - press: "600519#"
        - hear: quote_share
          text: 贵州茅台
        - hang up

``hear`` names a prompt (or several in order) that must be said before anything is pressed; other prompts may come
between. ``text`` must be part of what was said. ``press`` presses keys at the next chance, ``silence`` lets a question
run out of time, ``speak`` says something after the beep, ``reach`` names a node the call must have come to.
``answers: {quotes.look_up: share}`` has a service end with that exit and sample values instead of doing its work
(``error``: it fails); a list is used up in turn. ``queue: nobody`` says how callers fare who want a person: they have
``talked`` at once (if nothing is said), ``nobody`` is at work, they ``wait`` for ever, or ``long``: too long. With
``proven: yes`` the caller has proven to be the demonstration's first customer when the call begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path

from ivr.datafile.fields import KEYS, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Row, Scalar, Table, parse
from ivr.flow.checkpoint import Checkpoint, encode
from ivr.flow.engine import Engine, Entry
from ivr.flow.load import TEST_SUFFIX
from ivr.flow.model import FlowSet
from ivr.flow.prompts import Prompts
from ivr.flow.proof import Proof
from ivr.flow.service import Caller, Result, Service
from ivr.speech.utterance import Utterance
from ivr.speech.values import (
    Change,
    Code,
    Count,
    Date,
    Day,
    Move,
    Name,
    Percent,
    Price,
    Text,
    Time,
    Turnover,
    Value,
    Volume,
)
from ivr.testing import HANG_UP, AnsweredAtOnce, FakeCall, MemoryJournal, plain_kit_with

ACTIONS = ("hear", "press", "reach")
SAMPLES: dict[str, Value] = {
    "price": Price(Decimal("1788.50")),
    "percent": Percent(Decimal("1.23")),
    "change": Change(Decimal("1.23")),
    "move": Move(Decimal("18.50"), Decimal("1.05")),
    "volume": Volume(1_234_567),
    "turnover": Turnover(Decimal("1234567890")),
    "code": Code("600519"),
    "count": Count(3),
    "date": Date(date(2026, 11, 20)),
    "day": Day(date(2026, 11, 20)),
    "time": Time(time(14, 30)),
    "name": Name({"zh": "贵州茅台", "en": "Kweichow Moutai"}),
    "text": Text({"zh": "示例文字。", "en": "A sample text."}),
}


@dataclass(frozen=True, slots=True)
class GoldenStep:
    """One line of a test: ``what`` is hear, press, reach, silence or hang up."""

    what: str
    line: int
    words: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class GoldenTest:
    """One scripted call."""

    name: str
    file: str
    line: int
    flow: str
    steps: tuple[GoldenStep, ...]
    caller: str = "13800138000"
    number: str = "95500"
    language: str = ""
    ends: str = ""
    proven: bool = False  # the call begins with its caller proven to be the demonstration's first customer
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Mismatch(Exception):
    """The call did not go as the test says."""


def test_files(directory: Path) -> list[Path]:
    """The test files in a directory of flows."""
    return sorted(directory.glob(f"*{TEST_SUFFIX}"))


test_files.__test__ = False  # type: ignore[attr-defined]  # a finder, not a test


def read_tests(path: Path) -> tuple[list[GoldenTest], list[Problem]]:
    """The tests in one file, and what is wrong with them."""
    file = f"{path.parent.name}/{path.name}"
    flow = path.name.removesuffix(TEST_SUFFIX)
    # The reader wants a mapping at the top; a list of tests is what people write.
    body = path.read_text("utf-8")
    table, problems = parse("tests:\n" + "\n".join("  " + line for line in body.splitlines()), file)
    problems = [replace(problem, line=max(1, problem.line - 1)) for problem in problems]
    if table is None:
        return [], problems
    rows = table.entries.get("tests")
    if not isinstance(rows, Row):
        return [], [*problems, Problem(file, 1, "the file must be a list of tests.", "Begin one with `- name: …`.")]
    tests = [_test(item, file, flow, problems) for item in rows.items]
    return [test for test in tests if test], problems


def _test(item: object, file: str, flow: str, problems: list[Problem]) -> GoldenTest | None:
    if not isinstance(item, Table):
        problems.append(Problem(file, 1, "a test must be a mapping.", "Begin it with `- name: …`."))
        return None
    fields = Fields(file, _one_up(item), problems)
    name = fields.text("name")
    fields.where = f"test {name!r}: "
    element = fields.element("steps")
    steps = [_step(step, fields) for step in element.items] if isinstance(element, Row) else []
    if not steps:
        fields.problem("steps", "steps is missing.", "Add `steps:` and a list of hear and press.")
    answers_element = fields.element("answers")
    answers: dict[str, tuple[str, ...]] = {}
    if isinstance(answers_element, Table):
        for service, exits in answers_element.entries.items():
            items = exits.items if isinstance(exits, Row) else (exits,)
            answers[service] = tuple(one.text for one in items if isinstance(one, Scalar))
    test = GoldenTest(
        name=name,
        file=file,
        line=fields.table.line,
        flow=flow,
        steps=tuple(step for step in steps if step),
        caller=fields.text("caller", "13800138000"),
        number=fields.text("line", "95500"),
        language=fields.text("language", ""),
        ends=fields.one_of("ends", ("caller", "hotline", "failed", ""), ""),
        proven=fields.flag("proven"),
        answers=answers,
    )
    fields.done()
    return test


def _one_up(table: Table) -> Table:
    """Undo the line that was put above the author's text."""
    return Table(table.entries, table.line - 1, {key: line - 1 for key, line in table.key_lines.items()})


def _step(element: object, fields: Fields) -> GoldenStep | None:
    if isinstance(element, Scalar) and element.text in ("silence", "speak", "hang up"):
        return GoldenStep(element.text, element.line - 1)
    if isinstance(element, Table):
        inner = Fields(fields.file, _one_up(element), fields.problems, fields.where)
        found = [action for action in ACTIONS if inner.has(action)]
        if len(found) == 1:
            words = inner.words(found[0])
            step = GoldenStep(found[0], inner.table.line, words, inner.text("text", ""))
            if found[0] == "press" and any(key not in KEYS for word in words for key in word):
                inner.problem("press", f"{' '.join(words)!r} holds something that is not a key.")
            inner.done()
            return step
    line = getattr(element, "line", 2) - 1
    remedy = "Use `hear: prompt`, `press: keys`, `reach: node`, `silence`, `speak` or `hang up`."
    fields.problems.append(Problem(fields.file, line, f"{fields.where}this is no step.", remedy))
    return None


class ScriptedCaller:
    """Does what the test says, and complains when the hotline does not."""

    def __init__(self, test: GoldenTest, journal: MemoryJournal) -> None:
        self._test = test
        self._journal = journal
        self._steps = deque(test.steps)
        self._said: deque[tuple[str, str]] = deque()  # prompt, and the whole text it was part of
        self._keys: deque[str] = deque()
        self.mismatch: Mismatch | None = None  # the engine settles errors itself, so the first one is kept here

    async def hears(self, utterance: Utterance) -> None:
        self._said.extend((prompt, utterance.text) for prompt in utterance.prompts)

    async def presses_while_playing(self) -> str:
        if self._keys:
            return self._keys.popleft()
        self._listen()
        if self._steps and self._steps[0].what == "press":
            return self._press()
        return ""

    async def presses(self, *, first: bool) -> str:
        if self._keys:
            return self._keys.popleft()
        if not first:
            return ""
        self._listen()
        if not self._steps:
            return HANG_UP
        step = self._steps[0]
        if step.what == "press":
            return self._press()
        if step.what == "hear":
            raise self._mismatch(step, "it waits for a key, but should have said more")
        self._steps.popleft()
        return HANG_UP if step.what == "hang up" else ""

    async def speaks(self) -> str:
        self._keys.clear()  # pressed before the beep, they are no answer to it
        self._listen()
        if self._steps and self._steps[0].what == "speak":
            self._steps.popleft()
            return END_OF_WORDS
        return await self.presses(first=True)

    def finished(self, how: str) -> None:
        """The call is over: was everything as the test says?"""
        self._listen()
        while self._steps and self._steps[0].what in ("hang up", "silence") and how == "caller":
            self._steps.popleft()
        if self._steps:
            raise self._mismatch(self._steps[0], f"the call ended ({how}) before")
        if self._test.ends and self._test.ends != how:
            raise Mismatch(f"{self._test.file}:{self._test.line}: the call ended by {how}, not by {self._test.ends}.")

    def _press(self) -> str:
        step = self._steps.popleft()
        self._keys.extend("".join(step.words))
        return self._keys.popleft()

    def _listen(self) -> None:
        while self._steps and self._steps[0].what in ("hear", "reach"):
            step = self._steps[0]
            if step.what == "reach":
                been = {part for event in self._journal.events for part in self._places(event.data)}
                if not set(step.words) <= been:
                    raise self._mismatch(step, f"the call has been at {', '.join(sorted(been)) or 'no node'}")
            elif not self._heard(step):
                return
            self._steps.popleft()

    def _heard(self, step: GoldenStep) -> bool:
        said = list(self._said)
        at = 0
        for word in step.words:
            while at < len(said) and said[at][0] != word:
                at += 1
            if at == len(said):
                return False
            at += 1
        if step.text and step.text not in said[at - 1][1]:
            raise self._mismatch(step, f"{step.words[-1]} said {said[at - 1][1]!r}, without {step.text!r}")
        for _ in range(at):
            self._said.popleft()
        return True

    @staticmethod
    def _places(data: Mapping[str, object]) -> list[str]:
        places = [str(data.get("path", "")), str(data.get("to", ""))]
        return [part for place in places for part in (place, place.partition("/")[2])]

    def _mismatch(self, step: GoldenStep, why: str) -> Mismatch:
        said = ", ".join(prompt for prompt, _ in self._said) or "nothing since"
        wanted = " ".join((step.what, *step.words))
        self.mismatch = Mismatch(f"{self._test.file}:{step.line}: `{wanted}`: {why} (said: {said}).")
        return self.mismatch


QUEUE = "queue"  # in ``answers``: how callers fare who want a person
FOR_EVER = float("inf")
END_OF_WORDS = "#"  # what whoever speaks presses at the end
SOMEBODY = Proof(1, "pin")  # the demonstration's first customer: whom a scripted answer `proven` proves


async def run_test(
    test: GoldenTest, flows: FlowSet, prompts: Prompts, services: Mapping[str, Service]
) -> MemoryJournal:
    """Play one scripted call and give its journal.

    Raises Mismatch with file and line when the hotline does something else.
    """
    journal = MemoryJournal()
    caller = ScriptedCaller(test, journal)
    kit = plain_kit_with(_queue(test), prompts, _scripted(services, test), journal)
    flow = flows[test.flow]
    language = test.language or flow.languages[0]
    environment = {"agi_callerid": test.caller, "agi_arg_1": test.number}
    if test.proven:
        proof = kit.seal.write(FakeCall().id, SOMEBODY)
        environment["agi_arg_2"] = encode(Checkpoint(flow.name, flow.start, language, {}, proof))
    call = FakeCall(person=caller, environment=environment)
    ending = await Engine(lambda: flows, kit).run(call, Entry(flow.name, language))
    if caller.mismatch:
        raise caller.mismatch
    for event in journal.events:
        if event.kind == "fault" and test.ends != "failed":
            raise Mismatch(f"{test.file}:{test.line}: the flow failed at {event.data['path']} ({event.data['error']}).")
    caller.finished(ending.how)
    return journal


def nodes_visited(journal: MemoryJournal) -> set[str]:
    """The nodes a call came to, as ``flow/node``."""
    return {
        "/".join(str(place).split("/")[:2])
        for event in journal.events
        for place in (event.data.get("path"), event.data.get("to"))
        if place
    }


def _scripted(services: Mapping[str, Service], test: GoldenTest) -> dict[str, Service]:
    scripted = dict(services)
    for name, exits in test.answers.items():
        if name == QUEUE:
            continue
        service = services.get(name)
        if service is None:
            raise Mismatch(
                f"{test.file}:{test.line}: answers: there is no service {name!r}. {suggest(name, sorted(services))}"
            )
        for taken in exits:
            if taken not in (*service.exits, "error"):
                known = suggest(taken, sorted(service.exits))
                raise Mismatch(f"{test.file}:{test.line}: answers: {name} has no exit {taken!r}. {known}")
        scripted[name] = _answering(service, exits)
    return scripted


def _queue(test: GoldenTest) -> AnsweredAtOnce:
    match test.answers.get(QUEUE, ("talked",)):
        case ("talked",):
            return AnsweredAtOnce()
        case ("nobody",):
            return AnsweredAtOnce("nobody")
        case ("wait",):
            return AnsweredAtOnce("waits")
        case ("long",):
            return AnsweredAtOnce("waits", FOR_EVER)
        case other:
            raise Mismatch(
                f"{test.file}:{test.line}: answers: queue cannot be {', '.join(other)}. "
                "Known here: talked, nobody, wait, long."
            )


def _answering(service: Service, exits: Sequence[str]) -> Service:
    left = deque(exits)

    async def run(_caller: Caller, _inputs: Mapping[str, Value]) -> Result:
        taken = left.popleft() if len(left) > 1 else left[0]
        if taken == "error":
            raise ConnectionError("the test wants this service to fail")
        values = {name: SAMPLES[kind] for name, kind in service.exits[taken].items()}
        return Result(taken, values, SOMEBODY if taken == "proven" else None)

    return replace(service, run=run)
