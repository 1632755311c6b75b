"""The lines that serve, and their replacement while calls go on.

A new plan is read and checked beside the old one, then one reference is swapped. A file with a fault keeps the last
good plan, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from ivr.datafile.problem import Problem
from ivr.flow.model import Flow
from ivr.flow.prompts import Prompts
from ivr.lines.check import check_lines
from ivr.lines.errors import LinesInvalid
from ivr.lines.load import FILE_NAME, read_lines
from ivr.lines.model import LinePlan

log = structlog.get_logger(__name__)


class LineBook:
    """The lines of one directory; ``current`` is what a new call is judged by."""

    def __init__(self, directory: Path, prompts: Prompts, flows: Callable[[], Mapping[str, Flow]]) -> None:
        """``flows`` gives those that serve now."""
        self._path = directory / FILE_NAME
        self._shown = f"{directory.name}/{FILE_NAME}"
        self._prompts = prompts
        self._flows = flows
        self._beside: tuple[Path, ...] = ()
        self._seen: tuple[object, ...] = ()
        self._current: LinePlan | None = None
        self.problems: tuple[Problem, ...] = ()

    @property
    def current(self) -> LinePlan:
        """The plan that serves. Raises AssertionError before ``open``."""
        assert self._current is not None, "open the book first"
        return self._current

    def open(self) -> None:
        """Read the lines for the first time. Raises LinesInvalid when anything is wrong with them."""
        plan, problems = self._read()
        if plan is None:
            raise LinesInvalid(problems)
        self._current = plan

    def changed(self) -> bool:
        """Whether the file, or one that it names, was changed since the last look, or the flows were."""
        return self._look() != self._seen

    def reload(self) -> bool:
        """Take in the file when all of it is right. Returns whether it was taken; ``problems`` says why not."""
        plan, problems = self._read()
        self.problems = tuple(problems)
        for problem in problems:
            log.error("lines refused, the last good ones serve on", problem=str(problem))
        if plan is None:
            return False
        if plan != self._current:
            log.info("lines taken in", version=plan.version, lines=sorted(plan.lines))
        self._current = plan
        return True

    def _read(self) -> tuple[LinePlan | None, list[Problem]]:
        before = self._look()
        plan, problems, self._beside = read_lines(self._path, self._shown)
        # Judged by what was there before reading: a change in between is seen at the next look.
        self._seen = (*before[:2], *(_stamp(path) for path in self._beside))
        if plan is not None:
            problems = check_lines(plan, self._shown, self._flows(), self._prompts)
        return (None, problems) if problems else (plan, [])

    def _look(self) -> tuple[object, ...]:
        flows = tuple((name, flow.version) for name, flow in sorted(self._flows().items()))
        return (flows, _stamp(self._path), *(_stamp(path) for path in self._beside))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
