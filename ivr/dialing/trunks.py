"""What trunks take: so many calls per second, so many at once. Pure.

Calls are begun one after the other, a second divided by the rate apart, and never in a burst: a carrier counts in
seconds of its own and refuses (503) what is too much in one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrunkLimit:
    """What one trunk takes of campaigns. ``name`` as in the settings (``sip.trunks``)."""

    name: str
    calls_per_second: float
    channels: int


@dataclass(slots=True)
class _Trunk:
    limit: TrunkLimit
    next_at: float  # no call before
    calls: set[str]


class Trunks:
    """The trunks by which campaigns call out, the first one preferred. Times are seconds of any clock."""

    def __init__(self, limits: Iterable[TrunkLimit]) -> None:
        self._trunks = {limit.name: _Trunk(limit, float("-inf"), set()) for limit in limits}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them."""
        return tuple(self._trunks)

    def take(self, call: str, now: float, only: Collection[str] = ()) -> str | None:
        """Begin this call now: the trunk that takes it (one of ``only``, where some are given); None: none yet."""
        for name, trunk in self._trunks.items():
            if only and name not in only:
                continue
            if trunk.next_at <= now and len(trunk.calls) < trunk.limit.channels:
                trunk.next_at = now + 1 / trunk.limit.calls_per_second
                trunk.calls.add(call)
                return name
        return None

    def adopt(self, call: str, name: str) -> None:
        """A call that goes on already, begun by somebody before us. A trunk that is no more counts nothing."""
        if name in self._trunks:
            self._trunks[name].calls.add(call)

    def release(self, call: str) -> None:
        """The call is over. Harmless when it is known to be."""
        for trunk in self._trunks.values():
            trunk.calls.discard(call)

    def free(self) -> int:
        """How many more calls there may be at once."""
        return sum(max(trunk.limit.channels - len(trunk.calls), 0) for trunk in self._trunks.values())

    def within(self, seconds: float, now: float) -> int:
        """How many calls may begin within so many seconds from now."""
        count = 0
        for trunk in self._trunks.values():
            wait = max(trunk.next_at - now, 0.0)
            if wait <= seconds:
                count += 1 + int((seconds - wait) * trunk.limit.calls_per_second)
        return count

    def wait(self, now: float) -> float | None:
        """Seconds until some trunk takes a call; None: not before one that goes on is over."""
        waits = [
            max(trunk.next_at - now, 0.0) for trunk in self._trunks.values() if len(trunk.calls) < trunk.limit.channels
        ]
        return min(waits, default=None)
