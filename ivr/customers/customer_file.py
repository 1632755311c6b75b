"""A CSV file of customers, read in a stream: every good row as a change, every bad one as a fault with its line.

Memory does not grow with the file: rows go in batches, and which accounts were seen is kept in a scratch database on
disk. Writes nothing to the store.
"""

from __future__ import annotations

import codecs
import csv
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

from db.customer_changes import BATCH, CustomerChange
from ivr.customers.columns import BY_NAME, REFUSED, Column, Context, plain
from ivr.customers.fault import BadCustomerFile, CellFault, Fault
from ivr.datafile.fields import suggest

CHUNK: Final = 1024 * 1024  # bytes looked at once while the encoding is found out
_SAVE_AS: Final = "Save it as `CSV UTF-8 (comma delimited)`."

Tick = Callable[[int], None]  # told how many bytes of the file are read


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the file's bytes are text. ``name`` is Python's, ``said`` what people call it."""

    name: str
    said: str


UTF8: Final = Encoding("utf-8-sig", "UTF-8")
GBK: Final = Encoding("gb18030", "GBK")  # GB 18030 holds all of GBK, and what newer spreadsheets add


@dataclass(slots=True)
class RowBatch:
    """Some rows of the file, in their order."""

    changes: list[CustomerChange] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)  # of the others, one or more for each
    rows: int = 0

    @property
    def bad(self) -> int:
        """How many rows are bad."""
        return self.rows - len(self.changes)


def encoding_of(path: Path) -> Encoding:
    """UTF-8 when the whole file is valid UTF-8 (with or without its mark), GBK when it is valid GBK.

    Raises BadCustomerFile.
    """
    decoders = {UTF8: codecs.getincrementaldecoder("utf-8")(), GBK: codecs.getincrementaldecoder(GBK.name)()}
    line = 1
    try:
        with path.open("rb") as handle:
            if handle.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise BadCustomerFile(f"{path} is UTF-16 text.", remedy=_SAVE_AS)
            while True:
                chunk = handle.read(CHUNK)
                if b"\x00" in chunk:
                    raise BadCustomerFile(f"{path} is no text: it holds zero bytes.", remedy=_SAVE_AS)
                for encoding, decoder in tuple(decoders.items()):
                    try:
                        decoder.decode(chunk, final=not chunk)
                    except UnicodeDecodeError as error:
                        del decoders[encoding]
                        if not decoders:
                            line += chunk[: error.start].count(b"\n")
                            raise BadCustomerFile(
                                f"{path}:{line}: neither UTF-8 nor GBK from here on.", remedy=_SAVE_AS
                            ) from None
                if not chunk:
                    break
                line += chunk.count(b"\n")
    except OSError as error:
        raise BadCustomerFile(
            f"{path} cannot be read: {error.strerror}.", remedy="Check its name and who may read it."
        ) from error
    return UTF8 if UTF8 in decoders else GBK


class CustomerFile:
    """One file. ``batches`` may be gone through any number of times, with the same result each time."""

    def __init__(self, path: Path, context: Context) -> None:
        """Looks through the file for its encoding and reads the header. Raises BadCustomerFile."""
        self.path = path
        self.encoding = encoding_of(path)
        self._context = context
        self._stamp = self._stat()
        with self._open(lambda _read: None) as (_, reader):
            self._columns = self._header(reader)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._stamp[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the file has."""
        return tuple(column.name for column in self._columns)

    def batches(self, tick: Tick = lambda _read: None) -> Iterator[RowBatch]:
        """All rows, at most ``BATCH`` at a time. Raises BadCustomerFile when the file changes meanwhile."""
        if self._stat() != self._stamp:
            raise self._changed()
        with self._open(tick) as (records, reader), _Accounts() as accounts:
            next(reader)
            batch, lines = RowBatch(), dict[str, int]()
            for line, cells in records():
                batch.rows += 1
                change = self._change(line, cells)
                if isinstance(change, list):
                    batch.faults += change
                elif change.account in lines:
                    batch.faults.append(_twice(line, change.account, lines[change.account]))
                else:
                    lines[change.account] = line
                    batch.changes.append(change)
                if batch.rows == BATCH:
                    yield _without(batch, lines, accounts.add(lines))
                    batch, lines = RowBatch(), {}
            if batch.rows:
                yield _without(batch, lines, accounts.add(lines))
        if self._stat() != self._stamp:
            raise self._changed()

    def _change(self, line: int, cells: list[str] | Fault) -> CustomerChange | list[Fault]:
        if isinstance(cells, Fault):
            return [cells]
        if len(cells) != len(self._columns):
            what = f"the row has {len(cells)} cells, the header {len(self._columns)}."
            return [Fault(line, "", what, 'A cell that holds a comma must stand in quotes: "a, b".')]
        faults: list[Fault] = []
        values: dict[str, Any] = {}
        for column, cell in zip(self._columns, cells, strict=True):
            try:
                values.update(column.read(plain(cell), self._context))
            except CellFault as fault:
                faults.append(Fault(line, column.name, fault.what, fault.remedy))
        if faults:
            return faults
        return CustomerChange(values.pop("account"), phones=values.pop("phones", None), said=values)

    def _header(self, reader: Any) -> tuple[Column, ...]:
        try:
            names = [name.strip().lower() for name in next(reader, [])]
        except csv.Error as error:
            raise BadCustomerFile(f"{self.path}:1: the header is no CSV: {error}.", remedy=_SAVE_AS) from None
        if not any(names):
            raise BadCustomerFile(f"{self.path}:1: there is no header.", remedy=f"Begin with: {','.join(BY_NAME)}")
        if len(names) == 1 and any(mark in names[0] for mark in ";\t，"):
            raise BadCustomerFile(f"{self.path}:1: the columns are not separated by commas.", remedy=_SAVE_AS)
        problems = []
        for place, name in enumerate(names):
            if name in REFUSED:
                problems.append(f"{self.path}:1: column {name!r} is refused. {REFUSED[name]}")
            elif name not in BY_NAME:
                problems.append(f"{self.path}:1: there is no column {name!r}. {suggest(name, list(BY_NAME))}")
            elif name in names[:place]:
                problems.append(f"{self.path}:1: column {name!r} stands twice. Keep one of them.")
        if "account" not in names:
            problems.append(f"{self.path}:1: the column 'account' is missing. It tells customers apart.")
        if problems:
            raise BadCustomerFile("\n".join(problems))
        return tuple(BY_NAME[name] for name in names)

    @contextmanager
    def _open(self, tick: Tick) -> Iterator[tuple[Callable[[], Iterator[tuple[int, list[str] | Fault]]], Any]]:
        with self.path.open("rb") as raw, TextIOWrapper(raw, self.encoding.name, newline="") as text:
            reader = csv.reader(text, strict=True)

            def records() -> Iterator[tuple[int, list[str] | Fault]]:
                number = 0
                while True:
                    line = reader.line_num + 1
                    try:
                        cells = next(reader)
                    except StopIteration:
                        tick(self.size)
                        return
                    except csv.Error as error:
                        yield line, Fault(line, "", f"this is no CSV: {error}.", "A quote inside a cell is doubled.")
                        if "limit" in str(error):  # a quote that nobody closes: what follows would be read askew
                            return
                        continue
                    number += 1
                    if number % BATCH == 0:
                        tick(raw.tell())
                    if cells and any(cells):
                        yield line, cells

            yield records, reader

    def _stat(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            raise self._changed() from None
        return found.st_size, found.st_mtime_ns

    def _changed(self) -> BadCustomerFile:
        return BadCustomerFile(f"{self.path} changed while it was read.", remedy="Import it again when it is complete.")


class _Accounts:
    """The accounts seen, with their lines, on disk."""

    def __enter__(self) -> _Accounts:
        self._directory = tempfile.TemporaryDirectory(prefix="goldline-import-")
        self._database = sqlite3.connect(Path(self._directory.name) / "accounts.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE seen (account TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._directory.cleanup()

    def add(self, lines: dict[str, int]) -> dict[str, int]:
        """Note these; returns those that were seen before, with the line of the first time."""
        marks = ",".join("?" * len(lines))
        found = dict(
            self._database.execute(f"SELECT account, line FROM seen WHERE account IN ({marks})", list(lines))  # noqa: S608
        )
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", lines.items())
        self._database.execute("COMMIT")
        return found


def _without(batch: RowBatch, lines: dict[str, int], before: dict[str, int]) -> RowBatch:
    if before:
        batch.faults += [_twice(lines[account], account, first) for account, first in before.items()]
        batch.changes = [change for change in batch.changes if change.account not in before]
    batch.faults.sort(key=lambda fault: fault.line)
    return batch


def _twice(line: int, account: str, first: int) -> Fault:
    return Fault(line, "account", f"{account} stands twice, first in line {first}.", "Keep one of them.")
