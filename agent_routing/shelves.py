"""Waiting callers, put where a seat that becomes idle finds the most urgent one without looking at all.

A *shelf* holds callers of one lane (tier, front or not) whom the seats of one circle may answer, in the order they
joined. Within a lane that order is the order of urgency at every moment, because urgency grows equally fast for all of
them: so a shelf is walked from its head to the first caller who fits, and nothing is recomputed as time goes by. In the
wide circles callers stand on different shelves by the rarest of their needs, so that a seat meets few whom it cannot
serve. Pure; knows no policy and no clock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agent_routing.policy import Needs

if TYPE_CHECKING:
    from agent_routing.standing import Waiting

Scope = tuple[str, str]  # (what it reaches, which): ("own_branch", "B07"), ("everywhere", "")
Placed = tuple[float, str, "Waiting", "Demand"]  # (joined, id, …): sorts by who came first
Shelf = list[Placed]
Key = tuple[str, int]

LANES: Final = 8  # four tiers, each with a lane for those who were put in front
SMALL: Final = frozenset({"manager", "own_branch"})  # circles of few seats and callers: one shelf to a lane
FINEST_LEVEL: Final = 5  # levels above share a shelf
ANY_NEED: Final[Key] = ("", 0)
_UNKNOWN, _NO, _YES = 0, 1, 2


class Ability:
    """What a seat can do, shared by all seats that can do the same: words and levels."""

    __slots__ = ("number", "words")

    def __init__(self, number: int, words: Mapping[str, int]) -> None:
        self.number = number
        self.words = dict(words)


class Demand:
    """What is asked of a seat, shared by all who ask the same; remembers which abilities meet it."""

    __slots__ = ("_known", "counted", "key", "needs")

    def __init__(self, needs: Needs, abilities: int) -> None:
        self.needs = needs
        self.key = ANY_NEED  # the shelf to stand on …
        self.counted = -1  # … as of this count of the staff
        self._known = bytearray(abilities)

    def __lt__(self, other: Demand) -> bool:
        """Only to sort: one caller stands on two shelves that the same seat sees, with two demands."""
        return self.needs < other.needs

    def __ge__(self, other: Demand) -> bool:
        return self.needs >= other.needs

    def met_by(self, ability: Ability) -> bool:
        """Whether this ability meets every need."""
        known = self._known[ability.number]
        if known:
            return known == _YES
        words = ability.words
        met = all(words.get(word, 0) >= level for word, level in self.needs)
        self._known[ability.number] = _YES if met else _NO
        return met

    def expect(self, abilities: int) -> None:
        """There are more abilities now."""
        self._known.extend(bytes(abilities - len(self._known)))


class Vocabulary:
    """Every ability and demand there is, each once. They are as many as the data files allow, not as the calls."""

    def __init__(self) -> None:
        self._abilities: dict[Needs, Ability] = {}
        self._demands: dict[Needs, Demand] = {}

    def ability(self, words: Mapping[str, int]) -> Ability:
        """The ability to do all this."""
        key = tuple(sorted(words.items()))
        found = self._abilities.get(key)
        if found is None:
            found = self._abilities[key] = Ability(len(self._abilities), words)
            for demand in self._demands.values():
                demand.expect(len(self._abilities))
        return found

    def demand(self, needs: Needs) -> Demand:
        """The demand for all this."""
        found = self._demands.get(needs)
        if found is None:
            found = self._demands[needs] = Demand(needs, len(self._abilities))
        return found


class Shelves:
    """All shelves."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[Scope, Key, int], Shelf] = {}

    def shelf(self, scope: Scope, demand: Demand, lane: int) -> Shelf:
        """The shelf on which such a demand stands now."""
        key = ANY_NEED if scope[0] in SMALL else demand.key
        return self._at(scope, key, lane)

    def seen_from(self, scopes: tuple[Scope, ...], ability: Ability) -> tuple[tuple[Shelf, ...], ...]:
        """For each lane the shelves on which callers may stand whom a seat in these circles can serve."""
        keys = [(scope, ANY_NEED) for scope in scopes]
        keys += [
            (scope, (word, level))
            for scope in scopes
            if scope[0] not in SMALL
            for word, most in sorted(ability.words.items())
            for level in range(1, min(most, FINEST_LEVEL) + 1)
        ]
        return tuple(tuple(self._at(scope, key, lane) for scope, key in keys) for lane in range(LANES))

    def _at(self, scope: Scope, key: Key, lane: int) -> Shelf:
        return self._shelves.setdefault((scope, key, lane), [])


def take(sorted_by_key: list[Any], item: Any) -> None:
    """Take an item out of a sorted list that holds it."""
    place = bisect_left(sorted_by_key, item)
    assert sorted_by_key[place] is item
    del sorted_by_key[place]
