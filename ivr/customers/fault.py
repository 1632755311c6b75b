"""What is wrong in a file of customers: the line, the column, the fault and the remedy. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ivr.errors import GoldlineError


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad row. ``column`` is empty when the row as a whole is wrong."""

    line: int  # of the file, where the row begins; 1 is the header
    column: str
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.line}: {self.column}: " if self.column else f"{self.line}: "
        return f"{where}{self.what} {self.remedy}".rstrip()


class CellFault(Exception):
    """A cell cannot be read; told on as a Fault with its place."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class BadCustomerFile(GoldlineError):
    """The file as a whole cannot be read: no text, no header, an unknown column."""

    error_id: ClassVar[str] = "bad-customer-file"
