"""What came of a call to a customer: Asterisk's words and causes in, an outcome of ``callback_rules.yaml`` out. Pure.

``DIALSTATUS`` alone is too coarse: an unallocated number and a broken trunk are both CHANUNAVAIL (app_dial.c). The
cause is Q.850's, into which res_pjsip.c (hangup_sip2cause) turns the network's answer: 404 is 1, 410 is 22, 484 is 28.
"""

from __future__ import annotations

from typing import Final

from agent_routing.callback_rules import OUTCOMES, Outcome

NO_SUCH_NUMBER: Final = frozenset((1, 22, 28))
SWITCHED_OFF: Final = 20  # subscriber absent
NOT_NOW: Final = frozenset((18, 19, 21))  # no response, no answer, rejected: trunks say 403 for many things


def outcome_of(status: str, cause: int) -> Outcome:
    """``status`` as AMI's DialEnd has it, empty when nothing was dialled; ``cause`` of the hang-up, or 0."""
    if cause in NO_SUCH_NUMBER:
        return "bad_number"
    if status == "BUSY" or cause == 17:
        return "busy"
    if cause == SWITCHED_OFF:
        return "switched_off"
    if status == "NOANSWER" or cause in NOT_NOW:
        return "no_answer"
    return "network"


def earlier_outcome(word: str) -> Outcome | None:
    """The outcome that a row tells of; None for what is no outcome of a call."""
    return next((outcome for outcome in OUTCOMES if outcome == word), None)
