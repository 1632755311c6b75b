"""A CSV file of slots for appointments: read as a whole, all of it or none."""

from __future__ import annotations

import csv
import datetime
import re
from pathlib import Path
from typing import ClassVar, Final

from db.customer import BROKERAGE_TIME
from db.models import NAME
from db.slots import MOST_AT_ONCE, Slot
from ivr.customers.columns import plain, shown
from ivr.customers.customer_file import encoding_of
from ivr.customers.fault import CellFault, Fault
from ivr.errors import GoldlineError

COLUMNS: Final = ("branch", "adviser", "adviser_zh", "adviser_en", "day", "time", "minutes", "capacity")
MOST_MINUTES: Final = 480  # a working day
MOST_CAPACITY: Final = 100  # seats: a lecture; more is a slip of the finger
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")


class BadSlotFile(GoldlineError):
    """The file holds something that is no slot."""

    error_id: ClassVar[str] = "bad-slot-file"


def read_slots(path: Path) -> tuple[Slot, ...]:
    """The slots in the file. Raises BadSlotFile with every fault and its line."""
    encoding = encoding_of(path)
    slots: dict[tuple[str, str, datetime.datetime], Slot] = {}
    faults: list[Fault] = []
    with path.open(encoding=encoding.name, newline="") as handle:
        reader = csv.reader(handle, strict=True)
        try:
            if tuple(name.strip().lower() for name in next(reader, [])) != COLUMNS:
                raise BadSlotFile(f"{path}:1: this is no file of slots.", remedy=f"Begin with: {','.join(COLUMNS)}")
            for cells in reader:
                if not any(cells):
                    continue
                try:
                    slot = _slot(cells)
                    key = slot.branch, slot.adviser, slot.starts_at
                    if key in slots:
                        raise CellFault("this slot stands twice.", "Write one line with more capacity.")
                    slots[key] = slot
                except CellFault as fault:
                    faults.append(Fault(reader.line_num, "", fault.what, fault.remedy))
        except csv.Error as error:
            faults.append(Fault(reader.line_num, "", f"this is no CSV: {error}.", "A quote inside a cell is doubled."))
    if faults:
        raise BadSlotFile("\n".join(f"{path}:{fault}" for fault in faults))
    if len(slots) > MOST_AT_ONCE:
        raise BadSlotFile(f"{path} holds {len(slots)} slots.", remedy=f"Split it into files of {MOST_AT_ONCE}.")
    return tuple(slots.values())


def slot_of(
    branch: str, day: str, time: str, minutes: str, capacity: str, adviser: str, adviser_zh: str, adviser_en: str
) -> Slot:
    """A slot out of what a person wrote; day and time are Shanghai's. Raises CellFault."""
    if not _WORD.fullmatch(branch):
        raise CellFault(f"{shown(branch)} is no code of a branch.", "`ivr customers branches FILE` adds branches.")
    if adviser and not _WORD.fullmatch(adviser):
        raise CellFault(f"{shown(adviser)} is no agent's id.", "It has letters, digits, dots, - and _, at most 32.")
    if bool(adviser) != bool(adviser_zh or adviser_en):
        raise CellFault("an adviser has an id and a name.", "Give both, or neither for the branch itself.")
    if max(len(adviser_zh), len(adviser_en)) > NAME:
        raise CellFault("the adviser's name is too long.", f"It has at most {NAME} characters.")
    try:
        start = datetime.datetime.combine(
            datetime.date.fromisoformat(day), datetime.time.fromisoformat(time.rjust(5, "0")), BROKERAGE_TIME
        )
    except ValueError:
        raise CellFault(f"{shown(f'{day} {time}')} is no moment.", "Write 2026-03-01 and 14:30.") from None
    return Slot(
        branch,
        start,
        _whole(minutes, "minutes", MOST_MINUTES),
        _whole(capacity, "capacity", MOST_CAPACITY),
        adviser,
        adviser_zh,
        adviser_en,
    )


def _slot(cells: list[str]) -> Slot:
    if len(cells) != len(COLUMNS):
        raise CellFault(f"the row has {len(cells)} cells, the header {len(COLUMNS)}.", "Quote cells that hold commas.")
    branch, adviser, adviser_zh, adviser_en, day, time, minutes, capacity = (plain(cell) for cell in cells)
    return slot_of(branch, day, time, minutes, capacity, adviser, adviser_zh, adviser_en)


def _whole(cell: str, name: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", cell) or not 1 <= int(cell) <= most:
        raise CellFault(f"{name} cannot be {shown(cell)}.", f"Write a whole number from 1 to {most}.")
    return int(cell)
