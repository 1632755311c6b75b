"""How long recordings are kept (``retention.yaml``), checked with line and remedy. Pure but for ``read``."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

RETENTION_FILE: Final = Path(__file__).parent / "retention.yaml"
LONGEST: Final = 100  # years; more is a slip


class RetentionInvalid(FileInvalid):
    """The retention of recordings cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "retention-invalid"


@dataclass(frozen=True, slots=True)
class Retention:
    """``years`` are those of the calendar, from the day of the talk."""

    years: int

    def until(self, began: datetime.datetime) -> datetime.datetime:
        """When the recording of a talk that began then need be kept no more; 29 February counts to 1 March."""
        year = began.year + self.years
        try:
            return began.replace(year=year)
        except ValueError:
            return began.replace(year=year, month=3, day=1)


def read(path: Path = RETENTION_FILE) -> Retention:
    """The retention in this file. Raises RetentionInvalid."""
    return read_checked(path, load, RetentionInvalid)


def load(text: str, file: str) -> tuple[Retention | None, list[Problem]]:
    """The retention in this text, and every problem."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    retention = Retention(fields.number("years", None, 1, LONGEST))
    fields.done()
    return retention, sorted(problems)
