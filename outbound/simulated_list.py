"""A list of numbers that differ, for simulated days: who answers when, and what the dialer may know of it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal

from outbound.answer_chance import AnswerChance, Facts, Past, part_of

Knows = Literal["nothing", "model", "truth"]
BEGIN: Final = 9  # the hour at which the day begins
HOPPER: Final = 64  # candidates that are looked at together
COOLING: Final = 3600.0  # seconds before the same number is tried again
# Log-odds of answering by the hour from 9: people at work answer at noon and in the evening, people at home by day.
AT_WORK: Final = (-1.0, -1.3, -0.4, 0.9, 0.2, -1.2, -1.3, -1.0, 0.6, 1.2, 1.2, 1.0)
AT_HOME: Final = (1.0, 0.9, 0.4, -0.6, -0.2, 0.5, 0.8, 0.9, 0.2, -0.3, -0.2, 0.0)


@dataclass(slots=True)
class Number:
    """One number, with what only fate knows of it."""

    mobile: bool
    at_work: bool
    own: float  # deviation of its log-odds
    tried: int = 0
    answered: int = 0
    parts: dict[int, list[int]] = field(default_factory=dict)
    attempt: int = 1
    last: str = ""


class SimulatedList:
    """Candidates for a ``Simulation``: an endless list of numbers, tried again an hour later when nobody answered."""

    def __init__(
        self,
        size: int,
        seed: int,
        *,
        answer: float = 0.3,
        spread: float = 1.0,
        knows: Knows = "model",
        sorts: bool = False,
        model: AnswerChance | None = None,
        past: int = 4,
    ) -> None:
        """``answer``: about the share that answers. ``spread``: how much numbers differ (log-odds). ``past``: attempts
        of earlier campaigns that are known of each number, on average. ``sorts``: whether the hopper dials those first
        for whom now is the hour."""
        self._fate = Random(f"list-{seed}")  # noqa: S311 - no secret is drawn
        self._base = math.log(answer / (1.0 - answer))
        self.knows = knows
        self.sorts = sorts
        self.model = AnswerChance() if model is None else model
        fate = self._fate
        self._queue: deque[tuple[float, Number]] = deque(
            (0.0, Number(fate.random() < 0.7, fate.random() < 0.6, fate.gauss(0.0, spread))) for _ in range(size)
        )
        for _, number in self._queue:
            for _ in range(fate.randrange(2 * past + 1)):
                hour = fate.randrange(9, 21)
                self._remember(number, hour, fate.random() < self.truth(number, hour))
        self._hopper: list[tuple[float | None, Number, Facts]] = []
        self._filled_hour = -1
        self._out: dict[int, tuple[Number, Facts]] = {}
        self.attempts = 0
        self.reached = 0

    def truth(self, number: Number, hour: int) -> float:
        by_hour = (AT_WORK if number.at_work else AT_HOME)[min(max(hour - BEGIN, 0), len(AT_WORK) - 1)]
        odds = self._base + by_hour + number.own + (0.3 if number.mobile else -0.3) - 0.15 * (number.attempt - 1)
        return 1.0 / (1.0 + math.exp(-odds))

    def upcoming(self, now: float) -> Sequence[float | None]:
        self._fill(now)
        return [believed for believed, _, _ in self._hopper]

    def take(self, now: float, dial: int) -> tuple[float | None, float | None]:
        self._fill(now)
        believed, number, facts = self._hopper.pop(0)
        self._out[dial] = (number, facts)
        self.attempts += 1
        return believed, self.truth(number, facts.hour)

    def resolved(self, now: float, dial: int, answered: bool | None) -> None:
        """None: given up by us."""
        number, facts = self._out.pop(dial)
        if answered is not None:
            self.model.observe(facts, answered)
        self._remember(number, facts.hour, bool(answered))
        number.last = "answered" if answered else "no_answer"
        if answered:
            self.reached += 1
            number.attempt = 1  # the next campaign's
            self._queue.append((now + 4 * COOLING, number))
        else:
            number.attempt += 1
            self._queue.append((now + COOLING, number))

    def _remember(self, number: Number, hour: int, answered: bool) -> None:
        number.tried += 1
        number.answered += answered
        part = number.parts.setdefault(part_of(hour), [0, 0])
        part[0] += 1
        part[1] += answered

    def _fill(self, now: float) -> None:
        hour = min(BEGIN + int(now // 3600.0), 23)
        if hour != self._filled_hour:  # chances are of another hour now
            self._queue.extendleft((0.0, number) for _, number, _ in reversed(self._hopper))
            self._hopper.clear()
            self._filled_hour = hour
        if len(self._hopper) > HOPPER // 2:
            return
        found: list[tuple[Number, Facts]] = []
        for _ in range(min(len(self._queue), 4 * HOPPER)):
            if len(found) >= (3 * HOPPER if self.sorts else HOPPER):
                break
            at, number = self._queue.popleft()
            if at > now:
                self._queue.append((at, number))
                continue
            found.append((number, self._facts(number, hour)))
        if self.sorts and found:
            hours = range(hour + 1, BEGIN + 8)
            ranked = self.model.order([facts for _, facts in found], hours)
            for index in ranked[HOPPER:]:
                self._queue.append((0.0, found[index][0]))
            found = [found[index] for index in ranked[:HOPPER]]
        for number, facts in found:
            self._hopper.append((self._believed(number, facts), number, facts))

    def _believed(self, number: Number, facts: Facts) -> float | None:
        if self.knows == "nothing":
            return None
        return self.truth(number, facts.hour) if self.knows == "truth" else self.model.chance(facts)

    def _facts(self, number: Number, hour: int) -> Facts:
        tried, answered = number.parts.get(part_of(hour), (0, 0))
        return Facts(
            hour=hour,
            attempt=number.attempt,
            list="simulated",
            kind="mobile" if number.mobile else "home",
            last=number.last,
            number=Past(number.tried, number.answered),
            part=Past(tried, answered),
        )
