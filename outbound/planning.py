"""Planning a campaign: its targets are found, judged and entered, a page at a time. Planning twice adds the new ones.

What was left out is entered too, with why, so that the report of coverage tells of everybody who was asked for. The
rules are asked once more when a number is dialled: between the plan and the dial people move and change their minds.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from db.audience import Audience, Audiences, Member
from db.campaigns import Campaigns
from db.customer import TIERS, Phone, Tier
from db.exclusive import exclusively
from db.store import Store
from db.targets import OCCASION, Added, NewTarget, Targets
from ivr.errors import GoldlineError
from outbound.campaign import Campaign
from outbound.hours import Clock
from outbound.retry import CONSENT, LAST_DAY, NO_NUMBER, first_rank
from outbound.rules import Rules
from outbound.script import Script
from outbound.script_values import faults_of
from outbound.target_list import ListBatch, ListedTarget, RowFault, TargetList

LAST_DAY_OF_ALL: Final = datetime.date(2060, 1, 1)  # any day that no account was opened after
MIDDLE: Final = 2  # the turn of targets whose order is that of their page
OTHERS: Final = "not_in_audience"
NO_VALUE: Final = "no_value"

Progress = Callable[[int, int], None]  # told how many of how many have been looked at
Tell = Callable[[RowFault], None]


class ListNeeded(GoldlineError):
    """The campaign calls those of a list, and none was given; or one was, and it calls none."""

    error_id: ClassVar[str] = "list-needed"


@dataclass(slots=True)
class Plan:
    """What planning came to."""

    found: int = 0  # in the audience, or good rows of the list
    new: int = 0
    revived: int = 0  # left out earlier, and waiting now
    bad_rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # why, of those that are new
    written: bool = False
    ends_at: datetime.datetime | None = None

    @property
    def known(self) -> int:
        """Planned before."""
        return self.found - self.new - self.revived

    @property
    def waiting(self) -> int:
        """New ones that will be called."""
        return self.new - self.left_out.total()

    def as_data(self) -> dict[str, Any]:
        """For machines."""
        return {
            "found": self.found,
            "new": self.new,
            "revived": self.revived,
            "known": self.known,
            "waiting": self.waiting,
            "left_out": dict(sorted(self.left_out.items())),
            "bad_rows": self.bad_rows,
            "written": self.written,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
        }


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans one campaign. ``now`` is the moment that counts for all of it."""

    store: Store
    campaign: Campaign
    rules: Rules
    clock: Clock
    now: datetime.datetime
    script: Script | None = None

    async def check_list(self, targets: TargetList, tell: Tell, progress: Progress = lambda _done, _all: None) -> int:
        """Tell every bad row of the list, without writing; how many rows are bad. Raises BadTargetList, StoreError."""
        bad: set[int] = set()
        for batch in targets.batches(lambda read: progress(read, targets.size)):
            for fault in sorted([*batch.faults, *await self._unknown(batch)]):
                bad.add(fault.line)
                tell(fault)
        return len(bad)

    async def plan(
        self,
        targets: TargetList | None,
        *,
        actor: str,
        dry_run: bool = False,
        progress: Progress = lambda _done, _all: None,
    ) -> Plan:
        """Enter the targets; bad rows of the list are passed over (``check_list`` tells them).

        Raises ListNeeded, AlreadyAtWork (somebody plans it just now), BadTargetList and StoreError. Broken off at any
        point, it is gone on with by planning again.
        """
        self._right(targets)
        plan = Plan(ends_at=self.campaign.end(self.clock.day(self.now), self.clock.zone))
        async with exclusively(self.store, f"plan-{self.campaign.name}"):
            if not dry_run:
                assert plan.ends_at
                await Campaigns(self.store).put_planned(
                    self.campaign.name,
                    title=self.campaign.title,
                    digest=self.campaign.digest,
                    now=self.now,
                    ends_at=plan.ends_at,
                    actor=actor,
                )
            pages = self._audience(progress) if targets is None else self._list(targets, plan, progress)
            async for page in pages:
                await self._enter(page, plan, dry_run)
        plan.written = not dry_run
        return plan

    def _right(self, targets: TargetList | None) -> None:
        if self.campaign.who.listed and targets is None:
            raise ListNeeded(
                f"{self.campaign.name} calls those of a list.",
                remedy=f"ivr outbound plan {self.campaign.name} --list FILE",
            )
        if not self.campaign.who.listed and targets is not None:
            raise ListNeeded(
                f"{self.campaign.name} calls those of a query, and takes no list.",
                remedy="Leave the list out, or write `list: yes` into the campaign.",
            )

    async def _enter(self, page: Sequence[NewTarget], plan: Plan, dry_run: bool) -> None:
        targets = Targets(self.store)
        plan.found += len(page)
        if dry_run:
            known = await targets.states(self.campaign.name, [one.key for one in page])
            open_to = [one for one in page if known.get(one.key, "excluded") == "excluded"]
            added = Added().plus(open_to, known)
        else:
            added = await targets.add_many(self.campaign.name, page, now=self.now)
        plan.new += added.new
        plan.revived += added.revived
        plan.left_out.update(added.left_out)

    # --- out of the query ---------------------------------------------------------------------------------------------

    async def _audience(self, progress: Progress) -> AsyncIterator[list[NewTarget]]:
        audiences, today = Audiences(self.store), self.clock.day(self.now)
        total = await audiences.count(self.campaign.who.audience, today)
        done = 0
        async for members in audiences.pages(self.campaign.who.audience, today):
            keys = await self._keys(members)
            yield [self._of_member(member, {}, keys.get(member.id, member.account)) for member in members]
            done += len(members)
            progress(done, max(total, done))

    async def _keys(self, members: Sequence[Member]) -> dict[int, str]:
        """The keys of those who have been targets before: their old ones, or new ones when it is time again."""
        if self.campaign.who.again is None:
            return {}
        rest = datetime.timedelta(days=self.campaign.who.again)
        latest = await Targets(self.store).latest_of(self.campaign.name, [member.id for member in members])
        return {
            customer: f"{one.account}{OCCASION}{self.clock.day(self.now):%Y%m%d}"
            if one.state != "excluded" and one.closed_at is not None and one.closed_at + rest <= self.now
            else one.key
            for customer, one in latest.items()
        }

    def _of_member(self, member: Member, listed: Mapping[str, str], key: str) -> NewTarget:
        who, data = self.campaign.who, {**member.data, **listed}
        if not who.listed and member.opened_on is not None:
            data["opened_on"] = member.opened_on.isoformat()
            if who.within is not None:
                data[LAST_DAY] = (member.opened_on + datetime.timedelta(days=who.within - 1)).isoformat()
        why = self._left_out(data, member.phones, member.listed, member.do_not_call)
        return self._new(
            NewTarget(
                key=key,
                customer=member.id,
                account=member.account,
                name=member.name(member.language),
                branch=member.branch,
                tier=member.tier,
                language=member.language,
                data=data,
            ),
            why,
            _turn(member) if who.order == "opened" and not who.listed else datetime.timedelta(),
        )

    # --- out of the list ----------------------------------------------------------------------------------------------

    async def _list(self, targets: TargetList, plan: Plan, progress: Progress) -> AsyncIterator[list[NewTarget]]:
        audiences, today = Audiences(self.store), self.clock.day(self.now)
        for batch in targets.batches(lambda read: progress(read, targets.size)):
            unknown = {fault.line for fault in await self._unknown(batch)}
            plan.bad_rows += len({fault.line for fault in batch.faults} | unknown)
            good = [row for row in batch.targets if row.line not in unknown]
            accounts = [row.account for row in good if row.account]
            asked_for = await audiences.by_accounts(accounts, self.campaign.who.audience, today)
            everybody = await audiences.by_accounts(accounts, Audience(), today)
            numbers = [number for row in good for number in row.numbers]
            on_list = await audiences.listed(numbers)
            yield [self._of_row(row, asked_for, everybody, on_list) for row in good]

    def _of_row(
        self,
        row: ListedTarget,
        asked_for: Mapping[str, Member],
        everybody: Mapping[str, Member],
        on_list: frozenset[str],
    ) -> NewTarget:
        if row.account in asked_for:
            return self._of_member(asked_for[row.account], row.data, row.key)
        if row.account:
            return self._new(self._of_member(everybody[row.account], row.data, row.key), OTHERS)
        phones = tuple(Phone(number) for number in row.numbers)
        stranger = not self.campaign.who.audience.everybody  # a condition on customers, and this is none
        why = OTHERS if stranger else self._left_out(row.data, phones, on_list, False)
        return self._new(
            NewTarget(
                key=row.key,
                name=row.name,
                branch=row.branch,
                tier=_tier(row.tier),
                language=row.language,
                numbers=row.numbers,
                data=row.data,
            ),
            why,
        )

    async def _unknown(self, batch: ListBatch) -> list[RowFault]:
        """Rows whose account is nobody's."""
        known = await Audiences(self.store).known_accounts([row.account for row in batch.targets if row.account])
        return [
            RowFault(row.line, "account", f"nobody has the account {row.account}.", "Import the customer first.")
            for row in batch.targets
            if row.account and row.account not in known
        ]

    # --- both ---------------------------------------------------------------------------------------------------------

    def _new(self, target: NewTarget, why: str, turn: datetime.timedelta = datetime.timedelta()) -> NewTarget:
        begins = self.campaign.begins_on
        start = datetime.datetime.combine(begins, datetime.time(), self.clock.zone) if begins else self.now
        order = TIERS.index(target.tier) if self.campaign.who.order == "tier" else MIDDLE
        return NewTarget(
            key=target.key,
            customer=target.customer,
            account=target.account,
            name=target.name,
            branch=target.branch,
            tier=target.tier,
            language=target.language,
            numbers=target.numbers,
            data=target.data,
            state="excluded" if why else "waiting",
            why=why,
            due_at=max(self.now, start) - turn,
            rank=first_rank(order),
        )

    def _left_out(self, data: Mapping[str, Any], phones: Sequence[Phone], listed: frozenset[str], wish: bool) -> str:
        """Why the campaign need not even try; "": it may."""
        if wish or (phones and all(phone.number in listed for phone in phones)):
            return "do_not_call"
        if self.rules.purposes[self.campaign.purpose].consent and not data.get(CONSENT):
            return "no_consent"
        if not any(phone.number.startswith("+") for phone in phones):
            return NO_NUMBER
        if all(phone.state in ("unallocated", "wrong_person") for phone in phones):
            return "number_state"
        last = data.get(LAST_DAY)
        if last and datetime.date.fromisoformat(str(last)) < self.clock.day(self.now):
            return "too_late"
        if self.script is not None and faults_of(self.script, data):
            return NO_VALUE
        return ""


def _turn(member: Member) -> datetime.timedelta:
    """How much earlier this one is due: of equal rank, whoever has been due longest is dialled first.

    A millisecond for each day since the account was opened is half a minute at most, and spares the database from
    sorting a million customers for every page.
    """
    opened = member.opened_on or datetime.date.max
    return datetime.timedelta(milliseconds=max(0, (LAST_DAY_OF_ALL - opened).days))


def _tier(word: str) -> Tier:
    return next(tier for tier in TIERS if tier == word)
