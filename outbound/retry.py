"""Which number of a target is dialled next, and what becomes of the target after an attempt. Pure.

A number that is of no use (unallocated, a fax) gives way to the customer's next one; who was tried as often as may be,
or has no number left, goes to the branch's list, where people see to it (``by_hand``).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from db.attempt import PastDial
from db.customer import Phone, PhoneState
from db.dial_facts import DialFacts
from db.outbound_states import RANKS
from db.target import Target, TargetMove
from outbound.campaign import Campaign
from outbound.hours import Clock
from outbound.outcomes import FACTS, Outcome
from outbound.rules import Candidate, NotBefore, Now, Rules, Why, facts_of, verdict
from outbound.settling import APPOINTMENT

LAST_DAY: Final = "last_day"  # in a target's data: the last day on which the call is of use to it
CONSENT: Final = "consent"  # … the evidence of its customer's consent
NO_NUMBER: Final = "no_number"
PAIR: Final = 2  # attempts at one number before the customer's next one is tried
# Of several reasons why none of the numbers may be dialled, the one that says most.
_GRAVEST: Final[tuple[Why, ...]] = (
    "do_not_call",
    "no_consent",
    "campaign_in_all",
    "campaign_over",
    "too_late",
    "hours",
    "number_state",
)


@dataclass(frozen=True, slots=True)
class Dial:
    """This number may be dialled now; ``rank`` is its place among the customer's."""

    phone: Phone
    rank: int


Choice = Dial | TargetMove


def choose(
    now: datetime.datetime,
    rules: Rules,
    campaign: Campaign,
    facts: DialFacts,
    *,
    ends_at: datetime.datetime,
    clock: Clock,
    reserved: bool = False,
) -> Choice:
    """The number of the target to dial now, or what becomes of the target instead: put off, or closed.

    ``reserved``: an agent is held for this call before it is made.
    """
    target = facts.target
    waits: list[NotBefore] = []
    never: list[Why] = []
    for rank, phone in _in_turn(facts):
        if not phone.number.startswith("+"):
            never.append("number_state")  # an extension of ours, a service number: nobody's telephone
            continue
        said = verdict(now, rules, campaign, _candidate(facts, phone, ends_at, reserved), clock)
        if isinstance(said, Now):
            return Dial(phone, rank)
        if isinstance(said, NotBefore):
            waits.append(said)
        else:
            never.append(said.why)
    if waits:
        first = min(waits, key=lambda one: one.at)
        return TargetMove("waiting", target.why if target.why == APPOINTMENT else first.why, first.at)
    return _closed(campaign, target, min(never, key=_GRAVEST.index, default=None))


def after_attempt(
    now: datetime.datetime,
    rules: Rules,
    campaign: Campaign,
    facts: DialFacts,
    outcome: Outcome,
    *,
    number: str,
    ends_at: datetime.datetime,
    clock: Clock,
) -> TargetMove:
    """What becomes of the target, now that an attempt at ``number`` has ended so.

    ``facts`` as they were read for the attempt; its own dial is taken in here. ``reached`` closes the target: the
    disposition of the talk, or of the notice, may say otherwise (``outbound.dispositions``).
    """
    if outcome == "reached":
        return TargetMove("reached", "reached")
    target = facts.target
    dialled = PastDial(number, target.customer, target.campaign, target.id, now, outcome, outcome == "abandoned")
    earlier = [dial for dial in facts.past if not (dial.number == number and not dial.outcome)]
    found = FACTS[outcome].phone
    phones = tuple(
        replace(phone, state=found)
        if phone.number == number and found is not None and phone.state != "wrong_person"
        else phone
        for phone in facts.phones
    )
    after = replace(facts, past=(*earlier, dialled), phones=phones)
    pause = campaign.after[outcome]
    if pause is None:
        after = replace(after, phones=tuple(phone for phone in phones if phone.number != number))
    at = now if pause is None or (FACTS[outcome].next_number and len(after.phones) > 1) else now + pause
    guaranteed = outcome == "abandoned"
    chosen = choose(at, rules, campaign, after, ends_at=ends_at, clock=clock, reserved=guaranteed or target.guaranteed)
    if isinstance(chosen, TargetMove) and chosen.state != "waiting":
        return chosen
    due = at if isinstance(chosen, Dial) else chosen.due_at
    # Whoever was promised a call is promised it still; an agreed time that has passed binds nobody else.
    why = APPOINTMENT if target.why == APPOINTMENT and not guaranteed and pause is not None else outcome
    return TargetMove("waiting", why, due, rank=again(target.rank), guaranteed=True if guaranteed else None)


def first_rank(order: int) -> int:
    """The rank of a new target that is dialled in this turn: 0 (platinum, say) to 4."""
    return min(2 * order + 1, RANKS - 1)


def again(rank: int) -> int:
    """The rank of a target that is tried again: ahead of the new ones of its turn."""
    return rank - rank % 2


def _in_turn(facts: DialFacts) -> list[tuple[int, Phone]]:
    """The target's numbers with their rank, in the order in which they are tried."""
    phones = [
        (rank, phone if facts.target.customer is not None else Phone(phone.number, _state(phone.number, facts.past)))
        for rank, phone in enumerate(facts.phones)
    ]
    return sorted(phones, key=lambda one: (_tried(one[1].number, facts) // PAIR, one[0]))


def _tried(number: str, facts: DialFacts) -> int:
    """How much this target was tried at this number: a number that was of no use counts for a pair."""
    tried = 0
    for dial in facts.past:
        if dial.number == number and dial.target == facts.target.id:
            known = facts_of(dial)
            tried += PAIR if known is not None and known.next_number else 1
    return tried


def _state(number: str, past: Sequence[PastDial]) -> PhoneState:
    """What the number of somebody who is no customer has turned out to be: nobody keeps it but the past."""
    for dial in reversed(past):
        known = facts_of(dial)
        if dial.number == number and known is not None and known.phone is not None:
            return known.phone
    return "good"


def _candidate(facts: DialFacts, phone: Phone, ends_at: datetime.datetime, reserved: bool) -> Candidate:
    target = facts.target
    return Candidate(
        number=phone.number,
        target=target.id,
        customer=target.customer,
        ends_at=ends_at,
        past=[dial for dial in facts.past if dial.number == phone.number or _of(dial, target)],
        do_not_call=facts.do_not_call.get(phone.number, ""),
        state=phone.state,
        consent=str(target.data.get(CONSENT, "")),
        last_day=last_day(target),
        quiet=facts.quiet,
        guaranteed=reserved,
        agreed=target.why == APPOINTMENT,
    )


def last_day(target: Target) -> datetime.date | None:
    """The last day on which the call is of use to the target, when there is one."""
    said = target.data.get(LAST_DAY)
    try:
        return datetime.date.fromisoformat(str(said)) if said else None
    except ValueError:
        return None


def _of(dial: PastDial, target: Target) -> bool:
    return dial.target == target.id or (target.customer is not None and dial.customer == target.customer)


def _closed(campaign: Campaign, target: Target, why: Why | None) -> TargetMove:
    if why is None:
        return TargetMove("by_hand", NO_NUMBER)
    if why in ("do_not_call", "no_consent"):
        return TargetMove("refused" if target.attempts else "excluded", why)
    if why == "campaign_over":
        return TargetMove("expired", why)
    if why == "campaign_in_all":
        return TargetMove(campaign.exhausted, why)
    return TargetMove("by_hand", why)
