"""How long to wait before connecting again. Pure: randomness and the time a link held are handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Waits double from ``first`` to ``longest`` seconds; each is cut by chance by up to half.

    The chance part keeps several clients from knocking in step on an Asterisk that has just started. A link that held
    for ``stable`` seconds proves the trouble over and starts the row anew; a shorter one does not, or an Asterisk that
    accepts and drops us would be asked twice a second for ever.
    """

    first: float = 0.5
    longest: float = 15.0  # also the longest that a restarted Asterisk goes without its hotline
    stable: float = 60.0
    chance: Callable[[], float] = field(default=lambda: 0.0)  # 0 ≤ x < 1
    _tries: int = 0

    def after_link(self, seconds: float) -> None:
        """A link has ended that held for so long."""
        if seconds >= self.stable:
            self._tries = 0

    def next_wait(self) -> float:
        """Seconds to wait before the next try."""
        # 2.0**64 is far over any `longest` and far under what overflows after a week of tries
        full: float = min(self.longest, self.first * 2.0 ** min(self._tries, 64))
        self._tries += 1
        return full * (1 - self.chance() / 2)
