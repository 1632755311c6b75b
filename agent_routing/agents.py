"""What an agent at a seat may do next: the state machine of sessions. Pure: no store, no clock, no telephone.

    logged_out → idle → reserved → ringing → talking → wrap_up → idle
    idle, wrap_up → paused → idle          a pause wished for during a call begins after it
    any but logged_out → gone → …          the seat was lost; it comes back, or its agent is logged out

``step`` takes a session and an event and gives the session after it, the line for the history, and what becomes of the
caller. What a state does not allow is refused with NotAllowed, which names the state and the remedy. Whether a reason
for a pause exists is asked before (``agent_routing.pause_reasons``).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

from agent_routing.pause_reasons import MISSED
from agent_routing.seat_times import SeatTimes
from db.agent import OFFERED, WITH_CALL, Role, Session, State, StateChange
from db.audit import AuditEntry
from ivr.errors import GoldlineError

GOLDLINE: Final = "goldline"  # the actor of what nobody did by hand

# What becomes of the caller: nothing; the old place in the queue; the front of it, because the talk was cut.
CallerFate = Literal["none", "keeps_place", "front_of_queue"]
MissedHow = Literal["no_answer", "refused", "busy", "lost"]  # lost: Asterisk has no such ringing; not the agent's doing
Power = Role | Literal["operator"]  # operator: whoever has the command line of the machine


class NotAllowed(GoldlineError):
    """The agent's state does not allow it."""

    error_id: ClassVar[str] = "agent-not-allowed"


class RoleNotAllowed(GoldlineError):
    """Only a supervisor may do this to another agent."""

    error_id: ClassVar[str] = "agent-role-not-allowed"


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogIn:
    """The agent sits down at this seat."""

    seat: str


@dataclass(frozen=True, slots=True)
class LogOut:
    """The agent goes."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """The engine chose this agent for this call. In the store this is ``AgentSessions.reserve``."""

    call: str


@dataclass(frozen=True, slots=True)
class Release:
    """The offer is taken back: the caller hung up, or goes elsewhere."""

    call: str


@dataclass(frozen=True, slots=True)
class Ring:
    """The seat rings."""

    call: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The agent has taken the call, with the key where one is asked for."""

    call: str


@dataclass(frozen=True, slots=True)
class Missed:
    """The offer came to nothing; the caller still waits."""

    call: str
    how: MissedHow


@dataclass(frozen=True, slots=True)
class HangUp:
    """The talk is over."""

    call: str


@dataclass(frozen=True, slots=True)
class MoreTime:
    """The agent needs longer to wrap up."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The agent has wrapped up before the time is over."""


@dataclass(frozen=True, slots=True)
class Pause:
    """The agent takes no calls from now on."""

    reason: str


@dataclass(frozen=True, slots=True)
class PauseAfter:
    """… from the end of this call on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """The agent takes calls again; a pause that has not begun does not begin."""


@dataclass(frozen=True, slots=True)
class SeatLost:
    """The seat cannot be rung any more, or its line dropped. ``what``: unregistered, unreachable, line_dropped, …"""

    what: str


@dataclass(frozen=True, slots=True)
class SeatBack:
    """The seat can be rung again."""


@dataclass(frozen=True, slots=True)
class FoundTalking:
    """Asterisk has the seat in this call, whatever we believed."""

    call: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The time of this state is over."""


Event = (
    LogIn
    | LogOut
    | Reserve
    | Release
    | Ring
    | Answer
    | Missed
    | HangUp
    | MoreTime
    | Ready
    | Pause
    | PauseAfter
    | Resume
    | SeatLost
    | SeatBack
    | FoundTalking
    | Expired
)

