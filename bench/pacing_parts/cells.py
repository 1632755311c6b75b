"""The cells of the tables: days, how many of them, and what the reference reached (docs/pacing.md)."""

from __future__ import annotations

from dataclasses import dataclass

from outbound.simulation import Stretch, World

SIZES = (5, 10, 20, 50, 200)
ANSWERS = (0.2, 0.4, 0.6)
SEEDS = {5: 6, 10: 6, 20: 4, 50: 3, 200: 1}
HOURS = 8
CAP = 0.03
HOUR_CAP = 0.05

# Utilisation in % that the best policy of the reference reached ("mpc+cancel").
TARGETS = {
    ("steady", 5, 0.2): 76.5,
    ("steady", 5, 0.4): 82.0,
    ("steady", 5, 0.6): 86.4,
    ("steady", 10, 0.2): 82.7,
    ("steady", 10, 0.4): 85.9,
    ("steady", 10, 0.6): 88.3,
    ("steady", 20, 0.2): 88.5,
    ("steady", 20, 0.4): 89.7,
    ("steady", 20, 0.6): 91.1,
    ("steady", 50, 0.2): 93.5,
    ("steady", 50, 0.4): 94.1,
    ("steady", 50, 0.6): 94.8,
    ("steady", 200, 0.2): 97.9,
    ("steady", 200, 0.4): 98.0,
    ("steady", 200, 0.6): 98.3,
    ("changing", 10, 0.0): 83.0,
    ("changing", 50, 0.0): 92.6,
    ("short", 10, 0.3): 82.3,
    ("short", 50, 0.3): 93.4,
    ("machines", 10, 0.2): 79.4,
    ("machines", 50, 0.2): 91.6,
}
CHANGING = (
    (0.30, 120.0, 0.6),
    (0.55, 120.0, 1.0),
    (0.55, 90.0, 1.0),
    (0.18, 90.0, 0.5),
    (0.18, 180.0, 0.7),
    (0.40, 180.0, 1.0),
    (0.25, 60.0, 1.0),
    (0.50, 120.0, 0.4),
)


@dataclass(frozen=True, order=True)
class Cell:
    """One kind of day: its case, seats, answer rate (0 where it changes by the hour)."""

    case: str
    seats: int
    answer: float

    @property
    def target(self) -> float | None:
        return TARGETS.get((self.case, self.seats, self.answer))

    def world(self) -> World:
        if self.case == "changing":
            return World(
                tuple(
                    Stretch(3600.0, round(self.seats * share), answer, talk_mean=talk)
                    for answer, talk, share in CHANGING
                )
            )
        stretches = (Stretch(HOURS * 3600.0, self.seats, self.answer),)
        if self.case == "short":
            return World(stretches, short=0.3)
        if self.case == "machines":
            return World(stretches, machines=0.25, false_machine=0.01, missed_machine=0.15)
        return World(stretches)


def cells(cases: list[str], sizes: list[int]) -> list[Cell]:
    found: list[Cell] = []
    for seats in sizes:
        for case in cases:
            if case == "steady":
                found += [Cell(case, seats, answer) for answer in ANSWERS]
            elif seats in (10, 50):
                found.append(Cell(case, seats, {"changing": 0.0, "short": 0.3, "machines": 0.2}[case]))
    return found
