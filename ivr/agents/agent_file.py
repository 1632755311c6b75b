"""Agents as rows of a file: what each column holds, and what a whole agent must be. A PIN is never among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from db.agent import LEVELS, ROLES, STANDINGS, Agent
from db.customer import DIALECTS, LANGUAGES
from db.models import WORD
from ivr.agents import cells
from ivr.agents.record_file import Column
from ivr.customers.columns import shown
from ivr.customers.fault import CellFault
from ivr.datafile.fields import NAME as A_NAME

AGENT_ID: Final = re.compile(r"[1-9][0-9]{2,7}")  # keyed on a telephone; three digits keep off the feature codes
MOST_SKILLS: Final = 50
MOST_CALLS: Final = 1_000  # a day: one every half minute
_SKILL: Final = re.compile(r"([a-z][a-z0-9_]*):([0-9])")


def columns(branches: Collection[str]) -> tuple[Column[Agent], ...]:
    """The columns; ``branches`` are the codes that an agent may belong to."""
    return (
        Column("id", _id, lambda agent: agent.id),
        Column("name_zh", cells.name, lambda agent: agent.name_zh),
        Column("name_en", cells.name, lambda agent: agent.name_en),
        Column("branch", cells.branch(branches), lambda agent: agent.branch),
        Column("languages", cells.words("languages", LANGUAGES, least=1), lambda agent: " ".join(agent.languages)),
        Column("dialects", cells.words("dialects", DIALECTS[1:], least=0), lambda agent: " ".join(agent.dialects)),
        Column(
            "skills", _skills, lambda agent: " ".join(f"{name}:{level}" for name, level in sorted(agent.skills.items()))
        ),
        Column("role", cells.word("role", ROLES), lambda agent: agent.role),
        Column("calls_per_day", _calls, lambda agent: str(agent.calls_per_day or "")),
        Column("standing", cells.word("standing", STANDINGS), lambda agent: agent.standing),
    )


def maker(known: Mapping[str, Agent]) -> Callable[[Mapping[str, Any]], Agent]:
    """Makes whole agents: what is not said of one stays as it is ``known``."""

    def make(said: Mapping[str, Any]) -> Agent:
        agent = replace(known.get(said["id"]) or Agent(said["id"]), **said)
        if not (agent.name_zh or agent.name_en):
            raise CellFault("the agent has no name.", "Give one in at least one language.")
        return agent

    return make


def _id(cell: str) -> str:
    if not AGENT_ID.fullmatch(cell):
        raise CellFault(f"{shown(cell)} is no agent's id.", "It has 3 to 8 digits and does not begin with 0.")
    return cell


def _skills(cell: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in cell.replace(";", " ").split():
        match = _SKILL.fullmatch(part.lower())
        if not match or int(match[2]) not in LEVELS:
            raise CellFault(
                f"{shown(part)} is no skill with its level.", f"Write name:level, from {LEVELS[0]} to {LEVELS[-1]}."
            )
        if match[1] in found:
            raise CellFault(f"the skill {match[1]} stands twice.", "Keep one of them.")
        if len(match[1]) > WORD or not A_NAME.fullmatch(match[1]):
            raise CellFault(f"{shown(match[1])} is too long for a skill.", f"It has at most {WORD} characters.")
        found[match[1]] = int(match[2])
    if len(found) > MOST_SKILLS:
        raise CellFault(f"there are {len(found)} skills.", f"Keep the {MOST_SKILLS} that callers are routed by.")
    return found


def _calls(cell: str) -> int | None:
    if not cell:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", cell) or not 1 <= int(cell) <= MOST_CALLS:
        raise CellFault(f"calls_per_day cannot be {shown(cell)}.", f"Write 1 to {MOST_CALLS}, or nothing: no limit.")
    return int(cell)
