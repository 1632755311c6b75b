"""A CSV file of branches: small, read as a whole, all of it or none."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final

from db.customer import Branch
from db.models import NAME, TITLE
from db.phone_numbers import BadNumber, canonical
from ivr.customers.columns import plain, shown
from ivr.customers.customer_file import encoding_of
from ivr.customers.fault import BadCustomerFile, CellFault, Fault

COLUMNS: Final = ("code", "name_zh", "name_en", "number", "address")
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


def read_branches(path: Path) -> tuple[Branch, ...]:
    """The branches in the file. Raises BadCustomerFile with every fault and its line."""
    encoding = encoding_of(path)
    branches: dict[str, Branch] = {}
    faults: list[Fault] = []
    with path.open(encoding=encoding.name, newline="") as handle:
        reader = csv.reader(handle, strict=True)
        try:
            if tuple(name.strip().lower() for name in next(reader, [])) != COLUMNS:
                raise BadCustomerFile(
                    f"{path}:1: this is no file of branches.", remedy=f"Begin with: {','.join(COLUMNS)}"
                )
            for cells in reader:
                if not any(cells):
                    continue
                try:
                    branch = _branch(cells)
                    if branch.code in branches:
                        raise CellFault(f"{branch.code} stands twice.", "Keep one of them.")
                    branches[branch.code] = branch
                except CellFault as fault:
                    faults.append(Fault(reader.line_num, "", fault.what, fault.remedy))
        except csv.Error as error:
            faults.append(Fault(reader.line_num, "", f"this is no CSV: {error}.", "A quote inside a cell is doubled."))
    if faults:
        raise BadCustomerFile("\n".join(f"{path}:{fault}" for fault in faults))
    return tuple(branches.values())


def _branch(cells: list[str]) -> Branch:
    if len(cells) != len(COLUMNS):
        raise CellFault(f"the row has {len(cells)} cells, the header {len(COLUMNS)}.", "Quote cells that hold commas.")
    code, name_zh, name_en, number, address = (plain(cell) for cell in cells)
    if not _CODE.fullmatch(code):
        raise CellFault(f"{shown(code)} is no code of a branch.", "Use at most 32 letters, digits, - and _.")
    if not (name_zh or name_en):
        raise CellFault("the branch has no name.", "Give it one in at least one language.")
    if max(len(name_zh), len(name_en)) > NAME or len(address) > TITLE:
        raise CellFault("a text is too long.", f"A name has at most {NAME} characters, an address {TITLE}.")
    try:
        return Branch(code, name_zh, name_en, canonical(number) if number else "", address)
    except BadNumber as error:
        raise CellFault(error.message, error.remedy) from None
