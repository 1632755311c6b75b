"""The journal's row, before it is stored. Pure.

Every thing that happens to a call is one appended event. Its id is made where it happens, so that storing it twice is
storing it once.
"""

from __future__ import annotations

import datetime
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

# What happens to a call as a whole: these kinds are folded into its row in ``calls`` (``db.fold``).
CALL_STARTED = "call.started"  # {caller, line, language, flow, version}: what is known
CALL_ANSWERED = "call.answered"
CALL_RESUMED = "call.resumed"  # a restarted controller went on with it
CALL_RETURNED = "call.returned"  # from a seat: not folded into the row
CALL_LANGUAGE = "call.language"  # {language}
CALL_REFUSED = "call.refused"  # it got no line: whatever else happens to it, that is how it ends
CALL_ENDED = "call.ended"  # {how}
ERRAND_BEGAN = "errand.began"  # {flow}: beside the flow that waits; not folded into the row
ERRAND_ENDED = "errand.ended"  # {flow, how, proven}
CALL_KINDS: Final = frozenset({CALL_STARTED, CALL_ANSWERED, CALL_RESUMED, CALL_LANGUAGE, CALL_REFUSED, CALL_ENDED})

# What happens to a caller who wants a person. Every figure of `ivr report` is a sum over these and the agents' history.
# Seconds are rounded to a tenth, times are ISO 8601 in UTC, `agent` and `seat` are ids.
WAIT_JOINED = "wait.joined"  # {joined, tier, line, language, required, wished, branch, customer, reason, again}; again:
# not the first time in this call: a restarted controller, a talk that was cut, a transfer
WAIT_TOLD = "wait.told"  # {position, least, most}: what was announced; seconds
WAIT_LEFT = "wait.left"  # {how, waited}; how: abandoned, key, callback, limit, nobody; a talk begins without it
OFFER_MADE = "offer.made"  # {agent, seat, waited, standing, urgency, ring, words, recording}: why this seat, in words;
# recording: the name under which the talk will be recorded, if it will be
OFFER_FAILED = "offer.failed"  # {agent, seat, how, seconds}; how: no_answer, refused, busy, lost, released
TALK_BEGAN = "talk.began"  # {agent, seat, waited, tier}
TALK_ENDED = "talk.ended"  # {agent, seat, seconds, how}; how: agent, caller, cut (the line dropped), moved
TALK_MOVED = "talk.moved"  # {agent, how, to}; how: transfer, consult, conference, taken_over
SURVEY = "survey"  # {agent, score}: the caller's mark after the talk, 1 (bad) to 5
AWAY_QUEUE = "away.queue"  # {tier, seconds, how, seat}: Asterisk's own queue served the caller while no controller did;
# how: answered (by seat), abandoned, nobody (was at work), returned (to the next controller: the wait goes on)

# What happens to an attempt of a campaign, under its call's id (``db.attempt``), and to its pacing, under the id
# ``campaign-NAME``. The attempt's row, the number's state and these tell the same story (docs/dialing.md).
OUTBOUND_LEASED = "outbound.leased"  # {campaign, target, customer, number, mode}: nobody else may dial it
OUTBOUND_KEPT_BACK = "outbound.kept_back"  # {why, until}: leased, and not dialled after all
OUTBOUND_DIALLED = "outbound.dialled"  # {trunk, seat}: written down, and then told to Asterisk
OUTBOUND_ANSWERED = "outbound.answered"  # {ring}: seconds
OUTBOUND_CONNECTED = "outbound.connected"  # {agent, seconds}: from the answer to the agent, or to the notice (agent "")
OUTBOUND_ABANDONED = "outbound.abandoned"  # {seconds}: answered, and no agent in time
OUTBOUND_MACHINE = "outbound.machine"  # {who, why, seconds}: what answered is no person (outbound.machines)
OUTBOUND_ENDED = "outbound.ended"  # {outcome, cause, sip, announcement, ring, target, why, due}: what becomes of it
OUTBOUND_PACED = "outbound.paced"  # {dial, cancel, …}: so many since the last of these; the rest as PacingReason has it

# An event's id is unique over processes and machines: 80 random bits per process and a running number. A tenth of the
# cost of a random UUID, and a call makes twenty of them.
_prefix = secrets.token_hex(10)
_counter = itertools.count()
_NOTHING: Final[Mapping[str, Any]] = {}


def utcnow() -> datetime.datetime:
    """The present, timezone-aware, UTC: the one place that asks the wall clock for journal rows."""
    return datetime.datetime.now(datetime.UTC)


@dataclass(slots=True, init=False)
class Event:
    """One thing that happened. ``data`` holds JSON values only and never a secret digit.

    Neither frozen nor with default factories, each of which doubles the cost of making one: a call makes twenty.
    """

    call_id: str
    kind: str
    data: Mapping[str, Any]
    at: datetime.datetime
    id: str

    def __init__(
        self,
        call_id: str,
        kind: str,
        data: Mapping[str, Any] = _NOTHING,
        at: datetime.datetime | None = None,
        id: str = "",
    ) -> None:
        self.call_id = call_id
        self.kind = kind
        self.data = data
        self.at = at or datetime.datetime.now(datetime.UTC)
        self.id = id or f"{_prefix}{next(_counter):012x}"


class EventSink(Protocol):
    """Where events go: ``db.journal.Journal``, or a list in a test.

    ``append`` never waits and never raises for a database that is away.
    """

    def append(self, event: Event) -> None: ...
