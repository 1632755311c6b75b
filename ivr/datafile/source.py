"""YAML with a line number on everything. Knows nothing of what the words mean.

Every scalar is a string: ``1``, ``yes`` and ``08`` stay what the author typed, and the reader of a field says what it
must be. Anchors and tags are refused: these files are read by people who do not program.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from ivr.datafile.problem import Problem

LARGEST_FILE = 512 * 1024  # people read it; more than this is a mistake, or an attack on the parser
DEEPEST = 12  # of nesting; the deepest honest flow has 5


# What YAML's own rules make of an untagged word; which of them it was does not matter here.
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A word or a number, as typed."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """A list."""

    items: tuple[Element, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the author's order."""

    entries: dict[str, Element]
    line: int
    key_lines: dict[str, int]


Element = Scalar | Row | Table


def parse(text: str, file: str) -> tuple[Table | None, list[Problem]]:
    """Read one document. Returns its top table (None when there is none) and every problem found on the way."""
    problems: list[Problem] = []
    if len(text) > LARGEST_FILE:
        return None, [Problem(file, 1, f"the file is larger than {LARGEST_FILE // 1024} KiB.", "Split it.")]
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        return None, [Problem(file, line, f"this is not YAML: {_reason(error)}.", _yaml_remedy(error))]
    except (yaml.YAMLError, RecursionError) as error:
        return None, [Problem(file, 1, f"this is not YAML: {str(error).splitlines()[0]}.", "Save it as plain UTF-8.")]
    if root is None:
        return None, [Problem(file, 1, "the file is empty.", "Compare it with the one that came with Goldline.")]
    element = _element(root, file, problems, 0)
    if not isinstance(element, Table):
        problems.append(
            Problem(file, 1, "the file must be a mapping.", "Compare it with the one that came with Goldline.")
        )
        return None, problems
    return element, problems


def _element(node: yaml.Node, file: str, problems: list[Problem], depth: int) -> Element:
    line = node.start_mark.line + 1
    if depth > DEEPEST:
        problems.append(Problem(file, line, "nested too deeply (or an alias that contains itself).", "Flatten it."))
        return Scalar("", line)
    if isinstance(node, yaml.ScalarNode):
        if node.tag not in _PLAIN_TAGS:
            problems.append(Problem(file, line, f"the tag {node.tag} means nothing here.", "Take it out."))
        return Scalar(node.value, line)
    if isinstance(node, yaml.SequenceNode):
        return Row(tuple(_element(item, file, problems, depth + 1) for item in node.value), line)
    entries: dict[str, Element] = {}
    key_lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.append(Problem(file, key_line, "a key must be a single word.", "Put it in quotes."))
            continue
        key = key_node.value
        if key in entries:
            problems.append(
                Problem(file, key_line, f"{key!r} stands twice, first in line {key_lines[key]}.", "Keep one of them.")
            )
            continue
        entries[key] = _element(value_node, file, problems, depth + 1)
        key_lines[key] = key_line
    return Table(entries, line, key_lines)


def _reason(error: yaml.MarkedYAMLError) -> str:
    return " ".join(part for part in (error.context, error.problem) if part)


def _yaml_remedy(error: yaml.MarkedYAMLError) -> str:
    text = _reason(error)
    if "alias" in text:
        return 'A key or word that begins with * or & must stand in quotes: "*".'
    if "tab" in text or "\\t" in text:
        return "Indent with spaces, not with tabs."
    if "mapping values" in text:
        return "A text that holds a colon must stand in quotes."
    return "Compare the indentation and quotes with the lines above it."
