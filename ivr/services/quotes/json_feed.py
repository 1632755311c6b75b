"""Quotes as JSON over HTTP, in whatever shape a brokerage's licensed feed has: the mapping is a file of data.

Pure but for ``read``. docs/quotes.md says what each word of the file means.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote as percent_encoded

from db.instruments import Instrument
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import Scalar, Table, parse
from ivr.services.quotes.model import Quote
from ivr.services.quotes.row import COLUMNS, REQUIRED, WORDS, quote_of_row
from ivr.services.quotes.wire import BadAnswer, BadLine

MOST_SYMBOLS: Final = 5000  # in one request
_ENVIRONMENT: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MappingInvalid(FileInvalid):
    """The mapping of a JSON feed cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "quotes-mapping-invalid"


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value stands (names and numbers on the way, from one quote down) and by how much it is multiplied."""

    path: tuple[str, ...]
    times: int = 1


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """A format made of a mapping."""

    name: str
    batch: int
    headers: Mapping[str, str]
    query: str  # what follows the URL; {symbols} is filled in
    separator: str
    symbols: Mapping[str, str]  # by market: {code}.SH
    quotes: tuple[str, ...]  # where the list of quotes stands in the answer
    fields: Mapping[str, Field]
    words: Mapping[str, Mapping[str, frozenset[str]]]  # status and listing: what the feed calls each of ours

    def symbol(self, instrument: Instrument) -> str:
        """What the feed calls an instrument."""
        return self.symbols[instrument.market].replace("{code}", instrument.code)

    def address(self, base: str, symbols: Sequence[str]) -> str:
        """The URL for these symbols."""
        listed = self.separator.join(percent_encoded(symbol, safe="") for symbol in symbols)
        return base + self.query.replace("{symbols}", listed)

    def lines(self, body: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each quote of the answer with its symbol: from a list, or from an object by symbol."""
        try:
            answer = json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise BadAnswer("The answer is no JSON.", remedy="Check quotes.url and what answers.") from None
        found = _at(answer, self.quotes)
        if isinstance(found, Mapping):
            for symbol, item in found.items():
                if isinstance(item, Mapping):
                    yield str(symbol), item
        elif isinstance(found, list):
            for item in found:
                symbol = _at(item, self.fields["symbol"].path)
                if isinstance(item, Mapping) and symbol is not None:
                    yield str(symbol), item
        else:
            raise BadAnswer("The answer holds no list of quotes.", remedy="Check `quotes` in the mapping.")

    def quote(self, instrument: Instrument, line: Mapping[str, Any]) -> Quote | None:
        """The quote of one item."""
        row: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = _at(line, field.path)
            if field.times != 1 and value is not None:
                try:
                    value = Decimal(str(value)) * field.times
                except ArithmeticError:
                    raise BadLine(f"{name}: {str(value)[:40]!r} is no number") from None
            row[name] = value
        return quote_of_row(instrument, row, self.words)


def read(path: Path, environment: Mapping[str, str] | None = None) -> JsonFormat:
    """The mapping in a file; ``${NAME}`` in its headers is taken from the environment. Raises MappingInvalid."""
    known = os.environ if environment is None else environment
    return read_checked(path, lambda text, file: read_text(text, file, known.get), MappingInvalid)


def read_text(
    text: str, file: str, environment: Callable[[str], str | None]
) -> tuple[JsonFormat | None, list[Problem]]:
    """The mapping in a text, and every problem."""
    table, problems = parse(text, file)
    if table is None:
        return None, problems
    fields = Fields(file, table, problems)
    headers = fields.mapping("headers", {})
    for name, value in headers.items():
        for wanted in _ENVIRONMENT.findall(value):
            if environment(wanted) is None:
                fields.problem("headers", f"headers: {name}: {wanted} is not set.", "Set it in the environment.")
        headers[name] = _ENVIRONMENT.sub(lambda match: environment(match[1]) or "", value)
    symbols = fields.mapping("symbols")
    if set(symbols) != {"SSE", "SZSE"} or not all("{code}" in one for one in symbols.values()):
        fields.problem("symbols", "symbols: SSE and SZSE must each have {code}.", 'For example SSE: "{code}.SH".')
    query = fields.text("query")
    if "{symbols}" not in query:
        fields.problem("query", "query: {symbols} is missing.", 'For example query: "?symbols={symbols}".')
    form = JsonFormat(
        name=fields.name("feed"),
        batch=fields.number("batch", 200, 1, MOST_SYMBOLS),
        headers=headers,
        query=query,
        separator=fields.text("separator", ","),
        symbols=symbols,
        quotes=_path(fields.text("quotes", "")),
        fields=_fields(fields),
        words=_words(fields),
    )
    fields.done()
    return (None, problems) if problems else (form, [])


def _fields(fields: Fields) -> dict[str, Field]:
    inner = fields.inner("fields")
    if inner is None:
        if not fields.has("fields"):
            fields.problem("fields", "fields is missing.", f"Name at least {', '.join(('symbol', *REQUIRED))}.")
        return {}
    found: dict[str, Field] = {}
    for name in ("symbol", *COLUMNS):
        element = inner.element(name)
        if isinstance(element, Scalar):
            found[name] = Field(_path(element.text))
        elif isinstance(element, Table):
            one = Fields(inner.file, element, inner.problems, f"fields: {name}: ")
            found[name] = Field(_path(one.text("from")), one.number("times", 1, 1, 10**8))
            one.done()
        elif element is not None:
            inner.problem(name, f"{name} must be a path.", "Write last: price.last, or {from: vol, times: 100}.")
        elif name in REQUIRED or name == "symbol":
            inner.problem(name, f"{name} is missing.", f"Add a line `{name}: …`.")
    inner.done()
    return found


def _words(fields: Fields) -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    inner = fields.inner("words")
    if inner is None:
        return found
    for column, ours in WORDS.items():
        if (one := inner.inner(column)) is not None:
            found[column] = {word: frozenset(one.words(word, ())) for word in ours}
            one.done()
    inner.done()
    return found


def _path(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(".") if part)


def _at(value: Any, path: Sequence[str]) -> Any:
    """What stands at a path; None where the way ends before."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
