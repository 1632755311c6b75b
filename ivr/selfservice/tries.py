"""How often each call has tried something, for the calls of the last hours. In memory; no clock."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST_CALLS: Final = 10_000  # remembered; the one that tried longest ago goes first. A call is over long before


class Tries:
    """Counts tries per call."""

    def __init__(self, most: int, calls: int = MOST_CALLS) -> None:
        self._most = most
        self._calls = calls
        self._counts: OrderedDict[str, int] = OrderedDict()

    def may_try(self, call_id: str) -> bool:
        """Count one more try of this call; False when it has had all it may have."""
        count = self._counts.pop(call_id, 0)
        self._counts[call_id] = min(count + 1, self._most + 1)
        if len(self._counts) > self._calls:
            self._counts.popitem(last=False)
        return count < self._most
