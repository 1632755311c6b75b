"""Why a call counts as missed, and what came of calling back. Words only."""

from __future__ import annotations

from typing import Final, Literal

MissedReason = Literal["abandoned", "turned_away", "cut_talk", "callback_expired"]
MissedOutcome = Literal["reached", "no_answer", "wrong_number"]

# abandoned: hung up in the queue. turned_away: got no line, waited too long, or nobody was there. cut_talk: the line
# dropped in a talk and nobody talked to the caller again. callback_expired: asked to be called back, and never was.
MISSED_REASONS: Final[tuple[MissedReason, ...]] = ("abandoned", "turned_away", "cut_talk", "callback_expired")
MISSED_OUTCOMES: Final[tuple[MissedOutcome, ...]] = ("reached", "no_answer", "wrong_number")
