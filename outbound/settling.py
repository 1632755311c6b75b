"""What follows for a target and a number from what came of a talk. Pure."""

from __future__ import annotations

import datetime
from typing import ClassVar, Final

from db.customer import PhoneState
from db.target import TargetMove
from ivr.errors import GoldlineError
from outbound.dispositions import Disposition

APPOINTMENT: Final = "appointment"  # why a target waits to be called at a time that its customer chose


class CannotSettle(GoldlineError):
    """The disposition does not fit: it lacks something, or has too much."""

    error_id: ClassVar[str] = "cannot-settle"


def check(disposition: Disposition, *, at: datetime.datetime | None, complete: bool) -> None:
    """Whether it may be given so. ``complete``: the script was gone through. Raises CannotSettle."""
    if disposition.appointment == "must" and at is None:
        raise CannotSettle("This one needs a time.", remedy="Ask the customer when, and give the time.")
    if disposition.appointment == "none" and at is not None:
        raise CannotSettle("This one has no appointment.", remedy="Choose another one, or leave the time out.")
    if disposition.complete and not complete:
        raise CannotSettle("Questions are still open.", remedy="Ask them, or choose another one.")


def move_of(
    disposition: Disposition,
    now: datetime.datetime,
    *,
    at: datetime.datetime | None = None,
    agent: str = "",
    a_customer: bool = True,
) -> TargetMove:
    """What becomes of the target. ``at``: the appointment; it is kept by ``agent``, or by whoever is free ("").

    A number of a list that is no customer's has no state that anybody would remember: when it is somebody else's, its
    target is not called again.
    """
    if disposition.number == "wrong_person" and not a_customer:
        return TargetMove("by_hand", disposition.id)
    if at is not None:
        return TargetMove("waiting", APPOINTMENT, due_at=at, rank=0, guaranteed=True, agent=agent)
    if disposition.target == "again":
        return TargetMove("waiting", disposition.id, due_at=now + disposition.after)
    return TargetMove(disposition.target, disposition.id)


def phone_of(disposition: Disposition) -> PhoneState | None:
    """What the number that was dialled has turned out to be; None: nothing new."""
    return disposition.number or None
