"""How an attempt ended, in one word, from all that was seen of the dial. Pure.

Asterisk's own words are too coarse: OriginateResponse says Reason 0 to an unallocated number and to a broken trunk, and
one cause stands for several SIP codes (21 is 401, 403, 407 and 603). So a dial is judged by, in this order: what
happened after the answer, what an announcement in the early media said, whether we took it back, and only then by the
SIP code, the cause and Originate's reason, with the tables of ``outbound.causes``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, Protocol, get_args

from db.customer import PhoneState

Outcome = Literal[
    "reached",
    "abandoned",
    "hung_up",
    "machine",
    "fax",
    "busy",
    "no_answer",
    "refused",
    "unallocated",
    "stopped",
    "switched_off",
    "out_of_reach",
    "cancelled",
    "network",
    "unknown",
]
AfterAnswer = Literal["", "agent", "notice", "safe_harbour", "machine", "fax", "announcement"]

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
# What the table may say of a dial that nobody answered, and of those what an announcement can say.
UNANSWERED: Final[tuple[Outcome, ...]] = (
    "busy",
    "no_answer",
    "refused",
    "unallocated",
    "stopped",
    "switched_off",
    "out_of_reach",
    "network",
)
# (``machine``: a carrier's voicemail, which is recognised like any other recording.)
ANNOUNCED: Final[tuple[Outcome, ...]] = (*(outcome for outcome in UNANSWERED if outcome != "refused"), "machine")

# Who answers and has no agent by then was abandoned: 16 CFR 310.4(b)(4)(iii) gives two seconds from the end of the
# customer's greeting, Ofcom (persistent misuse, 2016) two from the answer. The answer is the stricter of the two.
AGENT_WITHIN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What an outcome means to those who count, retry and report."""

    zh: str
    en: str
    answered: bool  # somebody or something took the call
    live: bool  # a person did: these are what the abandonment rate is a share of
    attempt: (
        bool  # it counts towards the caps on attempts on the customer and the number: their telephone may have rung
    )
    phone: PhoneState | None  # what the number has turned out to be; None: it says nothing that is to be kept
    next_number: bool  # this number is of no use now: the customer's next one may be dialled at once


FACTS: Final[Mapping[Outcome, Facts]] = MappingProxyType(
    {
        "reached": Facts("已接通", "reached", True, True, True, "good", False),
        "abandoned": Facts("接通后无座席", "abandoned: no agent in time", True, True, True, "good", False),
        "hung_up": Facts("接通即挂断", "hung up at once", True, True, True, "good", False),
        "machine": Facts("语音信箱", "machine", True, False, True, "good", True),
        "fax": Facts("传真机", "fax", True, False, True, None, True),
        "busy": Facts("占线", "busy", False, False, True, "good", False),
        "no_answer": Facts("无人接听", "no answer", False, False, True, None, False),
        "refused": Facts("拒接", "call refused", False, False, True, "good", False),
        # These three say that no telephone rang: the customer was not disturbed. Arrears are paid one day, numbers are
        # given to others; what comes of it is for the retry rules to say.
        "unallocated": Facts("空号", "unallocated number", False, False, False, "unallocated", True),
        "stopped": Facts("停机", "number out of service", False, False, False, "stopped", True),
        "network": Facts("网络故障", "network failure", False, False, False, None, False),
        # Carriers tell the subscriber by SMS of calls that came while the telephone was off (来电提醒): it counts.
        "switched_off": Facts("关机", "switched off", False, False, True, "switched_off", True),
        "out_of_reach": Facts("不在服务区", "out of reach", False, False, True, None, True),
        "cancelled": Facts("未接即取消", "taken back while ringing", False, False, True, None, False),
        "unknown": Facts("结果不明", "end not seen", False, False, True, None, False),
    }
)


@dataclass(frozen=True, slots=True)
class EndOfDial:
    """All that was seen of one dial that is over. What was not seen keeps its default."""

    trunk: str = ""
    cause: int = 0  # Q.850, of AMI's Hangup; 0: none
    sip: int = 0  # the final SIP code, ``sip_code`` of Hangup's TechCause; 0: none
    reason: int | None = (
        None  # of AMI's OriginateResponse: 0 failed, 1 hung up, 3 rang out, 4 answered, 5 busy, 8 congested
    )
    rang: bool = False  # 180, or a ring tone or music in the early media: a telephone was there
    heard: Outcome | None = None  # what an announcement in the early media said (one of ANNOUNCED)
    cancelled: bool = False  # we took it back while it rang
    lost: bool = False  # nobody saw it end: Asterisk or the controller died
    answered: bool = False
    for_agent: bool = True  # False: an automatic call, which needs no agent
    then: AfterAnswer = ""  # the furthest that it came after the answer
    answered_seconds: float = 0.0  # from the answer to an agent, the safe-harbour message, or the end


class SayOutcome(Protocol):
    """The tables of codes (``outbound.causes.Causes``)."""

    def of(self, trunk: str, sip: int, cause: int, rang: bool) -> Outcome | None:
        """What SIP code and cause say on this trunk; None when they say nothing."""


def outcome_of(seen: EndOfDial, causes: SayOutcome) -> Outcome:
    """How it ended."""
    if seen.answered:
        return _after_answer(seen)
    if seen.heard is not None:
        return "no_answer" if seen.heard == "machine" else seen.heard
    if seen.cancelled:
        return "cancelled"
    if seen.reason == RANG_OUT:
        return "no_answer"  # our own time ran out: the code is that of our own CANCEL
    said = causes.of(seen.trunk, seen.sip, seen.cause, seen.rang)
    if said is not None:
        return said
    if seen.lost:
        return "unknown"
    if seen.reason == BUSY:
        return "busy"
    if seen.rang:
        return "no_answer"  # it rang, and ended with nothing that says why
    return "unknown" if seen.reason is None and not seen.cause and not seen.sip else "network"


RANG_OUT: Final = 3  # Originate's reasons are AST_CONTROL_* of frame.h
BUSY: Final = 5


def _after_answer(seen: EndOfDial) -> Outcome:
    match seen.then:
        case "agent" | "notice":
            return "reached"
        case "safe_harbour":
            return "abandoned"
        case "machine":
            return "machine"
        case "fax":
            return "fax"
        case "announcement":  # some gateways answer, and then say 空号
            return seen.heard or "machine"
    if not seen.for_agent:
        return "unknown" if seen.lost else "hung_up"
    # Whoever answered and got nobody, because we died or because nobody was free, was abandoned.
    return "abandoned" if seen.lost or seen.answered_seconds > AGENT_WITHIN_SECONDS else "hung_up"


def phone_state_after(outcome: Outcome, before: PhoneState) -> PhoneState:
    """What the number is from now on. Somebody else's telephone stays that: only a person can say otherwise."""
    found = FACTS[outcome].phone
    if found is None or before == "wrong_person":
        return before
    return found


def sip_code(tech_cause: str) -> int:
    """The SIP code in what AMI's Hangup calls TechCause: ``404``, or ``SIP 404 Not Found``; 0 when there is none.

    A Reason header (RFC 3326) leaves ``SIP cause=20;…`` there, which is no SIP code; its cause is the Hangup's.
    """
    match = _SIP_CODE.match(tech_cause)
    return int(match[1]) if match else 0


_SIP_CODE: Final = re.compile(r"\s*(?:SIP\s+)?([1-6]\d\d)\b")
