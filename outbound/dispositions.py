"""What came of a talk, and what follows from it: ``dispositions.yaml``. Pure but for ``read``.

An agent picks one after each campaign talk, an automatic call sets one itself. Code names those that it sets
(``BUILT_IN``); all others are the brokerage's to add.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import NAME, Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import Table, parse
from outbound.script import Words

After = Literal["reached", "refused", "again", "by_hand"]
Appointment = Literal["none", "may", "must"]
NumberState = Literal["", "good", "wrong_person"]
DoNotCall = Literal["", "number", "customer"]
By = Literal["agent", "automatic", "both"]

DISPOSITIONS_FILE: Final = Path(__file__).parent / "dispositions.yaml"
ACKNOWLEDGED: Final = "acknowledged"
HEARD_ONLY: Final = "heard_only"
NOT_IDENTIFIED: Final = "not_identified"
COMPLETED: Final = "completed"
PARTLY: Final = "partly"
NOT_THERE: Final = "not_there"
WRONG_PERSON: Final = "wrong_person"
NUMBER_REFUSES: Final = "number_refuses"
UNSETTLED: Final = "unsettled"
NOT_TOLD: Final = "not_told"
BUILT_IN: Final = (
    COMPLETED,
    PARTLY,
    ACKNOWLEDGED,
    HEARD_ONLY,
    NOT_IDENTIFIED,
    NOT_THERE,
    WRONG_PERSON,
    NUMBER_REFUSES,
    UNSETTLED,
    NOT_TOLD,
)
LANGUAGES: Final = ("zh", "en")
LONGEST_WORDS: Final = 60  # characters: it stands in a list
LONGEST_ID: Final = 32  # db.models.WORD
LONGEST_PAUSE: Final = 30 * 24 * 3600.0


class DispositionsInvalid(FileInvalid):
    """The dispositions cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "dispositions-invalid"


@dataclass(frozen=True, slots=True)
class Disposition:
    """One of them. ``after``: the pause before another try, where ``target`` is again."""

    id: str
    words: Words
    target: After
    after: datetime.timedelta = datetime.timedelta()
    appointment: Appointment = "none"
    number: NumberState = ""
    do_not_call: DoNotCall = ""
    complete: bool = False  # only when the script was gone through
    by: By = "agent"


Dispositions = Mapping[str, Disposition]


def of_agents(dispositions: Dispositions) -> tuple[Disposition, ...]:
    """Those that an agent may pick, in their order."""
    return tuple(one for one in dispositions.values() if one.by != "automatic")


def read(path: Path = DISPOSITIONS_FILE) -> dict[str, Disposition]:
    """The dispositions in this file, by id and in their order. Raises DispositionsInvalid."""
    return read_checked(path, load, DispositionsInvalid)


def load(text: str, file: str) -> tuple[dict[str, Disposition] | None, list[Problem]]:
    """The dispositions in this text, and every problem; with problems they are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    found: dict[str, Disposition] = {}
    fields = Fields(file, top, problems)
    for name in top.entries:
        element = fields.element(name)
        if not NAME.match(name) or len(name) > LONGEST_ID:
            remedy = f"Use small letters, digits and underscores, at most {LONGEST_ID}."
            fields.problem(name, f"{name!r} is no name for a disposition.", remedy)
        if not isinstance(element, Table):
            fields.problem(name, f"{name} must be a mapping.", f"Write `{name}: {{zh: …, en: …, target: …}}`.")
            continue
        located = Table(element.entries, fields.line(name), element.key_lines)
        found[name] = _one(name, Fields(file, located, problems, f"{name}: "))
    missing = [name for name in BUILT_IN if name not in found]
    if missing:
        problems.append(Problem(file, 1, f"{', '.join(missing)} is missing.", "Automatic calls set it: put it back."))
    problems += _unclear(file, top, found.values())
    return found, sorted(problems)


def _one(name: str, fields: Fields) -> Disposition:
    words = {language: fields.text(language) for language in LANGUAGES}
    for language, text in words.items():
        if len(text) > LONGEST_WORDS:
            fields.problem(language, f"{language} has {len(text)} characters.", f"At most {LONGEST_WORDS}.")
    target = _word(fields, "target", ("reached", "refused", "again", "by_hand"), None)
    appointment = _word(fields, "appointment", ("none", "may", "must"), "none")
    number = _word(fields, "number", ("", "good", "wrong_person"), "")
    do_not_call = _word(fields, "do_not_call", ("", "number", "customer"), "")
    answers = fields.one_of("answers", ("any", "complete"), "any")
    by = _word(fields, "by", ("agent", "automatic", "both"), "agent")
    after = fields.seconds("after", "1m", 0, LONGEST_PAUSE) if fields.has("after") else 0.0
    if target != "again" and (fields.has("after") or appointment != "none"):
        word = "after" if fields.has("after") else "appointment"
        fields.problem(word, f"{word}: nobody is called again when the target is closed.", "Write `target: again`.")
    if target == "again" and appointment != "must" and not fields.has("after"):
        fields.problem("target", "nothing says when the next try is.", "Add `after: 240m`, or `appointment: must`.")
    if target == "again" and do_not_call:
        fields.problem("do_not_call", "who must not be called cannot be tried again.", "Write `target: refused`.")
    fields.done()
    return Disposition(
        name,
        words,
        target,  # type: ignore[arg-type]
        datetime.timedelta(seconds=after),
        appointment,  # type: ignore[arg-type]
        number,  # type: ignore[arg-type]
        do_not_call,  # type: ignore[arg-type]
        answers == "complete",
        by,  # type: ignore[arg-type]
    )


def _word(fields: Fields, name: str, words: tuple[str, ...], default: str | None) -> str:
    if default is None and not fields.has(name):
        fields.text(name)  # says that it is missing
        return words[0]
    return fields.one_of(name, words, default if default is not None else words[0])


def _unclear(file: str, top: Table, found: Iterable[Disposition]) -> list[Problem]:
    """Two that read alike would be mixed up."""
    problems: list[Problem] = []
    seen: dict[tuple[str, str], str] = {}
    for one in found:
        for language, words in one.words.items():
            first = seen.setdefault((language, words), one.id)
            if words and first != one.id:
                line = top.key_lines[one.id]
                message = f"{one.id}: {language} reads as that of {first}."
                problems.append(Problem(file, line, message, "Give each its own words."))
    return problems
