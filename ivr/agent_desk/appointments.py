"""When a customer may be called at a time of their own choice: by the rules that are asked again when it is dialled.

Caps and pauses do not stand against a time that the customer chose; hours, holidays, do-not-call, the campaign's end
and the last day of use do. So do the customer's quiet hours: who wishes to be called in them takes that wish back
first.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from db.attempts import Attempt
from db.campaigns import Campaigns
from db.dial_facts import facts_of
from db.store import Store
from db.targets import Targets
from outbound.campaign import Campaign
from outbound.hours import Clock, after_quiet
from outbound.retry import CONSENT, last_day
from outbound.rules import Candidate, Never, NotBefore, Rules, verdict

LOOKS: Final = 30  # hours and quiet hours in turn; days go by in each


class AppointmentsByRules:
    """``campaign(name)`` is its definition, or why there is none; ``clock()`` tells days and hours apart."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        campaign: Callable[[str], Campaign | str],
        clock: Callable[[], Clock],
        now: Callable[[], datetime.datetime],
    ) -> None:
        self._store = store
        self._campaigns = Campaigns(store)
        self._targets = Targets(store)
        self._rules = rules
        self._campaign = campaign
        self._clock = clock
        self._now = now

    async def earliest(self, attempt: Attempt, at: datetime.datetime) -> tuple[datetime.datetime | None, str]:
        """From ``at`` on, the first moment at which the number may be called, and why not at once; None: never."""
        campaign = self._campaign(attempt.campaign)
        target = await self._targets.get(attempt.target)
        row = await self._campaigns.get(attempt.campaign)
        if isinstance(campaign, str) or target is None or row is None:
            return None, "campaign_over"
        (facts,) = await facts_of(self._store, [target], self._now() - self._rules.looks_back)
        states = {phone.number: phone.state for phone in facts.phones}
        one = Candidate(
            number=attempt.number,
            target=target.id,
            customer=target.customer,
            ends_at=row.ends_at,
            past=[replace(dial, abandoned=False) for dial in facts.past if dial.number == attempt.number],
            do_not_call=facts.do_not_call.get(attempt.number, ""),
            state=states.get(attempt.number, "good"),
            consent=str(target.data.get(CONSENT, "")),
            last_day=last_day(target),
            guaranteed=True,
            agreed=True,
        )
        clock, moment, why = self._clock(), at, ""
        for _ in range(LOOKS):
            said = verdict(moment, self._rules, campaign, one, clock)
            if isinstance(said, Never):
                return None, said.why
            if isinstance(said, NotBefore):
                moment, why = said.at, said.why
                continue
            calm = after_quiet(facts.quiet, moment, clock)
            if calm == moment:
                return moment, why
            moment, why = calm, "quiet_hours"
        return None, "hours"
