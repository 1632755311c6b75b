"""A small CSV file of records, each with its ``id``: read as a whole, every bad row told by its line; and written back.

A file of agents or seats fits into memory. Columns that a file lacks are left alone. Knows neither agents nor seats.
"""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, TypeVar

from ivr.customers.columns import REFUSED, escaped, plain
from ivr.customers.customer_file import UTF8, encoding_of
from ivr.customers.fault import CellFault, Fault
from ivr.datafile.fields import suggest
from ivr.errors import GoldlineError

MOST_ROWS: Final = 20_000  # a brokerage has some thousand agents; more is another file by mistake

T = TypeVar("T")


class BadRecordFile(GoldlineError):
    """The file as a whole cannot be read or written: no text, no header, an unknown column."""

    error_id: ClassVar[str] = "bad-record-file"


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: ``read`` gives the value of the field of the same name or raises CellFault, ``write`` undoes it."""

    name: str
    read: Callable[[str], Any]
    write: Callable[[T], str]


Make = Callable[[Mapping[str, Any]], T]  # out of what is said, with the id, to a whole record; raises CellFault


@dataclass(slots=True)
class Reading(Generic[T]):
    """What was read. ``lines`` says where each record stands, by id."""

    encoding: str
    rows: int = 0
    bad: int = 0
    records: dict[str, T] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, record: str, what: str, remedy: str) -> None:
        """Take out a record that is bad beside the others."""
        del self.records[record]
        self.bad += 1
        self.faults.append(Fault(self.lines[record], "", what, remedy))


def record_of(said: Mapping[str, str], columns: Sequence[Column[T]], make: Make[T]) -> T:
    """A record out of what a person wrote, by column. Raises CellFault."""
    return make({column.name: column.read(plain(said[column.name])) for column in columns if column.name in said})


def read_records(path: Path, columns: Sequence[Column[T]], make: Make[T]) -> Reading[T]:
    """All good rows as records, all bad ones as faults. Raises BadRecordFile, and BadCustomerFile for no text."""
    encoding = encoding_of(path)
    found: Reading[T] = Reading(encoding.said)
    reader = csv.reader(StringIO(path.read_text(encoding.name), newline=""), strict=True)
    names = _header(path, reader, [column.name for column in columns])
    for line, cells in _rows(reader):
        found.rows += 1
        if found.rows > MOST_ROWS:
            raise BadRecordFile(f"{path} has more than {MOST_ROWS:,} rows.", remedy="Is it the right file?")
        faults = _take(found, line, cells, names, columns, make)
        found.faults += faults
        found.bad += bool(faults)
    return found


def write_records(path: Path, columns: Sequence[Column[T]], records: Iterable[T]) -> None:
    """Write the file, for its owner alone; it appears only when it is complete. Raises BadRecordFile."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w", encoding=UTF8.name, newline="") as handle:  # noqa: PTH123 - a descriptor
                writer = csv.writer(handle)
                writer.writerow([column.name for column in columns])
                writer.writerows([escaped(column.write(record)) for column in columns] for record in records)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise BadRecordFile(
            f"{path} cannot be written: {error.strerror}.", remedy="Check the directory, its rights and its room."
        ) from error


def _take(
    found: Reading[T],
    line: int,
    cells: list[str] | Fault,
    names: Sequence[str],
    columns: Sequence[Column[T]],
    make: Make[T],
) -> list[Fault]:
    if isinstance(cells, Fault):
        return [cells]
    if len(cells) != len(names):
        what = f"the row has {len(cells)} cells, the header {len(names)}."
        return [Fault(line, "", what, 'A cell that holds a comma must stand in quotes: "a, b".')]
    by_name = {column.name: column for column in columns}
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        try:
            values[name] = by_name[name].read(plain(cell))
        except CellFault as fault:
            faults.append(Fault(line, name, fault.what, fault.remedy))
    if faults:
        return faults
    record = str(values["id"])
    if record in found.lines:
        return [Fault(line, "id", f"{record} stands twice, first in line {found.lines[record]}.", "Keep one of them.")]
    found.lines[record] = line
    try:
        found.records[record] = make(values)
    except CellFault as fault:
        return [Fault(line, "", fault.what, fault.remedy)]
    return []


def _header(path: Path, reader: Any, known: Sequence[str]) -> tuple[str, ...]:
    try:
        names = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise BadRecordFile(f"{path}:1: the header is no CSV: {error}.", remedy="Save it as CSV UTF-8.") from None
    problems = []
    for place, name in enumerate(names):
        if name in REFUSED:
            problems.append(f"{path}:1: column {name!r} is refused: set a PIN with `ivr agents pin AGENT`.")
        elif name not in known:
            problems.append(f"{path}:1: there is no column {name!r}. {suggest(name, known)}")
        elif name in names[:place]:
            problems.append(f"{path}:1: column {name!r} stands twice. Keep one of them.")
    if "id" not in names:
        problems.append(f"{path}:1: the column 'id' is missing. Begin with: {','.join(known)}")
    if problems:
        raise BadRecordFile("\n".join(problems))
    return tuple(names)


def _rows(reader: Any) -> Iterator[tuple[int, list[str] | Fault]]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Fault(line, "", f"this is no CSV: {error}.", "A quote inside a cell is doubled.")
            continue
        if any(cells):
            yield line, cells
