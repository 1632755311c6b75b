"""``choose``: the first condition that holds decides the way.

A condition is a Jinja2 expression over the flow's values and ``language``, ``caller``, ``line``, ``proven`` (true once
the caller has proven who they are); it is parsed when the flow is read, and a name that cannot be there is refused
then, not in a call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.environment import TemplateExpression
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ivr.datafile.fields import Fields
from ivr.datafile.source import Row, Table
from ivr.flow.errors import FlowBroken
from ivr.flow.model import Node, Target, Way
from ivr.flow.nodes.reading import target
from ivr.flow.trace import shown
from ivr.flow.turn import Turn

BUILT_IN = frozenset({"language", "caller", "line", "proven"})
_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)


@lru_cache(maxsize=512)
def compiled(expression: str) -> TemplateExpression:
    """The expression, ready to ask. Raises jinja2.TemplateError."""
    return _environment.compile_expression(expression, undefined_to_none=False)


def names_in(expression: str) -> frozenset[str]:
    """The values an expression asks for. Raises jinja2.TemplateError."""
    compiled(expression)
    return frozenset(meta.find_undeclared_variables(_environment.parse("{{ (" + expression + ") }}"))) - BUILT_IN


@dataclass(frozen=True, slots=True)
class When:
    """One condition and its way."""

    condition: str
    go: Target
    line: int


@dataclass(frozen=True, kw_only=True)
class Choose(Node):
    """Decide by the values."""

    type = "choose"

    when: tuple[When, ...]
    otherwise: Target

    @classmethod
    def read(cls, name: str, fields: Fields) -> Choose:
        return cls(
            name=name,
            line=fields.table.line,
            when=tuple(_conditions(fields)),
            otherwise=target(fields, "else"),
        )

    def ways(self) -> Iterable[Way]:
        for number, one in enumerate(self.when, start=1):
            yield Way(f"when {number}", one.go, one.line)
        yield Way("else", self.otherwise, self.line)

    async def run(self, turn: Turn) -> str:
        names: dict[str, Any] = {name: shown(value) for name, value in turn.values.items()}
        names |= {"language": turn.language, "caller": turn.call.caller, "line": turn.call.line}
        names["proven"] = turn.proof is not None
        for number, one in enumerate(self.when, start=1):
            try:
                if compiled(one.condition)(names):
                    return f"when {number}"
            except (TemplateError, TypeError, ArithmeticError, ValueError) as error:
                raise FlowBroken(
                    f"{turn.flow.file}:{one.line}: the condition {one.condition!r} failed: {error}.",
                    remedy="Compare only values of the same kind.",
                ) from error
        return "else"


def _conditions(fields: Fields) -> Iterable[When]:
    element = fields.element("when")
    if not isinstance(element, Row):
        fields.problem("when", "when must be a list.", "Write `- {if: \"language == 'en'\", go: node}`.")
        return
    for item in element.items:
        if not isinstance(item, Table):
            fields.problem("when", "each condition needs `if` and `go`.")
            continue
        inner = Fields(fields.file, item, fields.problems, fields.where + "when: ")
        condition = inner.text("if")
        go = inner.text("go")
        inner.done()
        try:
            names_in(condition)
        except TemplateError as error:
            inner.problem("if", f"the condition {condition!r} cannot be read: {error}.")
            continue
        yield When(condition, Target(go), item.line)
