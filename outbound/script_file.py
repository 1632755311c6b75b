"""A script's file: read with line numbers, checked, every problem told at once. Pure but for ``read`` and ``read_all``.

Two passes, as for flows: the shape of each field here, whether it makes sense in ``outbound.script_check``.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import ClassVar, Final

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import NAME, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Scalar, Table, parse
from outbound import dispositions as dispositions_file
from outbound.dispositions import Dispositions
from outbound.script import (
    BUILT_IN,
    KINDS,
    MARKS,
    NO,
    SKIP_WAY,
    VALUE_KINDS,
    YES,
    Kind,
    Notice,
    Question,
    Script,
    ScriptValue,
    Step,
    ValueKind,
    Way,
    Words,
)
from outbound.script_check import check_script

SCRIPTS: Final = Path(__file__).parent / "scripts"
LANGUAGES: Final = ("zh", "en")
LONGEST_NAME: Final = 32  # db.models.WORD
MOST_STEPS: Final = 200
MOST_OPTIONS: Final = 30


class ScriptInvalid(FileInvalid):
    """A script cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "script-invalid"


def read(path: Path, dispositions: Dispositions | None = None) -> Script:
    """The script in this file. Raises ScriptInvalid, and DispositionsInvalid."""
    known = dispositions if dispositions is not None else dispositions_file.read()
    return read_checked(path, lambda text, file: load(text, file, path.stem, known), ScriptInvalid)


def read_all(directory: Path = SCRIPTS, dispositions: Dispositions | None = None) -> dict[str, Script]:
    """Every script of a directory, by name. Raises ScriptInvalid with the problems of all files."""
    known = dispositions if dispositions is not None else dispositions_file.read()
    found: dict[str, Script] = {}
    problems: list[Problem] = []
    for path in sorted(directory.glob("*.yaml")):
        try:
            found[path.stem] = read(path, known)
        except ScriptInvalid as error:
            problems += error.problems
    if problems:
        raise ScriptInvalid(problems)
    return found


