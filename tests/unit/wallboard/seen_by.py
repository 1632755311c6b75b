"""Sights as tests need them: short words for a channel, a leg, a place, a session."""

from __future__ import annotations

import datetime

from agent_routing.policy_file import read as read_policy
from db.agent import Agent, Seat, Session, State
from db.customer import Branch, Tier
from ivr.queueing.news import QueueNews
from ivr.queueing.place import Place, encode
from ivr.wallboard.alerts_file import read as read_limits
from ivr.wallboard.board import board
from ivr.wallboard.picture import Picture
from ivr.wallboard.rows import Alert, Board
from ivr.wallboard.sights import Channel, LinkSeen, RosterRead, StateRead, Told

POLICY = read_policy()
LIMITS = read_limits()
# Ten in the morning of a brokerage's day: neither midnight nor half an hour is near.
NOW = datetime.datetime(2026, 11, 20, 2, 0, tzinfo=datetime.UTC).timestamp()

ROSTER = RosterRead(
    agents=(
        Agent("801", "李雷", "Li Lei", "SH01", ("zh",), (), {"licensed": 3}),
        Agent("802", "韩梅梅", "Han Meimei", "", ("zh", "en")),
    ),
    seats=(
        Seat("S1", "softphone", "801", branch="SH01"),
        Seat("S2", "softphone", "802", branch="SH01"),
        Seat("M1", "mobile", trunk="carrier", number="13800138000"),
    ),
    branches=(Branch("SH01", "上海营业部", "Shanghai"),),
    sessions=(),
)
REACHABLE = {"PJSIP/801": "NOT_INUSE", "PJSIP/802": "NOT_INUSE"}


def caller(call: str = "1.1", number: str = "13800138000", *, place: Place | None = None) -> Channel:
    return Channel(call, number, "95500", True, bridge="", place=place, since=NOW - 60)


def leg(channel: str = "1.2", seat: str = "S1", call: str = "1.1", bridge: str | None = "") -> Channel:
    return Channel(channel, "", "", bool(bridge), seat, call, bridge, since=NOW - 5)


def waiting(tier: Tier = "gold", waited: float = 10.0, **more: object) -> Place:
    return Place(NOW - waited, tier, **{"language": "zh", **more})  # type: ignore[arg-type]


def joined(call: str, place: Place) -> Told:
    news = QueueNews("wait.joined", call, tier=place.tier, joined=place.joined, place=encode(place))
    return Told(news, place.joined)


def told(kind: str, call: str = "1.1", **more: object) -> Told:
    return Told(QueueNews(kind, call, **more), NOW)  # type: ignore[arg-type]


def session(agent: str, state: State, seat: str, *, ago: float = 60.0, version: int = 1, call: str = "") -> Told:
    return Told(
        QueueNews("session.changed", call, agent, seat, state=state, since=NOW - ago, version=version), NOW - ago
    )


def at_work(agent: str = "801", state: State = "idle", seat: str = "S1", call: str = "", ago: float = 60.0) -> Session:
    since = datetime.datetime.fromtimestamp(NOW - ago, datetime.UTC)
    return Session(agent, state, since, seat, call, version=1)


def picture(*channels: Channel, devices: dict[str, str] | None = None, sessions: tuple[Session, ...] = ()) -> Picture:
    """One where all is well: Asterisk, controller and database are there, two seats, and these channels."""
    one = Picture(POLICY)
    one.take(StateRead(channels, REACHABLE if devices is None else devices, NOW - 60))
    one.take(RosterRead(ROSTER.agents, ROSTER.seats, ROSTER.branches, sessions))
    for part in ("asterisk", "controller", "database"):
        one.take(LinkSeen(part, True, NOW - 60))  # type: ignore[arg-type]
    return one


def seen(one: Picture, now: float = NOW) -> Board:
    return board(one, now, POLICY, LIMITS)


def alerts(one: Picture, now: float = NOW) -> dict[str, Alert]:
    return {alert.kind: alert for alert in seen(one, now).alerts}
