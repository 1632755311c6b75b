"""A board as one line of JSON, for machines. Pure.

Only moments are in it, no seconds that count: two lines differ when something has changed, not because time has passed.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from ivr.wallboard.rows import Board, TierRow
from ivr.wallboard.service import Level


def told(board: Board) -> dict[str, Any]:
    """What a line tells, without its moment."""
    return {
        "links": {
            part: {"up": link.up, "since": moment(link.since)} | ({"why": link.why} if link.why else {})
            for part, link in board.links.items()
        },
        "alerts": [
            {"kind": alert.kind, "subject": alert.subject, "count": alert.count, "text": alert.text}
            for alert in board.alerts
        ],
        "tiers": {row.tier: _tier(row) for row in board.tiers},
        "waiting": [
            {
                "call": one.call,
                "number": one.number,
                "tier": one.tier,
                "joined": moment(one.joined),
                "standing": one.standing,
                "language": one.language,
                "branch": one.branch,
                "line": one.line,
                "seat": one.seat,
            }
            for one in board.waiting
        ],
        "talks": [
            {
                "call": talk.call,
                "number": talk.number,
                "tier": talk.tier,
                "agent": talk.agent,
                "seat": talk.seat,
                "began": moment(talk.began),
            }
            for talk in board.talks
        ],
        "seats": [
            {
                "seat": row.seat,
                "branch": row.branch,
                "agent": row.agent,
                "state": row.state,
                "since": moment(row.since) if row.agent else None,
                "reason": row.reason,
                "reach": row.reach,
                "leg": row.leg,
                "finding": row.finding,
            }
            for row in board.seats
        ],
    }


def line(content: Mapping[str, Any], at: float) -> str:
    """One line, without its end."""
    return json.dumps({"at": moment(at), **content}, ensure_ascii=False)


def moment(seconds: float) -> str:
    """A moment in UTC, with milliseconds."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def _tier(row: TierRow) -> dict[str, Any]:
    return {
        "waiting": row.waiting,
        "target": {"share": row.target.share, "within": row.target.within},
        "lately": _level(row.lately),
        "today": _level(row.today),
    }


def _level(level: Level) -> dict[str, Any]:
    service, abandonment = level.service, level.abandonment
    return {
        "offered": level.offered,
        "decided": level.decided,
        "in_target": level.in_target,
        "answered": level.answered,
        "abandoned": level.abandoned,
        "service_level": None if service is None else round(service, 4),
        "abandonment": None if abandonment is None else round(abandonment, 4),
    }
