"""What the controller tells onlookers of the queue: one AMI UserEvent for each thing that happens. Pure.

``headers`` makes the event, ``read`` takes it apart again: neither side writes a header's name by hand. Whoever has
AMI's ``user`` right can send such an event, so what is not right in every part is no news. Must not know: AMI itself,
who listens, what it is shown as.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from db.agent import STATES, State
from db.customer import TIERS, Tier
from db.events import OFFER_FAILED, OFFER_MADE, TALK_BEGAN, TALK_ENDED, WAIT_JOINED, WAIT_LEFT
from ivr.contract import (
    USER_EVENT,
    USER_EVENT_AGENT,
    USER_EVENT_CALL,
    USER_EVENT_HOW,
    USER_EVENT_JOINED,
    USER_EVENT_KIND,
    USER_EVENT_PLACE,
    USER_EVENT_REASON,
    USER_EVENT_SEAT,
    USER_EVENT_SESSION,
    USER_EVENT_SINCE,
    USER_EVENT_STATE,
    USER_EVENT_TIER,
    USER_EVENT_VERSION,
    USER_EVENT_WAITED,
)

KINDS: Final = frozenset((WAIT_JOINED, WAIT_LEFT, OFFER_MADE, OFFER_FAILED, TALK_BEGAN, TALK_ENDED, USER_EVENT_SESSION))
_LONGEST_WORD: Final = 200  # characters of an id or a reason; AMI's own limit of a line is 1,024 bytes

T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class QueueNews:
    """One thing that happened. What a kind does not need stays empty; ``docs/monitor.md`` has the table.

    ``joined`` and ``since`` are in seconds since 1970, ``waited`` in seconds; ``place`` is the text of VAR_WAIT.
    """

    kind: str
    call: str = ""
    agent: str = ""
    seat: str = ""
    tier: Tier | None = None
    joined: float | None = None
    state: State | None = None
    since: float | None = None
    reason: str = ""
    version: int | None = None
    how: str = ""
    waited: float | None = None
    place: str = ""


def headers(news: QueueNews) -> dict[str, str]:
    """The headers of the AMI action ``UserEvent`` that tells it; what is empty is left out."""
    told = {
        "UserEvent": USER_EVENT,
        USER_EVENT_KIND: news.kind,
        USER_EVENT_CALL: news.call,
        USER_EVENT_AGENT: news.agent,
        USER_EVENT_SEAT: news.seat,
        USER_EVENT_TIER: news.tier or "",
        USER_EVENT_JOINED: "" if news.joined is None else f"{news.joined:.3f}",
        USER_EVENT_STATE: news.state or "",
        USER_EVENT_SINCE: "" if news.since is None else f"{news.since:.3f}",
        USER_EVENT_REASON: news.reason,
        USER_EVENT_VERSION: "" if news.version is None else str(news.version),
        USER_EVENT_HOW: news.how,
        USER_EVENT_WAITED: "" if news.waited is None else f"{news.waited:.1f}",
        USER_EVENT_PLACE: news.place,
    }
    return {name: value for name, value in told.items() if value}


def read(event: Mapping[str, Any]) -> QueueNews | None:
    """The news in an AMI event; None for any other event and for one that is wrong in any part."""
    if event.get("Event") != "UserEvent" or event.get("UserEvent") != USER_EVENT:
        return None
    try:
        news = QueueNews(
            kind=_word(event, USER_EVENT_KIND),
            call=_word(event, USER_EVENT_CALL),
            agent=_word(event, USER_EVENT_AGENT),
            seat=_word(event, USER_EVENT_SEAT),
            tier=_one_of(event, USER_EVENT_TIER, TIERS),
            joined=_seconds(event, USER_EVENT_JOINED),
            state=_one_of(event, USER_EVENT_STATE, STATES),
            since=_seconds(event, USER_EVENT_SINCE),
            reason=_word(event, USER_EVENT_REASON),
            version=_whole(event, USER_EVENT_VERSION),
            how=_word(event, USER_EVENT_HOW),
            waited=_seconds(event, USER_EVENT_WAITED),
            place=str(event.get(USER_EVENT_PLACE, "")),
        )
    except ValueError:
        return None
    return news if news.kind in KINDS else None


def _word(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_WORD or not value.isprintable():
        raise ValueError(name)
    return value


def _one_of(event: Mapping[str, Any], name: str, words: tuple[T, ...]) -> T | None:
    value = _word(event, name)
    if not value:
        return None
    for word in words:
        if word == value:
            return word
    raise ValueError(name)


def _seconds(event: Mapping[str, Any], name: str) -> float | None:
    value = _word(event, name)
    if not value:
        return None
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(name)
    return seconds


def _whole(event: Mapping[str, Any], name: str) -> int | None:
    value = _word(event, name)
    if value and not (value.isascii() and value.isdigit()):
        raise ValueError(name)
    return int(value) if value else None
