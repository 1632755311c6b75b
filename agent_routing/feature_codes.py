"""What agents dial at their seats: the codes in ``feature_codes.yaml``, checked, each problem with its line and remedy.

Pure but for ``read``. Says which act a code stands for and what was dialled after it; does nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal, get_args

from db.models import NAME
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields, suggest
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

CODES_FILE: Final = Path(__file__).parent / "feature_codes.yaml"
_CODE: Final = re.compile(r"\*[0-9]{1,5}")

Act = Literal[
    "log_in",
    "log_out",
    "pause",
    "resume",
    "ready",
    "more_time",
    "where",
    "listen",
    "whisper",
    "barge",
    "take_over",
    "hold",
    "transfer",
    "consult",
    "complete",
    "conference",
    "verify",
]
Argument = Literal["agent", "reason", ""]

# Every act, and what may be dialled right after its code.
ARGUMENTS: Final[Mapping[Act, Argument]] = {
    "log_in": "agent",
    "log_out": "",
    "pause": "reason",
    "resume": "",
    "ready": "",
    "more_time": "",
    "where": "",
    "listen": "agent",
    "whisper": "agent",
    "barge": "agent",
    "take_over": "agent",
    "hold": "",
    "transfer": "",
    "consult": "",
    "complete": "",
    "conference": "",
    "verify": "",
}
# Those that are keyed in the middle of a talk: Asterisk itself listens for them (features.conf).
IN_TALK: Final[frozenset[Act]] = frozenset(("hold", "transfer", "consult", "complete", "conference", "verify"))
SUPERVISORS: Final[frozenset[Act]] = frozenset(("listen", "whisper", "barge", "take_over"))


class FeatureCodesInvalid(FileInvalid):
    """The feature codes cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "feature-codes-invalid"


@dataclass(frozen=True, slots=True)
class FeatureCode:
    """One code and what it stands for."""

    act: Act
    code: str
    zh: str
    en: str

    @property
    def argument(self) -> Argument:
        """What may be dialled right after it; "": nothing."""
        return ARGUMENTS[self.act]

    @property
    def in_talk(self) -> bool:
        """It is keyed in the middle of a talk."""
        return self.act in IN_TALK


@dataclass(frozen=True, slots=True)
class Dialled:
    """What was dialled: an act, and what followed its code."""

    act: Act
    argument: str = ""


@dataclass(frozen=True, slots=True)
class FeatureCodes:
    """All codes, in the file's order."""

    codes: tuple[FeatureCode, ...]

    def dialled(self, digits: str) -> Dialled | None:
        """What these digits ask for; None: no code, or more behind it than it takes."""
        for one in self.codes:
            if digits.startswith(one.code):
                argument = digits.removeprefix(one.code).removesuffix("#")
                if argument and not (one.argument and argument.isdecimal()):
                    return None
                return Dialled(one.act, argument)
        return None


def read(path: Path = CODES_FILE) -> FeatureCodes:
    """The codes in this file. Raises FeatureCodesInvalid."""
    return read_checked(path, load, FeatureCodesInvalid)


def load(text: str, file: str) -> tuple[FeatureCodes, list[Problem]]:
    """The codes in this text, and every problem; with problems the codes are good for nothing."""
    top, problems = parse(text, file)
    found: list[FeatureCode] = []
    if top is None:
        return FeatureCodes(()), problems
    fields = Fields(file, top, problems)
    table = fields.inner("codes")
    if table is None and not fields.has("codes"):
        fields.problem("codes", "codes is missing.", "Add `codes:` with one line for each act.")
    if table is not None:
        for act in get_args(Act):
            inner = table.inner(act)
            if inner is not None:
                found.append(_code(act, inner, table, found))
        for name in table.table.entries:
            if name not in ARGUMENTS:
                table.element(name)
                table.problem(name, f"there is no act {name!r}.", suggest(name, tuple(ARGUMENTS)))
        if "log_in" not in table.table.entries:
            table.problem("log_in", "log_in is missing.", "Without it nobody can log in by telephone: put it back.")
        found.sort(key=lambda one: table.line(one.act))
    fields.done()
    return FeatureCodes(tuple(found)), sorted(problems)


def _code(act: Act, fields: Fields, table: Fields, before: list[FeatureCode]) -> FeatureCode:
    zh, en = fields.text("zh"), fields.text("en")
    if max(len(zh), len(en)) > NAME:
        fields.problem("zh", "a name is too long.", f"It has at most {NAME} characters.")
    code = fields.text("code")
    if code and not _CODE.fullmatch(code):
        fields.problem("code", f"code cannot be {code!r}.", "It is a star and one to five digits.")
    for other in before:
        if code and (code.startswith(other.code) or other.code.startswith(code)):
            fields.problem(
                "code",
                f"code {code} cannot be told from {other.code} ({other.act}, in line {table.line(other.act)}).",
                "No code may be the beginning of another one.",
            )
    fields.done()
    return FeatureCode(act, code, zh, en)
