"""The flows that serve, and their replacement while calls go on.

A new set is built and checked beside the old one, then one reference is swapped. A flow with a fault keeps its last
good version alone; the others move on. A call keeps the set it began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from ivr.datafile.problem import Problem
from ivr.flow.check import check_flow
from ivr.flow.errors import FlowInvalid
from ivr.flow.load import flow_files, read_flow
from ivr.flow.model import Flow, FlowSet
from ivr.flow.prompts import Prompts
from ivr.flow.service import Service

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did: flows taken in, flows that keep their last good version (or have none), and why."""

    taken: Sequence[str]
    kept: Sequence[str]
    problems: Sequence[Problem]


def read_all(
    directory: Path, prompts: Prompts, services: Mapping[str, Service], last_good: Mapping[str, Flow] | None = None
) -> tuple[FlowSet, list[Problem], list[str]]:
    """Read and check every flow file in a directory.

    Returns the set that may serve, all problems (causes before what follows from them), and the names of the flows that
    were not taken: those stand in the set with their version of ``last_good``, or not at all.
    """
    last_good = last_good or {}
    problems: list[Problem] = []
    fresh: dict[str, Flow] = {}
    refused: set[str] = set()
    for path in flow_files(directory):
        flow, found = read_flow(path, _shown(path))
        problems += found
        if flow is None:
            refused.add(path.stem)
        else:
            fresh[flow.name] = flow
    problems.sort()
    while True:
        # A flow that falls back can take a node away from one that leads there, so check until nothing changes.
        old = {name: flow for name, flow in last_good.items() if name in refused}
        together = {**old, **{name: flow for name, flow in fresh.items() if name not in refused}}
        checked: dict[str, Flow] = {}
        wrong: list[Problem] = []
        for name, flow in together.items():
            checked[name], found = check_flow(flow, together, prompts, services, refused)
            if found and name not in refused:
                wrong += found
                refused.add(name)
            elif found:
                del checked[name]  # the last good version no longer fits the others either
        problems += sorted(wrong)
        if not wrong:
            return FlowSet(checked), list(dict.fromkeys(problems)), sorted(refused)


def _shown(path: Path) -> str:
    """A path as people know it: the directory's name and the file."""
    return f"{path.parent.name}/{path.name}"


class Library:
    """The flows of one directory; ``current`` is what a new call begins with."""

    def __init__(self, directory: Path, prompts: Prompts, services: Mapping[str, Service], start_flow: str) -> None:
        self._directory = directory
        self._prompts = prompts
        self._services = services
        self._start_flow = start_flow
        self._seen: dict[str, tuple[int, int]] = {}
        self.current = FlowSet({})
        self.problems: tuple[Problem, ...] = ()
        self.kept: tuple[str, ...] = ()

    def open(self) -> None:
        """Read the flows for the first time. Raises FlowInvalid when anything is wrong with any of them."""
        self._seen = self._files()
        flows, problems, _ = read_all(self._directory, self._prompts, self._services)
        if not problems and self._start_flow not in flows:
            problems = [
                Problem(
                    self._directory.name,
                    1,
                    f"there is no flow {self._start_flow!r} to begin a call with.",
                    f"Add {self._start_flow}.yaml, or set start_flow.",
                )
            ]
        if not problems and flows[self._start_flow].outbound:
            start = flows[self._start_flow]
            remedy = "Take out `outbound: yes`, or set another start_flow."
            problems = [Problem(start.file, 1, "calls begin with this flow, and it is for calls of ours.", remedy)]
        if problems:
            raise FlowInvalid(problems)
        self.current = flows

    def changed(self) -> bool:
        """Whether a flow file was added, changed or taken away since the last look (by time and size)."""
        return self._files() != self._seen

    def reload(self) -> Reloaded:
        """Take in what is right; what is wrong keeps its last good version, and says so."""
        self._seen = self._files()
        before = self.current.flows
        flows, problems, refused = read_all(self._directory, self._prompts, self._services, before)
        if self._start_flow not in flows:
            start = before[self._start_flow]
            problems = [
                *problems,
                Problem(start.file, 1, "calls begin with this flow.", "It serves on as it was: put it back."),
            ]
            refused = [*refused, self._start_flow]
            flows = FlowSet({**before, **flows.flows, self._start_flow: start})
        self.current = flows
        self.problems, self.kept = tuple(problems), tuple(refused)
        taken = [name for name, flow in flows.flows.items() if name not in before or before[name] != flow]
        for problem in problems:
            log.error("flow refused, the last good version serves on", problem=str(problem))
        if taken:
            log.info("flows taken in", flows=[f"{name}@{flows[name].version}" for name in taken])
        return Reloaded(taken, refused, problems)

    def _files(self) -> dict[str, tuple[int, int]]:
        found = {}
        for path in flow_files(self._directory):
            try:
                status = path.stat()
            except OSError:
                continue
            found[path.name] = (status.st_mtime_ns, status.st_size)
        return found
