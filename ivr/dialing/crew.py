"""Which seats serve a campaign, and what each does now, for the pacer. Pure.

A customer who answers hears a person within two seconds only at a seat whose leg is kept on the line: one that must
ring first takes longer. Such seats serve agent-first modes alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from db.agent import Agent, Seat, Session
from db.attempt import is_attempt
from outbound.pacing import SeatState


@dataclass(frozen=True, slots=True)
class CrewSeat:
    """One seat of a campaign. ``since`` is when its state began, in seconds since 1970."""

    seat: str
    agent: str
    state: SeatState
    since: float
    at_once: bool  # whoever answers can be put through without ringing


def has_skills(agent: Agent, skills: Mapping[str, int]) -> bool:
    """The agent may talk for a campaign that requires these."""
    return all(agent.skills.get(skill, 0) >= level for skill, level in skills.items())


def crew(
    skills: Mapping[str, int],
    sessions: Iterable[Session],
    agents: Mapping[str, Agent],
    seats: Mapping[str, Seat],
    ready: Mapping[str, bool],
    own_calls: frozenset[str],
) -> tuple[CrewSeat, ...]:
    """The seats whose agents are at work and have the skills. ``ready``: idle seats that the queue would give a caller
    now; ``own_calls``: calls of this campaign."""
    found = []
    for session in sessions:
        agent, seat = agents.get(session.agent), seats.get(session.seat)
        if agent is None or seat is None or session.state in ("logged_out", "gone"):
            continue
        if not has_skills(agent, skills):
            continue
        state = _state(session, ready.get(seat.id, False), own_calls)
        found.append(CrewSeat(seat.id, agent.id, state, session.since.timestamp(), seat.kept_open))
    return tuple(found)


def _state(session: Session, ready: bool, own_calls: frozenset[str]) -> SeatState:
    leaves = session.next_state is not None  # a break or the log-out comes next: it takes no more calls
    match session.state:
        case "idle":
            return "idle" if ready else "away"
        case "talking":
            return "talking" if session.call in own_calls and not leaves else "away"
        case "wrap_up":
            return "wrap_up" if is_attempt(session.call) and not leaves else "away"
    return "away"
