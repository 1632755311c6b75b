"""What calls of campaigns are about, out of the store (``ivr.outreach.matter.Outreach``)."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from db.answers import Answers, ScriptVersion
from db.attempt import attempt_of_call
from db.attempts import Attempt, Attempts
from db.branches import Branches
from db.customers import Customers
from db.errors import StoreError
from db.events import Event, EventSink, utcnow
from db.store import Store
from db.targets import Targets
from ivr.outreach.matter import CampaignTalks, Matter
from ivr.outreach.results import Results
from outbound.dispositions import ACKNOWLEDGED, HEARD_ONLY, NUMBER_REFUSES, Dispositions
from outbound.script import Script, Words

log = structlog.get_logger(__name__)

REFUSED: Final = "outbound.refused"  # {}: by key; what follows from it is an outbound.result
AGAIN_SECONDS: Final = 1.0  # between two tries to write down a refusal
NAMELESS: Final[Words] = {"zh": "客户", "en": "the customer"}  # a number of a list, and nothing else
MOST_KEPT: Final = 2_000  # matters in memory: more calls than a machine makes at once
TOLD_TO_CUSTOMER: Final = (HEARD_ONLY, ACKNOWLEDGED)  # of a personal notice: the customer was on the line


@dataclass(frozen=True, slots=True)
class House:
    """Who calls: the brokerage's name, and the number at which we can be called."""

    brokerage: Words
    hotline: str


class Matters:
    """Finds what an attempt is about."""

    def __init__(self, store: Store, talks: CampaignTalks, house: House) -> None:
        self._targets = Targets(store)
        self._customers = Customers(store)
        self._branches = Branches(store)
        self._talks = talks
        self._house = house

    async def of(self, attempt: Attempt) -> Matter | None:
        """None: nobody knows what its campaign says. Raises StoreError."""
        talk = self._talks(attempt.campaign)
        target = await self._targets.get(attempt.target)
        if talk is None or target is None:
            return None
        customer = None if attempt.customer is None else await self._customers.by_id(attempt.customer)
        name = dict(NAMELESS)
        if customer is not None and customer.name("zh"):
            name = {"zh": customer.name("zh"), "en": customer.name("en")}
        elif customer is None and target.name:
            name = {"zh": target.name, "en": target.name}
        branch = await self._branch(customer.branch if customer else target.branch)
        values: dict[str, Any] = {"name": name, "branch": branch, "brokerage": dict(self._house.brokerage)}
        values |= {"hotline": self._house.hotline} | dict(target.data)
        return Matter(talk.script, name, customer.account if customer else target.account, values, talk.survey)

    async def _branch(self, code: str) -> Words:
        branches = {one.code: one for one in await self._branches.all()} if code else {}
        found = branches.get(code)
        return {"zh": found.name_zh, "en": found.name_en} if found else dict(self._house.brokerage)


class StoredOutreach:
    """The attempts of the store, for the flows of automatic calls."""

    def __init__(
        self,
        store: Store,
        matters: Matters,
        results: Results,
        dispositions: Callable[[], Dispositions],
        journal: EventSink,
        now: Callable[[], datetime.datetime] = utcnow,
    ) -> None:
        self._attempts = Attempts(store)
        self._answers = Answers(store)
        self._matters = matters
        self._results = results
        self._dispositions = dispositions
        self._now = now
        self._journal = journal
        self._known: dict[int, Matter] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Try no more to write down what the store did not take; the journal has it."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def matter(self, call_id: str) -> Matter | None:
        """Read once per call: it does not change while the call goes on."""
        attempt = attempt_of_call(call_id)
        if attempt is None:
            return None
        if attempt not in self._known:
            row = await self._attempts.get(attempt)
            found = None if row is None else await self._matters.of(row)
            if found is None:
                return None
            while len(self._known) >= MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[attempt] = found
        return self._known[attempt]

    async def settle(self, call_id: str, disposition: str) -> None:
        row = await self._row(call_id)
        if row is not None and row.disposition != disposition:
            await self._results.settle(row, self._dispositions()[disposition])

    async def refuse(self, call_id: str) -> None:
        """Never in vain: the journal has it at once, and a store that is away is told as soon as it is back."""
        self._journal.append(Event(call_id, REFUSED, {}, at=self._now()))
        try:
            await self._refuse(call_id)
        except StoreError as error:
            log.error("a refusal of further calls is written down later", call=call_id, error=error.error_id)
            task = asyncio.get_running_loop().create_task(self._refuse_later(call_id), name="refusal")
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    async def _refuse_later(self, call_id: str) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                await self._refuse(call_id)
            except StoreError:
                continue
            log.info("a refusal of further calls is written down", call=call_id)
            return

    async def _refuse(self, call_id: str) -> None:
        row = await self._row(call_id)
        if row is None:
            return
        matter = await self.matter(call_id)
        notice = matter.script.notice if matter else None
        if notice is not None and notice.personal and row.disposition in TOLD_TO_CUSTOMER:
            await self._results.refuse(row, NUMBER_REFUSES, actor=f"call {row.call}", all_numbers=True, now=self._now())
        await self._results.settle(row, self._dispositions()[NUMBER_REFUSES])

    async def answers(self, call_id: str) -> Mapping[str, str]:
        attempt = attempt_of_call(call_id)
        return {} if attempt is None else {one.step: one.answer for one in await self._answers.of(attempt)}

    async def answer(self, call_id: str, step: str, answer: str) -> None:
        attempt, matter = attempt_of_call(call_id), await self.matter(call_id)
        if attempt is not None and matter is not None:
            version = version_of(matter.script)
            await self._answers.keep(attempt, step, answer, version=version, agent="", now=self._now())

    async def _row(self, call_id: str) -> Attempt | None:
        attempt = attempt_of_call(call_id)
        return None if attempt is None else await self._attempts.get(attempt)


def version_of(script: Script) -> ScriptVersion:
    """This version of a script, as it is kept with the answers."""
    return ScriptVersion(script.digest, script.name, script.body)
