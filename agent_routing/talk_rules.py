"""What an agent may do with a talk (``talk_rules.yaml``), checked with line and remedy. Pure but for ``read``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from db.agent import LEVELS, ROLES, Role
from ivr.datafile.checked import FileInvalid, read_checked
from ivr.datafile.fields import Fields
from ivr.datafile.problem import Problem
from ivr.datafile.source import parse

RULES_FILE: Final = Path(__file__).parent / "talk_rules.yaml"
_POSITIONS: Final = ("front", "place")
MOST_KEY: Final = 99  # a skill's key; an agent's id begins at three digits


class TalkRulesInvalid(FileInvalid):
    """The rules of talks cannot be used. The message lists every problem."""

    error_id: ClassVar[str] = "talk-rules-invalid"


@dataclass(frozen=True, slots=True)
class TalkRules:
    """``front``: a caller who is transferred comes first; else the old joining time alone counts.

    ``ring`` is for how many seconds somebody is rung whom an agent asks or transfers to; ``skills`` are those that can
    be keyed, by their keys, with the least level.
    """

    outside: frozenset[Role]
    front: bool
    ring: int
    skills: Mapping[str, tuple[str, int]]


def read(path: Path = RULES_FILE) -> TalkRules:
    """The rules in this file. Raises TalkRulesInvalid."""
    return read_checked(path, load, TalkRulesInvalid)


def load(text: str, file: str) -> tuple[TalkRules | None, list[Problem]]:
    """The rules in this text, and every problem; with problems the rules are good for nothing."""
    top, problems = parse(text, file)
    if top is None:
        return None, problems
    fields = Fields(file, top, problems)
    outside: set[Role] = set()
    for word in fields.words("outside", ()):
        if word in ROLES:
            outside.update(role for role in ROLES if role == word)
        else:
            fields.problem("outside", f"{word!r} is no role.", f"Roles are {', '.join(ROLES)}.")
    transferred = fields.text("transferred", "front")
    if transferred not in _POSITIONS:
        fields.problem("transferred", f"transferred cannot be {transferred!r}.", "Say front or place.")
    ring = round(fields.seconds("ring", "25s", 5, 120))
    skills: dict[str, tuple[str, int]] = {}
    for key, need in fields.mapping("skills", {}).items():
        name, _, level = need.partition(":")
        if not (key.isascii() and key.isdigit() and 0 < int(key) <= MOST_KEY):
            fields.problem("skills", f"{key!r} is no key.", f"Keys are 1 to {MOST_KEY}.")
        elif not (name and level.isascii() and level.isdigit() and int(level) in LEVELS):
            fields.problem("skills", f"{key}: {need!r} is no skill with a level.", 'Write "licensed:3".')
        else:
            skills[key] = (name, int(level))
    fields.done()
    return TalkRules(frozenset(outside), transferred == "front", ring, skills), sorted(problems)
