"""Why agents pause: the reasons in ``reasons.yaml``, checked, each problem with its line and remedy.

Pure but for ``read``. Knows nothing of agents and their states.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal

from db.models import NAME, WORD
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import NAME as A_NAME
from ivr.datafile.fields import Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse
from ivr.errors import GoldlineError

REASONS_FILE: Final = Path(__file__).parent / "reasons.yaml"
MISSED: Final = "missed"  # what an agent is paused with who lets calls ring
LONGEST: Final = 12 * 3600.0  # seconds: a pause is over when the day is
_KEY: Final = re.compile(r"[0-9]")

Counts = Literal["work", "rest"]


class PauseReasonsInvalid(FileInvalid):
    """The reasons for pauses cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "pause-reasons-invalid"


class NoSuchReason(GoldlineError):
    """There is no such reason for a pause."""

    error_id: ClassVar[str] = "no-such-reason"


@dataclass(frozen=True, slots=True)
class PauseReason:
    """One reason. ``key`` is what an agent presses for it; "": it is not chosen by telephone."""

    id: str
    zh: str
    en: str
    longest: datetime.timedelta
    counts: Counts
    key: str = ""


@dataclass(frozen=True, slots=True)
class PauseReasons:
    """All reasons, by id, in the file's order."""

    by_id: Mapping[str, PauseReason]

    def get(self, reason: str) -> PauseReason:
        """This reason. Raises NoSuchReason."""
        found = self.by_id.get(reason)
        if found is None:
            raise NoSuchReason(f"There is no reason {reason!r} for a pause.", remedy=suggest(reason, tuple(self.by_id)))
        return found

    def of_key(self, key: str) -> PauseReason | None:
        """The reason that this key chooses."""
        return next((reason for reason in self.by_id.values() if reason.key and reason.key == key), None)


def read(path: Path = REASONS_FILE) -> PauseReasons:
    """The reasons in this file. Raises PauseReasonsInvalid."""
    return read_checked(path, load, PauseReasonsInvalid)


def load(text: str, file: str) -> tuple[PauseReasons, list[Problem]]:
    """The reasons in this text, and every problem; with problems the reasons are good for nothing."""
    top, problems = parse(text, file)
    found: dict[str, PauseReason] = {}
    if top is None:
        return PauseReasons(found), problems
    fields = Fields(file, top, problems)
    table = fields.inner("reasons")
    if table is None and not fields.has("reasons"):
        fields.problem("reasons", "reasons is missing.", "Add `reasons:` with one line for each reason.")
    if table is not None:
        for name in table.table.entries:
            inner = table.inner(name)
            if not A_NAME.fullmatch(name) or len(name) > WORD:
                table.problem(name, f"{name!r} is no name.", f"Use at most {WORD} small letters, digits, underscores.")
            elif inner is not None:
                found[name] = _reason(name, inner, table, found)
        if MISSED not in table.table.entries:
            table.problem(MISSED, f"{MISSED} is missing.", "Goldline pauses agents with it: put it back.")
    fields.done()
    return PauseReasons(found), sorted(problems)


def _reason(name: str, fields: Fields, table: Fields, before: Mapping[str, PauseReason]) -> PauseReason:
    zh, en = fields.text("zh"), fields.text("en")
    if max(len(zh), len(en)) > NAME:
        fields.problem("zh", "a name is too long.", f"It has at most {NAME} characters.")
    longest = datetime.timedelta(seconds=fields.seconds("longest", "60m", 60, LONGEST))
    counts: Counts = "work" if fields.one_of("counts", ("work", "rest"), "rest") == "work" else "rest"
    key = fields.text("key", "")
    if key and not _KEY.fullmatch(key):
        fields.problem("key", f"key cannot be {key!r}.", "It is one digit.")
    for other in before.values():
        if key and other.key == key:
            fields.problem(
                "key", f"key {key} is taken by {other.id}, in line {table.line(other.id)}.", "Give it another."
            )
    fields.done()
    return PauseReason(name, zh, en, longest, counts, key)
