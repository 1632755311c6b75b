"""The first pass: one YAML file becomes one Flow, or a list of problems with file and line.

Shape only: fields, words, durations. Whether the flow makes sense is the second pass (``ivr.flow.check``).
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ivr.datafile.fields import NAME, Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import Scalar, Table, parse
from ivr.flow.model import Flow, Node, Target, Way
from ivr.flow.nodes import NODE_TYPES
from ivr.flow.nodes.gather import Gather
from ivr.speech.values import Code, Count, Date, Day, Percent, Price, Time, Value

TEST_SUFFIX = ".test.yaml"
NO_FLOWS = frozenset({"lines.yaml"})  # what else stands beside the flows: which number leads to which of them


def flow_files(directory: Path) -> list[Path]:
    """The flow files in a directory: ``*.yaml`` but not the tests beside them, nor the lines."""
    return sorted(
        path for path in directory.glob("*.yaml") if not path.name.endswith(TEST_SUFFIX) and path.name not in NO_FLOWS
    )


def read_flow(path: Path, shown_as: str | None = None) -> tuple[Flow | None, list[Problem]]:
    """Read one file. A flow comes back only when its shape is right."""
    file = shown_as or str(path)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return None, [Problem(file, line, "this is not UTF-8 text.", "Save it as UTF-8.")]
    except OSError as error:
        return None, [Problem(file, 1, f"cannot be read: {error.strerror}.", "Check the file and its permissions.")]
    return read_text(text, file, path.stem)


def read_text(text: str, file: str, stem: str) -> tuple[Flow | None, list[Problem]]:
    """Read a flow from its text. ``stem`` is the name its file gives it."""
    table, problems = parse(text, file)
    if table is None:
        return None, problems
    fields = Fields(file, table, problems)
    name = fields.name("flow", stem)
    if name != stem:
        fields.problem("flow", f"the flow is called {name!r} but its file {stem!r}.", "Give both the same name.")
    languages = fields.words("languages", ("zh",))
    outbound = fields.flag("outbound")
    start = fields.text("start")
    give_up, on_error = fields.text("on_give_up", ""), fields.text("on_error", "")
    values = _initial_values(fields)
    nodes = _nodes(fields)
    fields.done()
    if problems:
        return None, problems
    ways = {
        node.name: {way.label: _filled(way, {"on_give_up": give_up, "on_error": on_error}) for way in node.ways()}
        for node in nodes.values()
    }
    secrets = frozenset(node.save for node in nodes.values() if isinstance(node, Gather) and node.secret)
    version = hashlib.sha256(text.encode()).hexdigest()[:8]
    flow = Flow(name, file, version, languages, start, values, nodes, ways, secrets, outbound=outbound)
    return flow, problems


def _filled(way: Way, defaults: Mapping[str, str]) -> Way:
    """A node that names no way for giving up or errors takes the flow's own."""
    if way.target.node or way.target.flow or way.label not in defaults:
        return way
    return Way(way.label, Target(defaults[way.label]), way.line, way.driven, way.saves)


def _nodes(fields: Fields) -> dict[str, Node]:
    inner = fields.inner("nodes")
    if inner is None:
        if not fields.has("nodes"):
            fields.problem("nodes", "nodes is missing.", "Add `nodes:` and the steps of the call below it.")
        return {}
    nodes: dict[str, Node] = {}
    for name in inner.table.entries:
        element = inner.element(name)
        line = inner.line(name)
        if not NAME.match(name):
            inner.problem(name, f"{name!r} is no name for a node.", "Use small letters, digits and underscores.")
        if not isinstance(element, Table):
            inner.problem(name, f"node {name} must be a mapping.", f"Write `{name}: {{type: say, …}}`.")
            continue
        located = Table(element.entries, line, element.key_lines)
        node_fields = Fields(fields.file, located, fields.problems, f"node {name}: ")
        kind = node_fields.text("type")
        if kind not in NODE_TYPES:
            if kind:
                node_fields.problem("type", f"there is no node type {kind!r}.", suggest(kind, sorted(NODE_TYPES)))
            continue
        nodes[name] = NODE_TYPES[kind].read(name, node_fields)
        node_fields.done()
    return nodes


def _initial_values(fields: Fields) -> dict[str, Value]:
    inner = fields.inner("values")
    values: dict[str, Value] = {}
    if inner is None:
        return values
    for name in inner.table.entries:
        element = inner.element(name)
        if not NAME.match(name):
            inner.problem(name, f"{name!r} is no name for a value.", "Use small letters, digits and underscores.")
        entries = element.entries if isinstance(element, Table) else {}
        scalar = next(iter(entries.values()), None)
        if len(entries) != 1 or not isinstance(scalar, Scalar):
            inner.problem(name, f"{name} needs a kind and a value.", f"Write `{name}: {{count: 0}}`.")
            continue
        kind = next(iter(entries))
        try:
            values[name] = _value(kind, scalar.text)
        except (ValueError, InvalidOperation, KeyError):
            inner.problem(name, f"{scalar.text!r} is no {kind}.", f"Kinds here: {', '.join(sorted(_PARSERS))}.")
    return values


def _code(text: str) -> Code:
    if not re.fullmatch(r"[0-9*#]*", text):
        raise ValueError(text)
    return Code(text)


_PARSERS: dict[str, Callable[[str], Value]] = {
    "count": lambda text: Count(int(text)),
    "code": _code,
    "price": lambda text: Price(Decimal(text)),
    "percent": lambda text: Percent(Decimal(text)),
    "date": lambda text: Date(datetime.date.fromisoformat(text)),
    "day": lambda text: Day(datetime.date.fromisoformat(text)),
    "time": lambda text: Time(datetime.time.fromisoformat(text)),
}


def _value(kind: str, text: str) -> Value:
    return _PARSERS[kind](text)
