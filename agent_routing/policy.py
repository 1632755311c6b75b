"""The routing policy: who comes first, which seats may answer and when. Pure data, read by ``policy_file``.

Urgency is *accumulating priority* (L. Kleinrock, "A delay dependent queue discipline", 1964; D. Stanford, P. Taylor,
I. Ziedins, "Waiting time distributions in the accumulating priority queue", Queueing Systems 77, 2014):

    proportional   urgency = (waited + head start) / time scale
    additive       urgency = waited + bonus          (time scale 1: seconds of seniority)

Strict tiers come before everything, in their order; whoever has waited longer than the tier's longest wait comes right
after them, the one who joined first at the head; then urgency decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agent_routing.pool import Caller
from db.customer import TIERS, Tier

Order = Literal["proportional", "additive"]
Reaches = Literal["manager", "own_branch", "branches", "head_office", "everywhere"]
Speaks = Literal["dialect", "language", "any"]
Wishes = Literal["kept", "lowered", "dropped"]

ORDERS: Final[tuple[Order, ...]] = ("proportional", "additive")
# From the narrowest to the widest.
REACHES: Final[tuple[Reaches, ...]] = ("manager", "own_branch", "branches", "head_office", "everywhere")
# From what asks most of a seat to what asks least.
SPEAKS: Final[tuple[Speaks, ...]] = ("dialect", "language", "any")
WISHES: Final[tuple[Wishes, ...]] = ("kept", "lowered", "dropped")

FOREVER: Final = float("inf")

Needs = tuple[tuple[str, int], ...]  # (word, least level), sorted


@dataclass(frozen=True, slots=True)
class Target:
    """A service level: ``share`` of the calls (0..1) answered ``within`` so many seconds."""

    share: float
    within: float


@dataclass(frozen=True, slots=True)
class TierPolicy:
    """How one tier is queued. All in seconds, but for ``reserve``: idle seats it must leave for the tiers above."""

    scale: float
    head_start: float = 0.0
    bonus: float = 0.0
    strict: bool = False
    longest_wait: float = FOREVER
    target: Target = Target(0.8, 20.0)
    reserve: int = 0
    hold: float = 0.0


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle of seats that opens ``after`` so many seconds of waiting, by tier; earlier rings stay open."""

    name: str
    reaches: Reaches
    speaks: Speaks = "language"
    wishes: Wishes = "kept"
    after: Mapping[Tier, float] = field(default_factory=dict)

    def needs(self, caller: Caller) -> Needs:
        """What this ring asks of a seat for this caller: (word, least level), sorted."""
        found = {skill_word(skill): level for skill, level in caller.required.items()}
        if self.wishes != "dropped":
            less = 1 if self.wishes == "lowered" else 0
            for skill, level in caller.wished.items():
                word = skill_word(skill)
                if level - less > found.get(word, 0):
                    found[word] = level - less
        if self.speaks == "dialect" and caller.dialect:
            found[speech_word(caller.dialect)] = 1
        if self.speaks != "any" and caller.language:
            found[speech_word(caller.language)] = 1
        return tuple(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Lending:
    """Seats of another pool serve callers of ``to`` who have waited ``at`` (0..1) of their target's seconds.

    ``keep`` idle seats stay with the lender. A lent seat must fit what the last ring asks.
    """

    lender: str
    to: tuple[Tier, ...]
    at: float
    keep: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole policy.

    ``lease`` seconds a reservation holds; ``same_caller_pause`` seconds until a seat that refused a caller may be
    offered that caller again; ``seat_rest`` seconds until it is offered anybody; ``manager_ahead`` seconds that a
    customer counts as having waited more at the seat of the own manager; ``most_calls_a_day`` after which a seat comes
    last among those of its ring (0: no cap); ``reserve_one_of``: reserves keep at most one of so many seats at work
    idle; ``spare_specialists``: among equals the seat with the fewest skills first.
    """

    tiers: Mapping[Tier, TierPolicy]
    rings: tuple[Ring, ...]
    order: Order = "proportional"
    lending: tuple[Lending, ...] = ()
    lease: float = 25.0
    same_caller_pause: float = 60.0
    seat_rest: float = 5.0
    manager_ahead: float = 0.0
    most_calls_a_day: int = 0
    reserve_one_of: int = 1
    spare_specialists: bool = True

    def slope(self, tier: Tier) -> float:
        """How fast urgency grows, in a second."""
        return 1.0 if self.order == "additive" else 1.0 / self.tiers[tier].scale

    def start(self, tier: Tier) -> float:
        """The seconds of waiting that the tier is given on arrival."""
        return self.tiers[tier].bonus if self.order == "additive" else self.tiers[tier].head_start

    def urgency(self, tier: Tier, waited: float) -> float:
        """The urgency after waiting so many seconds."""
        return (waited + self.start(tier)) * self.slope(tier)


def skill_word(skill: str) -> str:
    """A skill as a need."""
    return f"skill {skill}"


def speech_word(language: str) -> str:
    """A language or dialect as a need."""
    return f"speaks {language}"


def strict_order(tiers: Mapping[Tier, float] | None = None) -> Policy:
    """Strict priority in one pool, without rings, limits or pauses: the textbook's queue, to compare with.

    With ``tiers`` the accumulating priority queue of these time scales instead.
    """
    if tiers is None:
        rules = {tier: TierPolicy(1.0, strict=True) for tier in TIERS}
    else:
        rules = {tier: TierPolicy(tiers.get(tier, 1.0)) for tier in TIERS}
    return Policy(rules, (Ring("anyone", "everywhere", "any", "dropped"),))
