"""Who gets a line when lines are scarce: the state of a trunk group and a new call in, a decision out. Pure.

Two rules, both data, both standing for every class at once:

* *Trunk reservation*: the last lines are kept for the higher classes. A call of class c gets a line when more lines are
  free than are kept for the classes above c (J. W. Roberts, "Teletraffic models for the Telecom 1 integrated services
  network", ITC 10, 1983). Nobody is thrown out for anybody.
* *Nested limits*: at most so many calls of a class and of all classes below it together (the Russian Dolls model,
  RFC 4127 section 4). Nested, because a limit of a class alone could turn gold callers away where strangers are let in.

So whenever a lower class would get a line, a higher one would get it, too, whatever the figures are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

CallClass = Literal["others", "registered", "trading", "gold", "platinum"]
CLASSES: Final[tuple[CallClass, ...]] = ("others", "registered", "trading", "gold", "platinum")  # the lowest first
RANK: Final[Mapping[CallClass, int]] = {name: rank for rank, name in enumerate(CLASSES)}

Rule = Literal["free", "all_busy", "kept", "limit"]


@dataclass(frozen=True)
class TrunkGroup:
    """Lines that serve one another's calls.

    ``kept`` says for a class how many lines are kept for it and the classes above it; ``limits`` how many calls of it
    and of the classes below it there may be at once.
    """

    name: str
    lines: int
    kept: Mapping[CallClass, int] = field(default_factory=dict)
    limits: Mapping[CallClass, int] = field(default_factory=dict)
    must_leave: tuple[int, ...] = field(init=False, repr=False, compare=False)  # by rank: lines kept for those above
    most: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)  # (rank, limit), lowest first

    def __post_init__(self) -> None:
        must_leave = [
            max((kept for other, kept in self.kept.items() if RANK[other] > rank), default=0)
            for rank in range(len(CLASSES))
        ]
        object.__setattr__(self, "must_leave", tuple(must_leave))
        object.__setattr__(self, "most", tuple(sorted((RANK[name], most) for name, most in self.limits.items())))


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a call gets a line, and by which rule.

    ``free`` lines there were; ``bound`` is the rule's figure: lines to be left free (``kept``) or calls allowed
    (``limit``), the latter for ``of`` and all classes below.
    """

    admitted: bool
    rule: Rule
    call_class: CallClass
    free: int
    bound: int = 0
    of: CallClass | None = None

    @property
    def why(self) -> str:
        """The decision in words, for the trace."""
        match self.rule:
            case "free":
                return f"{self.call_class}: {self.free} lines free, {self.bound} to be left"
            case "all_busy":
                return f"{self.call_class}: no line is free"
            case "kept":
                return f"{self.call_class}: {self.free} lines free, the last {self.bound} are kept for higher classes"
            case "limit":
                return f"{self.call_class}: there may be {self.bound} calls of {self.of} and below, and there are"


def decide(group: TrunkGroup, up: Sequence[int], call_class: CallClass) -> Decision:
    """Whether a new call gets a line. ``up`` counts the calls that are up, by rank of their class."""
    rank = RANK[call_class]
    free = group.lines - sum(up)
    if free <= 0:  # below zero when the group was made smaller while calls were up
        return Decision(False, "all_busy", call_class, max(free, 0))
    leave = group.must_leave[rank]
    if free <= leave:
        return Decision(False, "kept", call_class, free, leave)
    for limited, most in group.most:
        if limited >= rank and sum(up[: limited + 1]) >= most:
            return Decision(False, "limit", call_class, free, most, CLASSES[limited])
    return Decision(True, "free", call_class, free, leave)