def load(text: str, file: str, stem: str, dispositions: Dispositions) -> tuple[Script | None, list[Problem]]:
    """The script in this text, and every problem; with problems it is good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    script = _script(Fields(file, top, problems), text, file, stem)
    if not problems:
        problems += check_script(script, dispositions)
    return script, sorted(problems)


def _script(fields: Fields, text: str, file: str, stem: str) -> Script:
    name = fields.name("script", stem)
    if name != stem:
        fields.problem("script", f"the script is called {name!r} but its file {stem!r}.", "Give both the same name.")
    if len(name) > LONGEST_NAME:
        fields.problem("script", f"the name has {len(name)} characters.", f"At most {LONGEST_NAME}.")
    languages = _languages(fields)
    script = Script(
        name=name,
        file=file,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        title=_words(fields, "title", languages),
        languages=languages,
        values=_values(fields),
        start=fields.text("start"),
        steps=_steps(fields, languages),
        notice=_notice(fields, languages),
        by_keys=fields.flag("by_keys"),
        body=text,
    )
    fields.done()
    return script


def _languages(fields: Fields) -> tuple[str, ...]:
    languages = fields.words("languages", ("zh",))
    for language in languages:
        if language not in LANGUAGES:
            fields.problem("languages", f"there is no language {language!r}.", suggest(language, LANGUAGES))
    if len(set(languages)) != len(languages) or not languages:
        fields.problem("languages", "name each language once.", "Write `languages: [zh, en]`.")
    return languages


def _values(fields: Fields) -> dict[str, ScriptValue]:
    found: dict[str, ScriptValue] = {}
    inner = fields.inner("values")
    if inner is None:
        return found
    for name in inner.table.entries:
        element = inner.element(name)
        if not NAME.match(name):
            inner.problem(name, f"{name!r} is no name for a value.", "Use small letters, digits and underscores.")
        if name in BUILT_IN:
            inner.problem(name, f"{name} is there without being declared.", "Take the line out.")
        personal = True
        if isinstance(element, Table):
            both = Fields(fields.file, element, fields.problems, f"values: {name}: ")
            kind = both.text("kind")
            personal = both.flag("personal", True)
            both.done()
        else:
            kind = element.text if isinstance(element, Scalar) else ""
        known: dict[str, ValueKind] = {one: one for one in VALUE_KINDS}
        if kind not in known:
            inner.problem(name, f"{name}: there is no kind {kind!r}.", suggest(kind, VALUE_KINDS))
        found[name] = ScriptValue(known.get(kind, "text"), personal)
    return found


def _notice(fields: Fields, languages: tuple[str, ...]) -> Notice | None:
    inner = fields.inner("notice")
    if inner is None:
        return None
    notice = Notice(_words(inner, "say", languages), inner.flag("personal", True), fields.line("notice"))
    inner.done()
    return notice


def _steps(fields: Fields, languages: tuple[str, ...]) -> dict[str, Step]:
    inner = fields.inner("steps")
    if inner is None:
        if not fields.has("steps"):
            fields.problem("steps", "steps is missing.", "Add `steps:` and what is said and asked below it.")
        return {}
    steps: dict[str, Step] = {}
    for name in inner.table.entries:
        element = inner.element(name)
        if not NAME.match(name) or len(name) > LONGEST_NAME:
            remedy = f"Use small letters, digits and underscores, at most {LONGEST_NAME}."
            inner.problem(name, f"{name!r} is no name for a step.", remedy)
        if not isinstance(element, Table):
            inner.problem(name, f"step {name} must be a mapping.", f"Write `{name}: {{say: …}}`.")
            continue
        located = Table(element.entries, inner.line(name), element.key_lines)
        steps[name] = _step(name, Fields(fields.file, located, fields.problems, f"step {name}: "), languages)
    if len(steps) > MOST_STEPS:
        fields.problem("steps", f"there are {len(steps)} steps.", f"At most {MOST_STEPS}: nobody talks that long.")
    return steps


def _step(name: str, fields: Fields, languages: tuple[str, ...]) -> Step:
    question = _question(fields, languages) if fields.has("ask") else None
    step = Step(
        name=name,
        line=fields.table.line,
        say=_words(fields, "say", languages),
        hint=_words(fields, "hint", languages) if fields.has("hint") else {},
        question=question,
        identity=fields.flag("identity"),
        ways=_ways(fields, question),
        next=fields.text("next", ""),
        end=fields.text("end", ""),
    )
    fields.done()
    if step.end and (step.next or question):
        word = "ask" if question else "next"
        fields.problem(word, f"{word}: the talk is over here.", f"Take out `{word}:` or `end:`.")
    if question is None and fields.has("go"):
        fields.problem("go", "go: nothing is asked here.", "Add `ask: yes_no`, or write `next: step`.")
    return step


def _question(fields: Fields, languages: tuple[str, ...]) -> Question:
    kinds: dict[str, Kind] = {one: one for one in KINDS}
    kind = kinds[fields.one_of("ask", KINDS, "text")]
    options: dict[str, Words] = {}
    if kind == "choice":
        options = _options(fields, languages)
    elif fields.has("options"):
        fields.problem("options", "options: only a choice has them.", "Write `ask: choice`.")
        fields.element("options")
    least, most = _bound(fields, "least", kind), _bound(fields, "most", kind)
    if least is not None and most is not None and least > most:
        fields.problem("least", f"least: {least} is more than {most}.", "Turn them round.")
    return Question(kind, fields.flag("required", True), options, least, most)


def _options(fields: Fields, languages: tuple[str, ...]) -> dict[str, Words]:
    inner = fields.inner("options")
    if inner is None:
        if not fields.has("options"):
            fields.problem("ask", "a choice needs options.", "Add `options: {good: {zh: …, en: …}, …}`.")
        return {}
    found: dict[str, Words] = {}
    for option in inner.table.entries:
        if not NAME.match(option) or len(option) > LONGEST_NAME or option == SKIP_WAY:
            inner.problem(option, f"{option!r} is no name for an option.", "Use small letters, digits, underscores.")
        found[option] = _words(inner, option, languages)
    if not 2 <= len(found) <= MOST_OPTIONS:
        fields.problem("options", f"{len(found)} options are no choice.", f"Give 2 to {MOST_OPTIONS}.")
    for language in languages:
        said = [words.get(language, "") for words in found.values()]
        if len(set(said)) != len(said):
            fields.problem("options", f"two options read alike in {language}.", "Give each its own words.")
    return found


def _bound(fields: Fields, name: str, kind: Kind) -> Decimal | None:
    if not fields.has(name):
        return None
    text = fields.text(name)
    if kind != "number":
        fields.problem(name, f"{name}: only a number has bounds.", "Write `ask: number`.")
        return None
    return _decimal(fields, name, text)


def _decimal(fields: Fields, name: str, text: str) -> Decimal | None:
    try:
        number = Decimal(text)
        if number.is_finite() and abs(number) < Decimal(10) ** 15:
            return number
    except InvalidOperation:
        pass
    fields.problem(name, f"{name}: {text!r} is no number.", "Write digits, as 0 or 12.5.")
    return None


def _ways(fields: Fields, question: Question | None) -> tuple[Way, ...]:
    found: list[Way] = []
    element = fields.element("go")
    lines = element.key_lines if isinstance(element, Table) else {}
    for label, to in fields.mapping("go", {}).items():
        line = lines.get(label, fields.line("go"))
        span = _span(label) if question and question.kind in ("mark", "number") else None
        found.append(Way(label, to, line, *(span or (None, None))))
    return tuple(found)


def _span(label: str) -> tuple[Decimal, Decimal] | None:
    """``3`` or ``0-2``: marks or numbers from the one to the other, both included."""
    first, dash, last = label.partition("-")
    try:
        least = Decimal(first)
        most = Decimal(last) if dash else least
    except InvalidOperation:
        return None
    return (least, most) if least.is_finite() and most.is_finite() and least <= most else None


def _words(fields: Fields, name: str, languages: tuple[str, ...]) -> Words:
    """One text per language."""
    inner = fields.inner(name)
    if inner is None:
        if not fields.has(name):
            wanted = ", ".join(f"{language}: …" for language in languages)
            fields.problem(name, f"{name} is missing.", f"Add `{name}: {{{wanted}}}`.")
        return {}
    found = {language: inner.text(language).strip() for language in languages}
    inner.done()
    return found


def answers_of(question: Question) -> tuple[str, ...]:
    """The answers that can be listed; none for a number, a date or a text."""
    match question.kind:
        case "yes_no":
            return (YES, NO)
        case "choice":
            return tuple(question.options)
        case "mark":
            return tuple(str(mark) for mark in MARKS)
        case _:
            return ()
