"""First-call resolution: did the same customer want a person again? Pure.

An answered call is *resolved at first contact* when no other call of the same customer, begun after it and within so
many days of its beginning, wanted a person. A customer is known by the customer record, or else by the caller's number;
withheld numbers say nothing and are left out. Until its days are over a call is *too early* to judge, whether its
customer has come back or not: to count the early repeats alone would make every fresh report look bad.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import NamedTuple

from db.phone_numbers import stored_form
from ivr.identity.keys import WITHHELD_FORMS
from ivr.report.counts import Counts


class _Pending(NamedTuple):
    began: datetime.datetime
    counts: tuple[Counts, ...]


class FirstContact:
    """Takes the calls that wanted a person, **the earliest first**; memory grows with callers, not with calls."""

    def __init__(self, days: int, asked_at: datetime.datetime) -> None:
        self._days = datetime.timedelta(days=days)
        self._asked_at = asked_at
        self._pending: dict[str, _Pending] = {}

    def add(self, caller: str, began: datetime.datetime, judged: Iterable[Counts]) -> None:
        """One call that wanted a person; ``judged``: where it counts when it was answered in the period, else nothing.

        ``caller`` as ``caller_key`` gives it.
        """
        counts = tuple(judged)
        if not caller:
            for count in counts:
                count.unknown_callers += 1
            return
        if before := self._pending.pop(caller, None):
            again = began - before.began <= self._days
            for count in before.counts:
                if again:
                    count.repeated += 1
                else:
                    count.resolved += 1
        if counts and self._asked_at - began <= self._days:
            for count in counts:
                count.too_early += 1
        elif counts:
            self._pending[caller] = _Pending(began, counts)

    def end(self) -> None:
        """No more calls: those that were not followed by another are resolved."""
        for pending in self._pending.values():
            for count in pending.counts:
                count.resolved += 1
        self._pending.clear()


def caller_key(customer: int | None, number: str) -> str:
    """What the same customer is known by in two calls; empty when nothing is known."""
    if customer is not None:
        return f"customer {customer}"
    stored = stored_form(number)
    return "" if stored.lower() in WITHHELD_FORMS else f"number {stored}"
