"""What can be wrong with a flow.

FlowError
├── FlowInvalid     the files cannot be served; carries every Problem found
└── FlowBroken      a flow that passed its checks went wrong in a call (a fault of ours, not of the caller)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ivr.errors import GoldlineError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one place, and what to do about it."""

    file: str
    line: int
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" + (f" {self.remedy}" if self.remedy else "")


class FlowError(GoldlineError):
    """A flow cannot be used."""

    error_id: ClassVar[str] = "flow-error"


class FlowInvalid(FlowError):
    """Flow files that cannot be served."""

    error_id = "flow-invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FlowBroken(FlowError):
    """A checked flow went wrong in a call."""

    error_id = "flow-broken"
