"""What can be wrong with the lines.

LinesError
└── LinesInvalid    the file cannot be served; carries every Problem found
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ivr.datafile.problem import Problem
from ivr.errors import GoldlineError


class LinesError(GoldlineError):
    """Something about the lines cannot be done."""

    error_id: ClassVar[str] = "lines-error"


class LinesInvalid(LinesError):
    """A file of lines that cannot be served."""

    error_id = "lines-invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
