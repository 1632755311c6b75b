"""Waiting callers, put where a seat that becomes idle finds them without looking at each.

A *shelf* holds the callers of one lane (tier, front or not) who ask the same of the same circle of seats, in the order
they joined. Within a lane that order is the order of urgency at every moment, because urgency grows equally fast for
all of them: so only the head of each shelf is ever looked at, and nothing is recomputed as time goes by.

A *reach* is what seats of one ability see of one circle: its shelves, by lane. Pure; knows no policy and no clock.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from agent_routing.policy import Needs

if TYPE_CHECKING:
    from agent_routing.standing import Waiting

Scope = tuple[str, str]  # (what it reaches, which): ("own_branch", "B07"), ("everywhere", "")
Placed = tuple[float, str, "Waiting"]  # (joined, id, …): sorts by who came first

LANES: Final = 8  # four tiers, each with a lane for those who were put in front
FIRST_SWEEP: Final = 4096  # shelves; empty ones are thrown away when there are twice as many as were in use


class Ability:
    """What a seat can do, shared by all seats that can do the same: words and levels."""

    __slots__ = ("_fitting", "words")

    def __init__(self, words: Mapping[str, int]) -> None:
        self.words = dict(words)
        self._fitting: dict[Needs, bool] = {}

    def fits(self, needs: Needs) -> bool:
        """Whether every need is met."""
        known = self._fitting.get(needs)
        if known is None:
            if len(self._fitting) > FIRST_SWEEP:
                self._fitting.clear()
            words = self.words
            known = self._fitting[needs] = all(words.get(word, 0) >= level for word, level in needs)
        return known


class Shelf:
    """Callers of one lane with the same needs in the same circle."""

    __slots__ = ("callers", "lane", "needs", "scope")

    def __init__(self, scope: Scope, lane: int, needs: Needs) -> None:
        self.scope = scope
        self.lane = lane
        self.needs = needs
        self.callers: list[Placed] = []


class Reach:
    """The shelves of one circle that seats of one ability can serve, by lane."""

    __slots__ = ("ability", "lanes", "scope")

    def __init__(self, scope: Scope, ability: Ability) -> None:
        self.scope = scope
        self.ability = ability
        self.lanes: list[list[Shelf]] = [[] for _ in range(LANES)]


class Shelves:
    """All shelves and reaches."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[Scope, int, Needs], Shelf] = {}
        self._reaches: dict[Scope, dict[int, Reach]] = {}
        self._sweep_at = FIRST_SWEEP

    def put(self, placed: Placed, scope: Scope, lane: int, needs: Needs) -> Shelf:
        """Put a caller on the shelf for these needs."""
        shelf = self._shelves.get((scope, lane, needs))
        if shelf is None:
            shelf = self._new(scope, lane, needs)
        insort(shelf.callers, placed)
        return shelf

    def reach(self, scope: Scope, ability: Ability) -> Reach:
        """What seats of this ability see of this circle; kept up to date from now on."""
        reaches = self._reaches.setdefault(scope, {})
        reach = reaches.get(id(ability))
        if reach is None:
            reach = reaches[id(ability)] = Reach(scope, ability)
            for shelf in self._shelves.values():
                if shelf.scope == scope and ability.fits(shelf.needs):
                    reach.lanes[shelf.lane].append(shelf)
        return reach

    def _new(self, scope: Scope, lane: int, needs: Needs) -> Shelf:
        if len(self._shelves) >= self._sweep_at:
            self._sweep()
        shelf = self._shelves[scope, lane, needs] = Shelf(scope, lane, needs)
        for reach in self._reaches.get(scope, {}).values():
            if reach.ability.fits(needs):
                reach.lanes[lane].append(shelf)
        return shelf

    def _sweep(self) -> None:
        self._shelves = {key: shelf for key, shelf in self._shelves.items() if shelf.callers}
        for reaches in self._reaches.values():
            for reach in reaches.values():
                reach.lanes = [[shelf for shelf in lane if shelf.callers] for lane in reach.lanes]
        self._sweep_at = max(FIRST_SWEEP, 2 * len(self._shelves))


def take(sorted_by_key: list[Any], item: Any) -> None:
    """Take an item out of a sorted list that holds it."""
    place = bisect_left(sorted_by_key, item)
    assert sorted_by_key[place] is item
    del sorted_by_key[place]


def first_free(callers: Iterable[Placed], seat: str) -> Placed | None:
    """The first caller who may be offered to this seat: it has refused the others."""
    for placed in callers:
        if seat not in placed[2].barred:
            return placed
    return None