# The event's name in the history; a missed call goes by how it was missed.
WHY: Final[Mapping[type[Event], str]] = {
    LogIn: "log_in",
    LogOut: "log_out",
    Reserve: "reserve",
    Release: "release",
    Ring: "ring",
    Answer: "answer",
    HangUp: "hang_up",
    MoreTime: "more_time",
    Ready: "ready",
    Pause: "pause",
    PauseAfter: "pause_after",
    Resume: "resume",
    SeatLost: "seat_lost",
    SeatBack: "seat_back",
    FoundTalking: "found_talking",
    Expired: "expired",
}
# Whose act it is: an agent's own; everything else is Goldline's.
_OWN_ACTS: Final = frozenset((LogIn, LogOut, Answer, MoreTime, Ready, Pause, PauseAfter, Resume))

Forceable = LogIn | LogOut | Pause | Resume
_MAY_FORCE: Final[Mapping[type[Forceable], frozenset[Power]]] = {
    LogIn: frozenset(("operator",)),  # nobody sits an agent down but who can ask them to
    LogOut: frozenset(("supervisor", "operator")),
    Pause: frozenset(("supervisor", "operator")),
    Resume: frozenset(("supervisor", "operator")),
}
_FORCED: Final[Mapping[type[Forceable], str]] = {
    LogIn: "agent.logged_in",
    LogOut: "agent.logged_out",
    Pause: "agent.paused",
    Resume: "agent.resumed",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What an event makes of a session. ``change`` is None while the state goes on (more time, a pause to come)."""

    session: Session
    change: StateChange | None
    caller: CallerFate = "none"
    audit: tuple[AuditEntry, ...] = ()


def logged_out(agent: str, now: datetime.datetime) -> Session:
    """The session of an agent who has never logged in."""
    return Session(agent, "logged_out", now)


def ends_at(session: Session, times: SeatTimes) -> datetime.datetime | None:
    """When this state is over by itself or stuck; None: it may go on for ever."""
    if session.until is not None:
        return session.until
    longest = times.longest.get(session.state)
    return None if longest is None else session.since + longest


def step(session: Session, event: Event, now: datetime.datetime, times: SeatTimes) -> Step:
    """What ``event`` makes of ``session`` at ``now`` (aware). Raises NotAllowed."""
    actor = session.agent if type(event) in _OWN_ACTS else GOLDLINE
    return _done(session, event, _after(session, event, now, times), now, actor)


def force(
    session: Session, event: Forceable, now: datetime.datetime, times: SeatTimes, *, actor: str, power: Power
) -> Step:
    """The same, done to an agent by somebody else, with an entry for the audit trail.

    In the middle of a call the caller is never cut off: the pause or log-out comes after it. Raises RoleNotAllowed,
    NotAllowed.
    """
    if power not in _MAY_FORCE[type(event)]:
        raise RoleNotAllowed(
            f"{actor} is {power} and may not do this to agent {session.agent}.",
            remedy=f"Ask: {' or '.join(sorted(_MAY_FORCE[type(event)]))}.",
        )
    if session.state in WITH_CALL and isinstance(event, Pause):
        after = replace(session, next_state="paused", next_reason=event.reason)
    elif session.state in WITH_CALL and isinstance(event, LogOut):
        after = replace(session, next_state="logged_out", next_reason="")
    elif session.state in WITH_CALL and isinstance(event, Resume) and session.next_state:
        after = replace(session, next_state=None, next_reason="")
    else:
        after = _after(session, event, now, times)
    data = {"agent": session.agent, "from": session.state, "to": after.state, "power": power}
    if after.next_state:
        data["next"] = after.next_state
    if reason := (after.reason or after.next_reason):
        data["reason"] = reason
    if after.seat or session.seat:
        data["seat"] = after.seat or session.seat
    entry = AuditEntry(actor, _FORCED[type(event)], data=data, at=now)
    return replace(_done(session, event, after, now, actor), audit=(entry,))


def _done(session: Session, event: Event, after: Session, now: datetime.datetime, actor: str) -> Step:
    after = replace(after, version=session.version + 1)
    fate = _fate(session, event)
    same = (session.state, session.reason, session.call) == (after.state, after.reason, after.call)
    if same:
        return Step(after, None, fate)
    # A clock that was set back gives no interval of negative length.
    at = max(now, session.since)
    change = StateChange(
        agent=session.agent,
        seat=session.seat or after.seat,
        since=session.since,
        at=at,
        from_state=session.state,
        to_state=after.state,
        why=event.how if isinstance(event, Missed) else WHY[type(event)],
        actor=actor,
        call=after.call or session.call,
        from_reason=session.reason,
        to_reason=after.reason,
    )
    return Step(replace(after, since=at), change, fate)


def _fate(session: Session, event: Event) -> CallerFate:
    if isinstance(event, SeatLost) and session.state == "talking":
        return "front_of_queue"
    if session.state in OFFERED and isinstance(event, SeatLost | Missed | Expired):
        return "keeps_place"
    return "none"


# --- the moves --------------------------------------------------------------------------------------------------------

Move = Callable[[Session, Any, datetime.datetime, SeatTimes], Session]


def _after(session: Session, event: Event, now: datetime.datetime, times: SeatTimes) -> Session:
    move = MOVES.get(type(event), {}).get(session.state)
    if move is None:
        raise _refusal(session, event)
    call = getattr(event, "call", None)
    if call is not None and session.call and call != session.call and not isinstance(event, FoundTalking):
        raise NotAllowed(
            f"Agent {session.agent} is {session.state} with another call than {call}.",
            remedy="The event came late: leave it.",
        )
    return move(session, event, now, times)


def _log_in(session: Session, event: LogIn, _now: datetime.datetime, _times: SeatTimes) -> Session:
    return Session(session.agent, "idle", session.since, event.seat)


def _log_out(session: Session, _event: Event, _now: datetime.datetime, _times: SeatTimes) -> Session:
    return Session(session.agent, "logged_out", session.since)


def _reserve(session: Session, event: Reserve, now: datetime.datetime, times: SeatTimes) -> Session:
    return replace(session, state="reserved", call=event.call, until=now + times.longest["reserved"])


def _ring(session: Session, _event: Ring, now: datetime.datetime, times: SeatTimes) -> Session:
    return replace(session, state="ringing", until=now + times.longest["ringing"])


def _answer(session: Session, _event: Answer, _now: datetime.datetime, _times: SeatTimes) -> Session:
    return replace(session, state="talking", until=None, missed=0)


def _missed(session: Session, event: Missed, _now: datetime.datetime, times: SeatTimes) -> Session:
    missed = session.missed + (event.how != "lost")
    if session.next_state is None and missed >= times.missed_in_a_row:
        return _paused(replace(session, missed=0), MISSED)
    return _free(replace(session, missed=missed))


def _release(session: Session, _event: Event, _now: datetime.datetime, _times: SeatTimes) -> Session:
    return _free(session)


def _hang_up(session: Session, _event: Event, now: datetime.datetime, times: SeatTimes) -> Session:
    return _wrap_up(session, now, times)


def _wrap_up(session: Session, now: datetime.datetime, times: SeatTimes) -> Session:
    if not times.wrap_up:
        return _free(session)
    return replace(session, state="wrap_up", until=now + times.wrap_up, reason="")


def _more_time(session: Session, _event: MoreTime, now: datetime.datetime, times: SeatTimes) -> Session:
    most = session.since + times.wrap_up_most
    until = min(max(session.until or now, now) + times.more_time, most)
    if session.until is not None and until <= session.until:
        raise NotAllowed(
            f"Agent {session.agent} has had the longest time for wrap-up.",
            remedy="Pause with a reason instead; `wrap_up_most` in seat_times.yaml is the limit.",
        )
    return replace(session, until=until)


def _ready(session: Session, _event: Event, _now: datetime.datetime, _times: SeatTimes) -> Session:
    return _free(session)


def _pause(session: Session, event: Pause, _now: datetime.datetime, _times: SeatTimes) -> Session:
    if session.state == "paused" and session.reason == event.reason:
        raise NotAllowed(f"Agent {session.agent} is paused with {event.reason} already.", remedy="Resume, or leave it.")
    _refuse_while_going(session)
    return _paused(session, event.reason)


def _pause_after(session: Session, event: PauseAfter, _now: datetime.datetime, _times: SeatTimes) -> Session:
    _refuse_while_going(session)
    return replace(session, next_state="paused", next_reason=event.reason)


def _resume(session: Session, _event: Resume, _now: datetime.datetime, _times: SeatTimes) -> Session:
    return _idle(replace(session, missed=0))


def _keep_on(session: Session, event: Resume, _now: datetime.datetime, _times: SeatTimes) -> Session:
    _refuse_while_going(session)
    if session.next_state is None:
        raise _refusal(session, event)
    return replace(session, next_state=None, next_reason="")


def _lose(session: Session, event: SeatLost, _now: datetime.datetime, _times: SeatTimes) -> Session:
    if session.next_state == "logged_out":
        return Session(session.agent, "logged_out", session.since)
    next_state, next_reason = session.next_state, session.next_reason
    if session.state == "paused":
        next_state, next_reason = "paused", session.reason
    elif next_state is None and session.state in ("talking", "wrap_up"):
        next_state = "wrap_up"  # whoever was cut off still has the talk to note down
    call = session.call if session.state in ("talking", "wrap_up") else ""
    return replace(
        session,
        state="gone",
        reason=event.what,
        call=call,
        until=None,
        next_state=next_state,
        next_reason=next_reason,
    )


def _come_back(session: Session, _event: SeatBack, now: datetime.datetime, times: SeatTimes) -> Session:
    if session.next_state == "wrap_up":
        return _wrap_up(replace(session, next_state=None), now, times)
    return _free(session)


def _found_talking(session: Session, event: FoundTalking, _now: datetime.datetime, _times: SeatTimes) -> Session:
    if session.state == "talking" and session.call == event.call:
        raise NotAllowed(f"Agent {session.agent} is talking in that call already.", remedy="There is nothing to mend.")
    next_state, next_reason = session.next_state, session.next_reason
    if session.state == "paused":
        next_state, next_reason = "paused", session.reason
    elif next_state == "wrap_up":
        next_state = None  # it comes by itself
    return replace(
        session,
        state="talking",
        call=event.call,
        until=None,
        reason="",
        next_state=next_state,
        next_reason=next_reason,
        missed=0,
    )


def _expire(move: Move) -> Move:
    """``move``, but only once the time is over: a session seen late may have got more of it."""

    def when_over(session: Session, event: Expired, now: datetime.datetime, times: SeatTimes) -> Session:
        ends = ends_at(session, times)
        if ends is None or now < ends:
            raise NotAllowed(
                f"Agent {session.agent} may be {session.state} for longer.", remedy="Look again when the time is over."
            )
        return move(session, event, now, times)

    return when_over


def _free(session: Session) -> Session:
    """After the call, the offer or the loss: what was wished for meanwhile, or idle."""
    if session.next_state == "logged_out":
        return Session(session.agent, "logged_out", session.since)
    if session.next_state == "paused":
        return _paused(session, session.next_reason)
    return _idle(session)


def _idle(session: Session) -> Session:
    return Session(session.agent, "idle", session.since, session.seat, missed=session.missed)


def _paused(session: Session, reason: str) -> Session:
    return Session(session.agent, "paused", session.since, session.seat, reason=reason, missed=session.missed)


def _refuse_while_going(session: Session) -> None:
    if session.next_state == "logged_out":
        raise NotAllowed(
            f"A supervisor logs agent {session.agent} out after this call.", remedy="Ask the supervisor to resume you."
        )


def _each(move: Move, *states: State) -> dict[State, Move]:
    return dict.fromkeys(states, move)


# Which events which states take. Everything else is refused.
MOVES: Final[Mapping[type[Event], Mapping[State, Move]]] = {
    LogIn: _each(_log_in, "logged_out"),
    LogOut: _each(_log_out, "idle", "wrap_up", "paused", "gone"),
    Reserve: _each(_reserve, "idle"),
    Release: _each(_release, "reserved", "ringing"),
    Ring: _each(_ring, "reserved"),
    Answer: _each(_answer, "ringing"),
    Missed: _each(_missed, "reserved", "ringing"),
    HangUp: _each(_hang_up, "talking"),
    MoreTime: _each(_more_time, "wrap_up"),
    Ready: _each(_ready, "wrap_up"),
    Pause: _each(_pause, "idle", "wrap_up", "paused"),
    PauseAfter: _each(_pause_after, "reserved", "ringing", "talking", "wrap_up"),
    Resume: _each(_resume, "paused", "gone") | _each(_keep_on, "reserved", "ringing", "talking", "wrap_up"),
    SeatLost: _each(_lose, "idle", "reserved", "ringing", "talking", "wrap_up", "paused"),
    SeatBack: _each(_come_back, "gone"),
    FoundTalking: _each(_found_talking, "idle", "reserved", "ringing", "talking", "wrap_up", "paused", "gone"),
    Expired: _each(_expire(_release), "reserved", "ringing", "wrap_up")
    | _each(_expire(_hang_up), "talking")
    | _each(_expire(_log_out), "paused", "gone"),
}

_CANNOT: Final[Mapping[type[Event], str]] = {
    LogIn: "log in",
    LogOut: "log out",
    Reserve: "be reserved",
    Release: "be released",
    Ring: "be rung",
    Answer: "answer",
    Missed: "miss a call",
    HangUp: "hang up",
    MoreTime: "have more time",
    Ready: "end the wrap-up",
    Pause: "pause",
    PauseAfter: "pause after the call",
    Resume: "resume",
    SeatLost: "lose the seat",
    SeatBack: "get the seat back",
    FoundTalking: "be in a talk",
    Expired: "stay too long",
}
_REMEDIES: Final[Mapping[State, str]] = {
    "logged_out": "Log in at a seat first.",
    "idle": "There is no call: reserve the agent for one first.",
    "reserved": "Wait for the ring, or release the call.",
    "ringing": "Answer the call, or let it ring out.",
    "talking": "End the call first.",
    "wrap_up": "Say ready, or wait for the end of the wrap-up.",
    "paused": "Resume first.",
    "gone": "Bring the seat back, or log out.",
}
_BETTER: Final[Mapping[tuple[type[Event], State], str]] = {
    (Pause, "reserved"): "Pause after this call instead.",
    (Pause, "ringing"): "Pause after this call instead.",
    (Pause, "talking"): "Pause after this call instead.",
    (PauseAfter, "idle"): "There is no call: pause at once.",
    (PauseAfter, "paused"): "There is no call: the agent is paused already.",
    (Resume, "idle"): "The agent takes calls already.",
    (Resume, "reserved"): "The agent takes calls already.",
    (Resume, "ringing"): "The agent takes calls already.",
    (Resume, "talking"): "The agent takes calls already.",
    (Resume, "wrap_up"): "Say ready to end the wrap-up.",
    (MoreTime, "idle"): "The wrap-up is over: pause with a reason.",
    (LogOut, "logged_out"): "There is nothing to do.",
    **{(LogIn, state): "Log out first." for state in _REMEDIES if state != "logged_out"},
}


def _refusal(session: Session, event: Event) -> NotAllowed:
    where = f" at seat {session.seat}" if session.seat else ""
    return NotAllowed(
        f"Agent {session.agent} is {session.state}{where} and cannot {_CANNOT[type(event)]}.",
        remedy=_BETTER.get((type(event), session.state), _REMEDIES[session.state]),
    )
