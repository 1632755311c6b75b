"""What can be wrong with a flow.

FlowError
├── FlowInvalid     the files cannot be served; carries every Problem found
└── FlowBroken      a flow that passed its checks went wrong in a call (a fault of ours, not of the caller)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ivr.datafile.problem import Problem
from ivr.errors import GoldlineError


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
