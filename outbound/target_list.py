"""A list of targets as a CSV file, read in a stream: every good row as a target, every bad one with line and remedy.

Columns: ``account``, or ``phones`` (with ``name``, ``branch``, ``tier``, ``language`` if they are known) of people who
are no customers; and the columns that the campaign asks for. Memory does not grow with the file: rows go in batches,
and what was seen is kept in a scratch database on disk. Writes nothing to the store.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import ClassVar, Final

from db.customer import LANGUAGES, TIERS
from db.phone_numbers import BadNumber, canonical
from db.targets import OCCASION
from ivr.datafile.fields import suggest
from ivr.errors import GoldlineError
from outbound.campaign import Campaign
from outbound.campaign_file import KNOWN_COLUMNS
from outbound.retry import CONSENT, LAST_DAY
from outbound.script import Script
from outbound.script_values import faults_of

BATCH: Final = 1_000
LONGEST_CELL: Final = 200  # characters
MOST_PHONES: Final = 5
_ACCOUNT: Final = re.compile(r"[0-9A-Za-z]{4,32}")
_BETWEEN: Final = re.compile(r"[;/、；]+|\s{2,}")
_SAVE_AS: Final = "Save it as `CSV UTF-8 (comma delimited)`."

Tick = Callable[[int], None]  # told how many bytes of the file are read


class BadTargetList(GoldlineError):
    """The file as a whole cannot be used: it is no CSV, or has the wrong columns."""

    error_id: ClassVar[str] = "bad-target-list"


@dataclass(frozen=True, slots=True, order=True)
class RowFault:
    """One thing wrong in one row."""

    line: int
    column: str  # "": the whole row
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"{self.line}: {self.column}: " if self.column else f"{self.line}: "
        return f"{where}{self.what}" + (f" {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class ListedTarget:
    """One good row. ``numbers`` in stored form, of somebody without an account."""

    line: int
    account: str = ""
    numbers: tuple[str, ...] = ()
    name: str = ""
    branch: str = ""
    tier: str = "normal"
    language: str = "zh"
    data: dict[str, str] = field(default_factory=dict)
    occasion: str = ""  # what tells several calls to one account apart; "": there is one

    @property
    def key(self) -> str:
        """What tells targets of a campaign apart."""
        return self.of(self.account or self.numbers[0])

    def of(self, who: str) -> str:
        """The key of this account or number on this occasion."""
        return f"{who}{OCCASION}{self.occasion}" if self.occasion else who


@dataclass(slots=True)
class ListBatch:
    """Some rows of the file, in their order."""

    targets: list[ListedTarget] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    rows: int = 0


class TargetList:
    """One file. ``batches`` may be gone through any number of times, with the same result each time."""

    def __init__(self, path: Path, encoding: str, campaign: Campaign, script: Script | None) -> None:
        """Reads the header. ``encoding`` as Python calls it. Raises BadTargetList."""
        self.path = path
        self._encoding = encoding
        self._campaign = campaign
        self._script = script
        self._stamp = self._stat()
        with path.open("rb") as raw, TextIOWrapper(raw, encoding, newline="") as text:
            try:
                header = next(csv.reader(text, strict=True), [])
            except csv.Error as error:
                raise BadTargetList(f"{path}:1: the header is no CSV: {error}.", remedy=_SAVE_AS) from None
        self.columns = self._header([name.strip().lower() for name in header])

    @property
    def size(self) -> int:
        """In bytes."""
        return self._stamp[0]

    def batches(self, tick: Tick = lambda _read: None) -> Iterator[ListBatch]:
        """All rows, at most ``BATCH`` at a time. Raises BadTargetList when the file changes meanwhile."""
        if self._stat() != self._stamp:
            raise self._changed()
        with (
            self.path.open("rb") as raw,
            TextIOWrapper(raw, self._encoding, newline="") as text,
            closing(sqlite3.connect("")) as seen,  # "": a database on disk that goes when it is closed
        ):
            seen.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            batch = ListBatch()
            reader = csv.reader(text, strict=True)
            next(reader)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    remedy = "A quote inside a cell is doubled."
                    batch.faults.append(RowFault(line, "", f"this is no CSV: {error}.", remedy))
                    batch.rows += 1
                    if "limit" in str(error):  # a quote that nobody closes: what follows would be read askew
                        break
                    continue
                if not any(cell.strip() for cell in cells):
                    continue
                batch.rows += 1
                self._take(batch, line, cells, seen)
                if batch.rows >= BATCH:
                    tick(raw.tell())
                    yield batch
                    batch = ListBatch()
            tick(self.size)
            if batch.rows:
                yield batch
        if self._stat() != self._stamp:
            raise self._changed()

    def _take(self, batch: ListBatch, line: int, cells: list[str], seen: sqlite3.Connection) -> None:
        if len(cells) != len(self.columns):
            what = f"the row has {len(cells)} cells, the header {len(self.columns)}."
            remedy = 'A cell that holds a comma must stand in quotes: "a, b".'
            batch.faults.append(RowFault(line, "", what, remedy))
            return
        row = {name: _plain(cell) for name, cell in zip(self.columns, cells, strict=True)}
        target, faults = self._target(line, row)
        if target is not None:
            for who in [target.account] if target.account else target.numbers:
                key = target.of(who)
                put = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING line"
                if seen.execute(put, (key, line)).fetchone() is None:
                    (first,) = seen.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
                    if first != line:
                        column = "account" if target.account else "phones"
                        faults.append(RowFault(line, column, f"{who} stands in line {first} too.", "Keep one."))
        if faults:
            batch.faults += faults
        elif target is not None:
            batch.targets.append(target)

    def _target(self, line: int, row: dict[str, str]) -> tuple[ListedTarget | None, list[RowFault]]:
        faults = [
            RowFault(line, name, f"it has {len(cell)} characters.", f"At most {LONGEST_CELL}.")
            for name, cell in row.items()
            if len(cell) > LONGEST_CELL
        ]
        account, phones = row.get("account", ""), row.get("phones", "")
        if bool(account) == bool(phones):
            what = "neither account nor phones is given." if not account else "account and phones are both given."
            faults.append(RowFault(line, "account", what, "Customers by their account, all others by their phones."))
        if account and not _ACCOUNT.fullmatch(account):
            faults.append(RowFault(line, "account", f"{account!r} is no account number.", "Digits and letters only."))
        numbers = _numbers(line, phones, faults)
        tier, language = row.get("tier") or "normal", row.get("language") or "zh"
        if tier not in TIERS:
            faults.append(RowFault(line, "tier", f"there is no tier {tier!r}.", suggest(tier, TIERS)))
        if language not in LANGUAGES:
            faults.append(
                RowFault(line, "language", f"there is no language {language!r}.", suggest(language, LANGUAGES))
            )
        data = {name: row[name] for name in self._campaign.who.columns}
        self._values(line, data, faults)
        if faults:
            return None, faults
        name, branch = row.get("name", ""), row.get("branch", "")
        occasion = occasion_of([row[column] for column in self._campaign.who.once_per])
        return ListedTarget(line, account, numbers, name, branch, tier, language, data, occasion), faults

    def _values(self, line: int, data: dict[str, str], faults: list[RowFault]) -> None:
        if self._script is not None:
            faults += [RowFault(line, "", f"{what.rstrip('.')}.") for what in faults_of(self._script, data)]
        last = self._campaign.who.last_day
        if last:
            try:
                data[LAST_DAY] = datetime.date.fromisoformat(data[last]).isoformat()
            except ValueError:
                if not any(repr(last) in fault.what for fault in faults):
                    faults.append(RowFault(line, last, f"{data[last]!r} is no date.", "Write it like 2026-12-31."))
        consents = CONSENT in self._campaign.who.columns
        if consents and not data[CONSENT]:
            del data[CONSENT]  # no fault of the file: this customer is left out

    def _header(self, names: list[str]) -> tuple[str, ...]:
        if not any(names):
            raise BadTargetList(f"{self.path}:1: there is no header.", remedy=f"Begin with: {self._example()}")
        if len(names) == 1 and any(mark in names[0] for mark in ";\t，"):
            raise BadTargetList(f"{self.path}:1: the columns are not separated by commas.", remedy=_SAVE_AS)
        wanted = self._campaign.who.columns
        known = (*KNOWN_COLUMNS, *wanted)
        problems = []
        for place, name in enumerate(names):
            if name not in known:
                problems.append(f"{self.path}:1: there is no column {name!r}. {suggest(name, known)}")
            elif name in names[:place]:
                problems.append(f"{self.path}:1: column {name!r} stands twice. Keep one of them.")
        problems += [f"{self.path}:1: the column {name!r} is missing." for name in wanted if name not in names]
        if "account" not in names and "phones" not in names:
            problems.append(f"{self.path}:1: neither account nor phones is there: nobody can be called.")
        if problems:
            raise BadTargetList("\n".join(problems), remedy=f"For example: {self._example()}")
        return tuple(names)

    def _example(self) -> str:
        return ",".join(("account", *self._campaign.who.columns))

    def _stat(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise BadTargetList(
                f"{self.path} cannot be read: {error.strerror}.", remedy="Check its name and who may read it."
            ) from None
        return found.st_size, found.st_mtime_ns

    def _changed(self) -> BadTargetList:
        return BadTargetList(f"{self.path} changed while it was read.", remedy="Plan again when it is complete.")


def _numbers(line: int, text: str, faults: list[RowFault]) -> tuple[str, ...]:
    found: list[str] = []
    for part in filter(None, (part.strip() for part in _BETWEEN.split(text))):
        try:
            number = canonical(part)
        except BadNumber as error:
            faults.append(RowFault(line, "phones", error.message, error.remedy))
            continue
        if not number.startswith("+"):
            faults.append(RowFault(line, "phones", f"{number} is a service number.", "Give people's own numbers."))
        elif number in found:
            faults.append(RowFault(line, "phones", f"{number} stands twice.", "Keep one."))
        else:
            found.append(number)
    if len(found) > MOST_PHONES:
        faults.append(RowFault(line, "phones", f"there are {len(found)} numbers.", f"At most {MOST_PHONES}."))
    return tuple(found)


def occasion_of(values: Sequence[str]) -> str:
    """A word for these values of a row: the same ones give the same word."""
    text = "\x1f".join(values)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest() if values else ""


def _plain(cell: str) -> str:
    """The cell as it is meant: without blanks around it, and without what spreadsheets put before a number as text."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'")
