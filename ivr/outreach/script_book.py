"""The scripts that serve, and their replacement while calls go on: a file with a fault keeps its last good version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import structlog

from ivr.datafile.problem import Problem
from outbound import dispositions as dispositions_file
from outbound.dispositions import DISPOSITIONS_FILE, Dispositions, DispositionsInvalid
from outbound.script import Script
from outbound.script_file import ScriptInvalid, read

log = structlog.get_logger(__name__)


class ScriptBook:
    """The scripts of one directory, and what may come of a talk. ``scripts`` are by name."""

    def __init__(self, directory: Path, dispositions: Path = DISPOSITIONS_FILE) -> None:
        self._directory = directory
        self._dispositions = dispositions
        self._seen: dict[Path, tuple[int, int]] = {}
        self.scripts: Mapping[str, Script] = {}
        self.dispositions: Dispositions = {}
        self.problems: tuple[Problem, ...] = ()

    def open(self) -> None:
        """Read everything for the first time. Raises DispositionsInvalid; a script with a fault is left out."""
        self.dispositions = dispositions_file.read(self._dispositions)
        self._seen = self._files()
        self._take_scripts()

    def look(self) -> None:
        """Take in what was changed since the last look; what is wrong is kept as it was, and said."""
        seen = self._files()
        if seen == self._seen:
            return
        self._seen = seen
        problems: tuple[Problem, ...] = ()
        try:
            self.dispositions = dispositions_file.read(self._dispositions)
        except DispositionsInvalid as error:
            problems = error.problems
        self._take_scripts()
        self.problems += problems
        for problem in problems:
            log.error("dispositions refused, the last good ones serve on", problem=str(problem))

    def _take_scripts(self) -> None:
        found: dict[str, Script] = {}
        problems: list[Problem] = []
        for path in sorted(self._directory.glob("*.yaml")):
            try:
                found[path.stem] = read(path, self.dispositions)
            except ScriptInvalid as error:
                problems += error.problems
                if path.stem in self.scripts:
                    found[path.stem] = self.scripts[path.stem]
        for problem in problems:
            log.error("script refused, the last good version serves on", problem=str(problem))
        self.scripts, self.problems = found, tuple(problems)

    def _files(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in (*self._directory.glob("*.yaml"), self._dispositions):
            try:
                status = path.stat()
            except OSError:
                continue
            found[path] = (status.st_mtime_ns, status.st_size)
        return found
