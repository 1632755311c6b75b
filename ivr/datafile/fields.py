"""The first pass over a data file: is every field there, known, and of the right shape?

A reader asks for its fields by name; ``done()`` complains about the ones nobody asked for. Problems are
collected, so that an author sees all of them at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ivr.datafile.problem import Problem
from ivr.datafile.source import Element, Row, Scalar, Table

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m)$")
KEYS = "0123456789*#"
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass
class Fields:
    """The fields of one table, read one by one."""

    file: str
    table: Table
    problems: list[Problem]
    where: str = ""
    asked: set[str] = field(default_factory=set)

    def line(self, name: str) -> int:
        """The line of a field, or of the table when the field is missing."""
        return self.table.key_lines.get(name, self.table.line)

    def problem(self, name: str, message: str, remedy: str = "") -> None:
        """Note something wrong with a field."""
        self.problems.append(Problem(self.file, self.line(name), f"{self.where}{message}", remedy))

    def has(self, name: str) -> bool:
        """Whether the author gave this field."""
        return name in self.table.entries

    def element(self, name: str) -> Element | None:
        """The raw element, marked as known."""
        self.asked.add(name)
        return self.table.entries.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A word. Without a default it must be there."""
        element = self.element(name)
        if element is None:
            if default is None:
                self.problem(name, f"{name} is missing.", f"Add a line `{name}: …`.")
            return default or ""
        if not isinstance(element, Scalar):
            self.problem(name, f"{name} must be a single word.")
            return default or ""
        if not element.text and default is None:
            self.problem(name, f"{name} is empty.")
        return element.text

    def name(self, name: str, default: str | None = None) -> str:
        """A word that can be a name: small letters, digits, underscores."""
        text = self.text(name, default)
        if text and not NAME.match(text):
            self.problem(name, f"{name}: {text!r} is no name.", "Use small letters, digits and underscores.")
        return text

    def one_of(self, name: str, words: Sequence[str], default: str) -> str:
        """One of a few words."""
        text = self.text(name, default)
        if text not in words:
            self.problem(name, f"{name} cannot be {text!r}.", suggest(text, words))
            return default
        return text

    def number(self, name: str, default: int | None, least: int, most: int) -> int:
        """A whole number within limits."""
        text = self.text(name, None if default is None else str(default))
        if re.fullmatch(r"\d{1,9}", text) and least <= int(text) <= most:
            return int(text)
        if text:
            self.problem(name, f"{name} must be a whole number from {least} to {most}, not {text!r}.")
        return default if default is not None else least

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        text = self.text(name, "yes" if default else "no").lower()
        if text not in ("yes", "no", "true", "false"):
            self.problem(name, f"{name} must be yes or no, not {text!r}.")
        return text in ("yes", "true")

    def seconds(self, name: str, default: str, least: float, most: float) -> float:
        """A duration with its unit: 800ms, 5s, 1m."""
        text = self.text(name, default)
        match = DURATION.match(text)
        if not match:
            self.problem(name, f"{name} must be a duration with its unit, not {text!r}.", "For example 5s or 800ms.")
            match = DURATION.match(default)
            assert match
        value = float(match[1]) * _UNIT[match[2]]
        if not least <= value <= most:
            self.problem(name, f"{name} must be between {least:g}s and {most:g}s, not {text}.")
        return value

    def words(self, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """One word or a list of words."""
        element = self.element(name)
        if element is None:
            if default is None:
                self.problem(name, f"{name} is missing.", f"Add a line `{name}: …`.")
            return tuple(default or ())
        items = element.items if isinstance(element, Row) else (element,)
        found = []
        for item in items:
            if isinstance(item, Scalar) and item.text:
                found.append(item.text)
            else:
                self.problem(name, f"{name} must be a word or a list of words.")
        return tuple(found)

    def mapping(self, name: str, default: Mapping[str, str] | None = None) -> dict[str, str]:
        """A mapping of words to words."""
        element = self.element(name)
        if element is None:
            if default is None:
                self.problem(name, f"{name} is missing.", f"Add `{name}: {{…}}`.")
            return dict(default or {})
        if not isinstance(element, Table):
            self.problem(name, f"{name} must be a mapping.", f"Write `{name}: {{word: word}}`.")
            return {}
        found: dict[str, str] = {}
        for key, value in element.entries.items():
            if isinstance(value, Scalar):
                found[key] = value.text
            else:
                self.problem(name, f"{name}.{key} must be a single word.")
        return found

    def inner(self, name: str) -> Fields | None:
        """The fields of a table inside this one."""
        element = self.element(name)
        if element is None:
            return None
        if not isinstance(element, Table):
            self.problem(name, f"{name} must be a mapping.")
            return None
        return Fields(self.file, element, self.problems, f"{self.where}{name}: ")

    def done(self) -> None:
        """Complain about every field that nobody asked for."""
        for name in self.table.entries:
            if name not in self.asked:
                self.problem(name, f"unknown field {name!r}.", suggest(name, sorted(self.asked)))


def suggest(word: str, known: Sequence[str]) -> str:
    """The remedy for a word that is not known: the closest one, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known here: {', '.join(known)}." if known else ""
