"""Idle seats, put where a caller finds the best fitting one without looking at each.

One sorted list for each circle, and for the wide circles one more for each word (skill, language) that seats there
know: a caller looks through the shortest of those that fit. Among the seats of one list the best comes first: those
under the day's cap, those with the fewest skills to spare, those idle longest. Pure; knows no policy and no clock.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Final

from agent_routing.shelves import Demand, Scope, take
from agent_routing.standing import IdleKey, Stand

WIDE: Final = frozenset({"branches", "head_office", "everywhere"})  # circles worth an index of their own by word
_NONE: Final[list[IdleKey]] = []


class IdleSeats:
    """The idle seats, indexed."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str, str], list[IdleKey]] = {}
        self._pools: dict[str, int] = {}
        self.count = 0

    def lists_for(self, stand: Stand) -> tuple[list[IdleKey], ...]:
        """The lists this seat stands in while idle."""
        keys = [(*scope, "") for scope in stand.scopes]
        keys += [(*scope, word) for scope in stand.scopes if scope[0] in WIDE for word in sorted(stand.ability.words)]
        return tuple(self._lists.setdefault(key, []) for key in keys)

    def put(self, stand: Stand, key: IdleKey) -> None:
        """A seat is idle."""
        stand.idle_key = key
        for one in stand.idle_lists:
            insort(one, key)
        self.count += 1
        self._pools[stand.seat.pool] = self._pools.get(stand.seat.pool, 0) + 1

    def take(self, stand: Stand) -> None:
        """A seat is idle no more; nothing if it was not."""
        if stand.idle_key is None:
            return
        for one in stand.idle_lists:
            take(one, stand.idle_key)
        stand.idle_key = None
        self.count -= 1
        self._pools[stand.seat.pool] -= 1

    def in_pool(self, pool: str) -> int:
        """How many idle seats a pool has."""
        return self._pools.get(pool, 0)

    def fitting(self, scope: Scope, demand: Demand) -> Iterator[Stand]:
        """The idle seats of a circle that meet these needs, the best first."""
        found = self._lists.get((*scope, ""), _NONE)
        if scope[0] in WIDE:
            for word, _ in demand.needs:
                known = self._lists.get((*scope, word), _NONE)
                if len(known) < len(found):
                    found = known
        for key in found:
            if demand.met_by(key[4].ability):
                yield key[4]

    def more_than(self, scope: Scope, demand: Demand, count: int) -> bool:
        """Whether more idle seats than ``count`` of a circle meet these needs."""
        if self.count <= count:
            return False
        for _ in self.fitting(scope, demand):
            if not count:
                return True
            count -= 1
        return False
