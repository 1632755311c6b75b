"""Does a script make sense? A script in, problems out. Pure.

Every step can be reached and leads on to an end, without a loop; every answer has a way; every value that is said is
known; what only the customer may hear is said to nobody before the customer has said who it is; every end is a
disposition that an agent may give; and what an automatic call shall ask can be answered by keys.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ivr.datafile.fields import suggest
from ivr.datafile.problem import Problem
from outbound.dispositions import Dispositions
from outbound.script import BUILT_IN, MARKS, NO, SKIP_WAY, YES, Script, Step, Words
from outbound.script_values import places_of

LONGEST_SAY: Final = 800  # characters of what is said in one breath: two and a half minutes
LONGEST_BY_KEYS: Final = 400  # … by a machine, to somebody who did not call
REFUSING_KEY: Final = 9  # in automatic calls: no more calls, at any time
MOST_KEYED_OPTIONS: Final = REFUSING_KEY - 1


def check_script(script: Script, dispositions: Dispositions) -> list[Problem]:
    """Every problem of a script whose shape is right."""
    return sorted(set(_Checker(script, dispositions).problems()))


class _Checker:
    def __init__(self, script: Script, dispositions: Dispositions) -> None:
        self.script = script
        self.dispositions = dispositions
        self.found: list[Problem] = []

    def problems(self) -> list[Problem]:
        script = self.script
        if script.start not in script.steps:
            self._problem(1, f"start: there is no step {script.start!r}.", suggest(script.start, sorted(script.steps)))
        for step in script.steps.values():
            self._leads(step)
            self._answers(step)
            self._texts(step)
            if step.end:
                self._end(step)
            if script.by_keys:
                self._keyed(step)
        if script.notice is not None:
            self._notice(script.notice.say, script.notice.line)
        if not self.found:
            self._reachable()
            self._loops()
        if not self.found:
            self._strangers()
        self._unused()
        return self.found

    def _problem(self, line: int, message: str, remedy: str = "") -> None:
        self.found.append(Problem(self.script.file, line, message, remedy))

    # --- ways ---------------------------------------------------------------------------------------------------------

    def _leads(self, step: Step) -> None:
        for label, to, line in step.leads():
            if to not in self.script.steps:
                what = f"step {step.name} ({label}): there is no step {to!r}."
                self._problem(line, what, suggest(to, sorted(self.script.steps)))
        if not step.end and not step.next and not step.ways:
            self._problem(
                step.line,
                f"step {step.name} is a dead end.",
                "Say where it goes on (`next: step`), or what came of the talk (`end: completed`).",
            )

    def _answers(self, step: Step) -> None:
        question = step.question
        if step.identity and (question is None or question.kind != "yes_no" or not question.required):
            remedy = "Write `ask: yes_no`; the answer yes says that it is the customer."
            self._problem(step.line, f"step {step.name}: identity is a question that must be answered.", remedy)
        if step.identity and {way.label for way in step.ways} != {YES, NO}:
            remedy = "Write `go: {yes: …, no: …}`."
            self._problem(step.line, f"step {step.name}: who is not the customer must go another way.", remedy)
        if question is None:
            return
        known: tuple[str, ...] = ()
        match question.kind:
            case "yes_no":
                known = (YES, NO)
            case "choice":
                known = tuple(question.options)
        if not question.required:
            known = (*known, SKIP_WAY)
        spans: list[tuple[Decimal, Decimal, str]] = []
        for way in step.ways:
            if way.least is not None and way.most is not None:
                self._span(step, way.label, way.least, way.most, way.line, spans)
            elif way.label not in known:
                what = f"step {step.name}: {way.label!r} is no answer to this question."
                self._problem(way.line, what, suggest(way.label, known) or "Write `next: step`.")
        if step.next:
            return
        given = {way.label for way in step.ways}
        missing = [answer for answer in known if answer not in given]
        if question.kind == "mark":
            missing += [str(mark) for mark in MARKS if not any(low <= mark <= high for low, high, _ in spans)]
        if question.kind in ("number", "date", "text"):
            missing.append("all others")
        if missing:
            what = f"step {step.name} is a dead end for the answer {', '.join(missing)}."
            self._problem(step.line, what, "Add it to `go:`, or write `next: step` for all that is not there.")

    def _span(
        self,
        step: Step,
        label: str,
        least: Decimal,
        most: Decimal,
        line: int,
        spans: list[tuple[Decimal, Decimal, str]],
    ) -> None:
        question = step.question
        assert question is not None
        low, high = question.least, question.most
        if question.kind == "mark":
            low, high = Decimal(MARKS[0]), Decimal(MARKS[-1])
        if (low is not None and least < low) or (high is not None and most > high):
            self._problem(
                line, f"step {step.name}: {label} lies outside the answers.", f"They go from {low} to {high}."
            )
        for other_least, other_most, other in spans:
            if least <= other_most and other_least <= most:
                self._problem(line, f"step {step.name}: {label} and {other} overlap.", "Give each answer one way.")
        spans.append((least, most, label))

    def _end(self, step: Step) -> None:
        disposition = self.dispositions.get(step.end)
        if disposition is None:
            what = f"step {step.name}: there is no disposition {step.end!r}."
            self._problem(step.line, what, suggest(step.end, sorted(self.dispositions)))
        elif disposition.by == "automatic":
            what = f"step {step.name}: {step.end} is set by automatic calls alone."
            self._problem(step.line, what, "Take one that an agent may give.")

    # --- the graph ----------------------------------------------------------------------------------------------------

    def _reachable(self) -> None:
        reached = self._from(self.script.start, identified=True)
        for step in self.script.steps.values():
            if step.name not in reached:
                self._problem(step.line, f"step {step.name}: no answer leads here.", "Lead one here, or take it out.")

    def _from(self, start: str, *, identified: bool) -> set[str]:
        """Every step that some talk can come to; unless ``identified``, before the customer has said who it is."""
        todo, seen = [start], set[str]()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            step = self.script.steps[name]
            for label, to, _ in step.leads():
                if identified or not (step.identity and label == YES):
                    todo.append(to)
        return seen

    def _loops(self) -> None:
        """A question that came twice would be asked twice."""
        state: dict[str, int] = {}
        for start in self.script.steps:
            trail: list[tuple[str, Iterator[str]]] = []
            if start not in state:
                state[start] = 1
                trail.append((start, iter(self._after(start))))
            while trail:
                name, rest = trail[-1]
                to = next(rest, None)
                if to is None:
                    state[name] = 2
                    trail.pop()
                elif to not in state:
                    state[to] = 1
                    trail.append((to, iter(self._after(to))))
                elif state[to] == 1:
                    names = [one for one, _ in trail]
                    loop = " -> ".join([*names[names.index(to) :], to])
                    what = f"the loop {loop} would ask the same again."
                    self._problem(self.script.steps[to].line, what, "An answer can be corrected without a way back.")

    def _after(self, name: str) -> list[str]:
        return [to for _, to, _ in self.script.steps[name].leads()]

    # --- texts --------------------------------------------------------------------------------------------------------

    def _texts(self, step: Step) -> None:
        for words in (step.say, step.hint):
            for language, text in words.items():
                self._text(text, step.line, f"step {step.name}: {language}", LONGEST_SAY)
        for option, words in (step.question.options if step.question else {}).items():
            for language, text in words.items():
                self._text(text, step.line, f"step {step.name}: {option}: {language}", LONGEST_SAY)

    def _notice(self, say: Words, line: int) -> None:
        for language, text in say.items():
            self._text(text, line, f"notice: {language}", LONGEST_BY_KEYS)
            notice = self.script.notice
            for name in places_of(text):
                value = self.script.values.get(name)
                if value is not None and value.personal and notice is not None and not notice.personal:
                    what = f"notice: {name!r} is personal, but the notice is said to whoever answers."
                    self._problem(line, what, "Write `personal: yes`; the customer is then asked who it is first.")
                if name in ("agent", "agent_id"):
                    self._problem(line, f"notice: no agent says it, so there is no {name!r}.", "Take it out.")

    def _text(self, text: str, line: int, where: str, most: int) -> None:
        if len(text) > most:
            self._problem(line, f"{where}: the text has {len(text)} characters.", f"At most {most}: make two of it.")
        if any(unicodedata.category(each).startswith("C") and each != "\n" for each in text):
            self._problem(line, f"{where}: the text holds a control character.", "Delete it.")
        known = sorted({*self.script.values, *BUILT_IN})
        for name in places_of(text):
            if self.script.kind_of(name) is None:
                self._problem(line, f"{where}: there is no value {name!r}.", suggest(name, known))
        bare = text
        for name in places_of(text):
            bare = bare.replace(f"{{{name}}}", "")
        if "{" in bare or "}" in bare:
            self._problem(line, f"{where}: a brace has no partner.", "Braces stand around values only: {name}.")

    def _personal(self, step: Step) -> set[str]:
        words = [*step.say.values(), *(text for one in _options(step) for text in one.values())]
        named = {name for text in words for name in places_of(text)}
        return {name for name in named if name in self.script.values and self.script.values[name].personal}

    def _strangers(self) -> None:
        for name in self._from(self.script.start, identified=False):
            step = self.script.steps[name]
            for value in sorted(self._personal(step)):
                self._problem(
                    step.line,
                    f"step {name}: says {value!r} to somebody who may not be the customer.",
                    "Put a step with `identity: yes` before it, or declare the value with `personal: no`.",
                )

    def _unused(self) -> None:
        texts = [text for step in self.script.steps.values() for text in (*step.say.values(), *step.hint.values())]
        texts += [text for step in self.script.steps.values() for one in _options(step) for text in one.values()]
        texts += list(self.script.notice.say.values()) if self.script.notice else []
        said = {name for text in texts for name in places_of(text)}
        for name in self.script.values:
            if name not in said:
                self._problem(
                    1, f"values: nothing says {name!r}.", "Say it, or take it out: every target must bring it."
                )

    # --- by keys ------------------------------------------------------------------------------------------------------

    def _keyed(self, step: Step) -> None:
        for language, text in step.say.items():
            if len(text) > LONGEST_BY_KEYS:
                what = f"step {step.name}: {language}: {len(text)} characters are too much for an automatic call."
                self._problem(step.line, what, f"At most {LONGEST_BY_KEYS}.")
            for name in ("agent", "agent_id"):
                if name in places_of(text):
                    what = f"step {step.name}: no agent is on an automatic call, so there is no {name!r}."
                    self._problem(step.line, what, "Take it out, or write `by_keys: no`.")
        question = step.question
        if question is None:
            return
        if question.kind == "text" and question.required:
            what = f"step {step.name}: words cannot be keyed."
            self._problem(step.line, what, "Write `required: no` (an automatic call skips it), or `by_keys: no`.")
        if question.kind == "choice" and len(question.options) > MOST_KEYED_OPTIONS:
            what = f"step {step.name}: {len(question.options)} options are too many for keys."
            self._problem(step.line, what, f"At most {MOST_KEYED_OPTIONS}: key {REFUSING_KEY} refuses further calls.")
        if question.kind == "number":
            low, high = question.least, question.most
            if low is None or low < 0 or (low <= REFUSING_KEY and (high is None or high >= REFUSING_KEY)):
                what = f"step {step.name}: the key {REFUSING_KEY} would be an answer, and refuses further calls."
                remedy = f"Ask from 0 to {REFUSING_KEY - 1} (`least: 0`, `most: …`), or make it a choice."
                self._problem(step.line, what, remedy)


def _options(step: Step) -> list[Words]:
    return list(step.question.options.values()) if step.question else []
