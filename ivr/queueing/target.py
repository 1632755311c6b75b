"""Whom a caller is transferred to, or an agent asks: an agent, a skill, a branch, a number outside. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from agent_routing.talk_rules import TalkRules
from db.agent import LEVELS
from db.phone_numbers import BadNumber, canonical
from ivr.errors import GoldlineError

_KINDS: Final = ("agent", "skill", "branch", "number")
_LEAST_ID: Final = 3  # digits of an agent's id
_MOST_ID: Final = 8


class BadTarget(GoldlineError):
    """Nothing and nobody can be meant by that."""

    error_id: ClassVar[str] = "bad-target"


@dataclass(frozen=True, slots=True)
class ToAgent:
    """This agent."""

    agent: str

    def __str__(self) -> str:
        return self.agent


@dataclass(frozen=True, slots=True)
class ToSkill:
    """Whoever has this skill at this level."""

    skill: str
    level: int

    def __str__(self) -> str:
        return f"{self.skill}:{self.level}"


@dataclass(frozen=True, slots=True)
class ToBranch:
    """Somebody in this branch first."""

    branch: str

    def __str__(self) -> str:
        return self.branch


@dataclass(frozen=True, slots=True)
class ToNumber:
    """A telephone outside, in the form of ``db.phone_numbers``."""

    number: str

    def __str__(self) -> str:
        return self.number


Target = ToAgent | ToSkill | ToBranch | ToNumber


def told(body: Mapping[str, Any]) -> Target:
    """The target that a request names by exactly one of agent, skill (with level), branch, number.

    Raises BadTarget, BadNumber.
    """
    named = [kind for kind in _KINDS if body.get(kind)]
    if len(named) != 1:
        raise BadTarget("Say one of agent, skill, branch and number.", remedy="`ivr talk transfer --help` shows how.")
    word = str(body[named[0]])
    match named[0]:
        case "agent":
            return ToAgent(word)
        case "skill":
            level = body.get("level", LEVELS[0])
            if not isinstance(level, int) or level not in LEVELS:
                raise BadTarget(f"{level!r} is no level of a skill.", remedy=f"From {LEVELS[0]} to {LEVELS[-1]}.")
            return ToSkill(word, level)
        case "branch":
            return ToBranch(word)
    return ToNumber(canonical(word))


def keyed(digits: str, rules: TalkRules) -> Target:
    """The target that these keys stand for: one or two are a skill's, three to eight an agent's id, more or a leading
    nought a number outside. Raises BadTarget.
    """
    if len(digits) < _LEAST_ID:
        if digits not in rules.skills:
            raise BadTarget(f"{digits!r} is no skill's key.", remedy="talk_rules.yaml has the keys.")
        return ToSkill(*rules.skills[digits])
    if len(digits) <= _MOST_ID and not digits.startswith("0"):
        return ToAgent(digits)
    try:
        return ToNumber(canonical(digits))
    except BadNumber as error:
        raise BadTarget(error.message, remedy=error.remedy) from None
