"""What the dialling desk is told of campaigns and rules, out of their files and the store (``ivr.dialing.plan.Book``).

Rules are asked with facts that are read at that moment: what a customer said a second ago counts. Must not know: calls.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from db.attempt import Attempt
from db.campaigns import Campaigns
from db.dial_facts import DialFacts, facts_of
from db.store import Store
from db.target import Target, TargetMove
from db.targets import Targets
from ivr.dialing.plan import Number, Plan
from outbound import campaign_file
from outbound.campaign import Campaign
from outbound.hours import Clock
from outbound.outcomes import Outcome
from outbound.retry import Dial, after_attempt, choose
from outbound.rules import Rules

ANOTHER: Final = "another_number"  # why a target waits, for no time, whose number changed between two looks
MANY: Final = 1_000_000  # lines of a campaign that names no limit: the trunk has one


class CampaignBook:
    """The campaigns of one folder."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        rules: Rules,
        clock: Callable[[], Clock],
        trunks: Sequence[str],
        now: Callable[[], datetime.datetime],
    ) -> None:
        """``folder`` is that of ``campaigns/``; ``clock()`` tells days and hours apart as they are known now."""
        self._store = store
        self._campaigns = Campaigns(store)
        self._targets = Targets(store)
        self._folder = folder / "campaigns"
        self.rules = rules
        self._clock = clock
        self._trunks = tuple(trunks)
        self._now = now
        self._read: dict[str, tuple[int, Campaign]] = {}  # by name: when the file was written, and what it says

    async def plan(self, campaign: str) -> Plan | str:
        """The campaign as it is dialled; or why it cannot be."""
        found = self.campaign(campaign)
        if isinstance(found, str):
            return found
        if not self._trunks:
            return "There is no trunk to call out by: name one in the settings, [[sip.trunks]]."
        if found.trunk and found.trunk not in self._trunks:
            return f"There is no trunk {found.trunk!r} in the settings: {', '.join(self._trunks)}."
        return Plan(
            name=campaign,
            mode=found.pacing.mode if found.needs_agents else "automatic",
            flow=found.what.flow,
            skills=found.seats.skills,
            own_branch=found.seats.own_branch,
            shown=found.caller_id,
            trunks=(found.trunk,) if found.trunk else (),
            pacing=found.pacing,
            ring=found.pacing.ring_at_most,
            most=found.lines or MANY,
            machines=found.what.machines,
        )

    async def number(self, target: Target, *, agent_is_there: bool) -> Number | TargetMove:
        """The number to try next; or what becomes of a target that has none now."""
        found = self.campaign(target.campaign)
        if isinstance(found, str):
            return TargetMove("waiting", target.why, self._now() + datetime.timedelta(minutes=1))
        chosen = await self._choose(found, await self._facts(target), agent_is_there=agent_is_there)
        return chosen if isinstance(chosen, TargetMove) else Number(chosen.phone.number, chosen.rank)

    async def verdict(self, attempt: Attempt, target: Target, *, agent_is_there: bool) -> TargetMove | None:
        """None: it may be dialled now. Else what becomes of the target."""
        found = self.campaign(target.campaign)
        if isinstance(found, str):
            return TargetMove("waiting", target.why)
        chosen = await self._choose(found, await self._facts(target), agent_is_there=agent_is_there)
        if isinstance(chosen, TargetMove):
            return chosen
        return None if chosen.phone.number == attempt.number else TargetMove("waiting", target.why or ANOTHER)

    async def after(self, attempt: Attempt, target: Target, outcome: Outcome) -> TargetMove:
        """What becomes of the target after this end of the attempt."""
        found = self.campaign(target.campaign)
        if isinstance(found, str):  # its file is gone or has faults: nobody is forgotten over that
            return TargetMove("by_hand", outcome)
        now = attempt.dialled_at or self._now()
        fresh = await self._targets.get(target.id) or target
        return after_attempt(
            max(now, self._now()),
            self.rules,
            found,
            await self._facts(fresh),
            outcome,
            number=attempt.number,
            ends_at=await self._end_of(found),
            clock=self._clock(),
        )

    async def _choose(self, campaign: Campaign, facts: DialFacts, *, agent_is_there: bool) -> Dial | TargetMove:
        return choose(
            self._now(),
            self.rules,
            campaign,
            facts,
            ends_at=await self._end_of(campaign),
            clock=self._clock(),
            reserved=agent_is_there,
        )

    async def _facts(self, target: Target) -> DialFacts:
        (facts,) = await facts_of(self._store, [target], self._now() - self.rules.looks_back)
        return facts

    async def _end_of(self, campaign: Campaign) -> datetime.datetime:
        row = await self._campaigns.get(campaign.name)
        clock = self._clock()
        return row.ends_at if row is not None else campaign.end(clock.day(self._now()), clock.zone)

    def campaign(self, name: str) -> Campaign | str:
        """What its file says now, or said last; or why it says nothing."""
        path = self._folder / f"{name}.yaml"
        known = self._read.get(name)
        try:
            written = path.stat().st_mtime_ns
            if known is None or known[0] != written:
                known = self._read[name] = (written, campaign_file.read(path, self.rules))
        except OSError:
            if known is None:
                return f"There is no file {path.name} in {self._folder}."
        except campaign_file.CampaignInvalid as error:
            if known is None:
                return str(error)
        return known[1]
