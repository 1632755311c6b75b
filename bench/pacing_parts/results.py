"""What was measured, one day a line in a file, so that a run that was cut goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.pacing_parts.cells import Cell


@dataclass(frozen=True)
class Result:
    """One simulated day. Shares in %."""

    case: str
    seats: int
    answer: float
    policy: str
    seed: int
    utilisation: float
    abandoned: float
    worst_hour: float  # highest abandoned share of a clock hour
    answered: int
    dials_per_answer: float
    cancelled: float  # % of dials given up
    cpu: float  # seconds of processor time for the whole day
    decision_us: float  # of it per decision, the simulator's own work included

    @property
    def cell(self) -> Cell:
        return Cell(self.case, self.seats, self.answer)


class Results:
    """The days of one version of the pacer. A file of another version is begun anew."""

    def __init__(self, path: Path, version: str) -> None:
        self._path = path
        self._done: dict[tuple[Cell, str, int], Result] = {}
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        if not lines or json.loads(lines[0]).get("version") != version:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"version": version}) + "\n", "utf-8")
            return
        for line in lines[1:]:
            result = Result(**json.loads(line))
            self._done[result.cell, result.policy, result.seed] = result

    def get(self, cell: Cell, policy: str, seed: int) -> Result | None:
        return self._done.get((cell, policy, seed))

    def add(self, result: Result) -> None:
        self._done[result.cell, result.policy, result.seed] = result
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")

    def of(self, cell: Cell, policy: str, seeds: Sequence[int]) -> list[Result]:
        return [self._done[cell, policy, seed] for seed in seeds if (cell, policy, seed) in self._done]
