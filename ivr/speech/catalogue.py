"""The catalogue: every prompt's text, per language, checked before the first call. Reads files once, then pure.

``prompts/<language>/catalogue.yaml`` maps prompt ids to texts with typed placeholders. A prompt exists in all languages
or in none, with the same placeholders; ``Catalogue.load`` says all that is wrong at once, with file and line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ivr.datafile.problem import Problem
from ivr.speech.errors import CatalogueInvalid, SpeechError
from ivr.speech.reading import LANGUAGES, read
from ivr.speech.template import Slot, Template, compile_template, faults_of
from ivr.speech.utterance import Piece, Utterance
from ivr.speech.values import KINDS, Value

FILE_NAME = "catalogue.yaml"
_PROMPT_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    line: int


class Catalogue:
    """All prompts in all languages. Immutable: load another one to change it."""

    def __init__(self, templates: Mapping[str, Mapping[str, Template]]) -> None:
        """``templates`` maps language to prompt to template. Use ``load``."""
        self._templates = templates
        self.languages: tuple[str, ...] = tuple(templates)
        self.prompts: tuple[str, ...] = tuple(sorted({prompt for each in templates.values() for prompt in each}))
        self._fixed: dict[tuple[str, str], Utterance] = {}
        for language, prompts in templates.items():
            for prompt, template in prompts.items():
                pieces = [part for part in template.parts if isinstance(part, Piece)]
                if len(pieces) == len(template.parts):
                    self._fixed[language, prompt] = Utterance(language, tuple(pieces), (prompt,))

    @classmethod
    def load(cls, directory: Path) -> Catalogue:
        """Read and check every language under ``directory``.

        Raises CatalogueInvalid with every problem, each as file:line, what is wrong, and the remedy.
        """
        problems: list[Problem] = []
        files = sorted(directory.glob(f"*/{FILE_NAME}"), key=lambda file: _order(file.parent.name))
        if not files:
            remedy = f"Put a {FILE_NAME} into a folder per language ({', '.join(LANGUAGES)})."
            raise CatalogueInvalid([Problem(str(directory), 1, "There is no catalogue here.", remedy)])
        languages: dict[Path, dict[str, _Entry]] = {}
        for file in files:
            if file.parent.name not in LANGUAGES:
                what = f"There are no reading rules for the language {file.parent.name!r}."
                problems.append(Problem(str(file), 1, what, f"Known: {', '.join(LANGUAGES)}."))
                continue
            languages[file] = _read(file, problems)
        problems += _differences(languages)
        if problems:
            order = {str(file): place for place, file in enumerate(files)}
            raise CatalogueInvalid(sorted(problems, key=lambda problem: (order[problem.file], problem.line)))
        return cls(
            {
                file.parent.name: {
                    prompt: compile_template(file.parent.name, prompt, entry.text) for prompt, entry in entries.items()
                }
                for file, entries in languages.items()
            }
        )

    def has(self, prompt: str, language: str) -> bool:
        """Whether that prompt exists in that language."""
        return prompt in self._templates.get(language, {})

    def text(self, prompt: str, language: str) -> str:
        """The prompt as words, placeholders as {name}. Raises KeyError."""
        gap = " " if language == "en" else ""
        return gap.join(
            f"{{{part.name}}}" if isinstance(part, Slot) else part.words
            for part in self._templates[language][prompt].parts
        )

    def close_to(self, prompt: str) -> list[str]:
        """Prompts with a name like that one, best first: for "did you mean"."""
        return difflib.get_close_matches(prompt, self.prompts, n=3)

    def signature(self, prompt: str) -> Mapping[str, str]:
        """The values that a prompt takes: name → kind (``ivr.speech.values.KINDS``). Raises SpeechError if unknown."""
        for prompts in self._templates.values():
            if prompt in prompts:
                return prompts[prompt].slots
        raise self._unknown(prompt)

    def say(self, prompt: str, language: str, values: Mapping[str, Value] | None = None) -> Utterance:
        """The prompt with its values, in a language. Values that the prompt does not take are ignored.

        A prompt without placeholders is always the same object. Raises SpeechError naming the prompt, and the value
        that is missing, of the wrong kind, or cannot be said.
        """
        fixed = self._fixed.get((language, prompt))
        if fixed is not None:
            return fixed
        template = self._templates.get(language, {}).get(prompt)
        if template is None:
            raise self._unknown(prompt, language)
        pieces: list[Piece] = []
        for part in template.parts:
            if isinstance(part, Slot):
                pieces += _filled(prompt, language, part, values or {})
            else:
                pieces.append(part)
        return Utterance(language, tuple(pieces), (prompt,))

    def utterances(self) -> Iterator[Utterance]:
        """Every fixed prompt, and the fixed parts of every other one: what can be rendered before the first call."""
        for language, prompts in self._templates.items():
            for prompt, template in prompts.items():
                pieces = tuple(part for part in template.parts if isinstance(part, Piece))
                yield self._fixed.get((language, prompt)) or Utterance(language, pieces, (prompt,))

    def _unknown(self, prompt: str, language: str = "") -> SpeechError:
        close = self.close_to(prompt)
        if language and language not in self.languages:
            return SpeechError(
                f"There are no prompts in {language!r}.", remedy=f"Languages: {', '.join(self.languages)}."
            )
        hint = f"Did you mean {' or '.join(close)}?" if close else "Add it to the catalogue of every language."
        return SpeechError(f"There is no prompt {prompt!r}.", remedy=hint)


def _filled(prompt: str, language: str, slot: Slot, values: Mapping[str, Value]) -> tuple[Piece, ...]:
    value = values.get(slot.name)
    if value is None:
        raise SpeechError(
            f"Prompt {prompt} needs the value {slot.name!r}, a {slot.kind}.",
            remedy=f"Given: {', '.join(values) or '–'}.",
        )
    if not isinstance(value, KINDS[slot.kind]):
        raise SpeechError(
            f"Prompt {prompt}: the value {slot.name!r} must be a {slot.kind} and is {value!r:.80}.",
            remedy=f"Hand over ivr.speech.values.{KINDS[slot.kind].__name__}.",
        )
    try:
        pieces = read(language, value, slot.before)
    except SpeechError as error:
        raise SpeechError(f"Prompt {prompt}, value {slot.name!r}: {error.message}", remedy=error.remedy) from error
    if not pieces or pieces[-1].pause_after_ms >= slot.pause_ms:
        return pieces
    return (*pieces[:-1], Piece(pieces[-1].words, pieces[-1].prompt, slot.pause_ms))


def _order(language: str) -> tuple[int, str]:
    return (LANGUAGES.index(language) if language in LANGUAGES else len(LANGUAGES), language)


def _read(file: Path, problems: list[Problem]) -> dict[str, _Entry]:
    """The entries of one file; what is wrong with it is added to ``problems``."""
    try:
        root = yaml.compose(file.read_text("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        problems.append(Problem(str(file), 1, f"The file is not UTF-8: {error.reason}.", "Save it as UTF-8."))
        return {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        problems.append(Problem(str(file), line, f"Not valid YAML: {error.problem}.", "Put the text between quotes."))
        return {}
    except yaml.YAMLError as error:  # a character that YAML forbids has no mark
        problems.append(Problem(str(file), 1, f"Not valid YAML: {error}.", "Delete the character."))
        return {}
    if not isinstance(root, yaml.MappingNode):
        problems.append(Problem(str(file), 1, "The file is no mapping.", "Write one line per prompt: id: text."))
        return {}
    entries: dict[str, _Entry] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not _PROMPT_ID.fullmatch(key.value):
            name = getattr(key, "value", "?")
            problems.append(Problem(str(file), line, f"{name!r:.60} is no prompt id.", "Use a-z, 0-9 and _."))
        elif not isinstance(value, yaml.ScalarNode) or value.tag != "tag:yaml.org,2002:str":
            problems.append(Problem(str(file), line, f"{key.value}: this is no text.", "Put the text between quotes."))
        elif key.value in entries:
            first = entries[key.value].line
            what = f"{key.value} is here and on line {first}."
            problems.append(Problem(str(file), line, what, "Delete one of the two."))
        else:
            faults = faults_of(value.value)
            problems += [Problem(str(file), line, f"{key.value}: {fault.what}", fault.remedy) for fault in faults]
            entries[key.value] = _Entry(value.value, line)
    return entries


def _differences(languages: Mapping[Path, Mapping[str, _Entry]]) -> list[Problem]:
    """Prompts and placeholders that one language has and another lacks."""
    problems: list[Problem] = []
    for file, entries in languages.items():
        for other, others in languages.items():
            if other == file:
                continue
            for prompt, entry in others.items():
                if prompt not in entries:
                    what = f"{prompt} is missing here; {other}:{entry.line} has it."
                    problems.append(Problem(str(file), 1, what, "Add it here or delete it there."))
                    continue
                mine, theirs = (set(re.findall(r"\{([^{}]*)\}", text)) for text in (entries[prompt].text, entry.text))
                problems += [
                    Problem(
                        str(file),
                        entries[prompt].line,
                        f"{prompt}: {{{slot}}} is missing here; {other}:{entry.line} has it.",
                        "The same values must be said in every language.",
                    )
                    for slot in sorted(theirs - mine)
                ]
    return problems
