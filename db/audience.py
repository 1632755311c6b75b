"""Whom a campaign calls, as data: a query over customers, read a page at a time.

Conditions of one field are alternatives, those of different fields must all hold. Holders of a share and customers who
traded last on some day are not in this store: such lists come as a file (``outbound.target_list``).
"""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from db.customer import BROKERAGE_TIME, Language, Phone, Stage, Status, Tier
from db.models import CustomerRow, DoNotCallRow, PhoneRow, TicketRow, WatchedRow
from db.store import Store

PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Audience:
    """The conditions; an empty one is none. Days are counted back from the day on which it is asked."""

    statuses: tuple[Status, ...] = ()
    tiers: tuple[Tier, ...] = ()
    stages: tuple[Stage, ...] = ()
    branches: tuple[str, ...] = ()
    languages: tuple[Language, ...] = ()  # the one that they prefer
    opened_within: int | None = None  # days: the account was opened in the last so many
    opened_before: int | None = None  # days: … or so long ago, or longer
    assets_from: Decimal | None = None
    watching: tuple[str, ...] = ()  # codes of shares on their watch-list
    complained_within: int | None = None  # days: a complaint of theirs was answered or closed in the last so many

    @property
    def everybody(self) -> bool:
        """There is no condition."""
        return self == Audience()


@dataclass(frozen=True, slots=True)
class Member:
    """One customer of the audience, with what planning needs."""

    id: int
    account: str
    name_zh: str
    name_en: str
    branch: str
    tier: Tier
    language: str
    status: Status
    opened_on: datetime.date | None
    do_not_call: bool
    phones: tuple[Phone, ...]
    listed: frozenset[str] = frozenset()  # those of the phones that are on the do-not-call list
    data: Mapping[str, Any] = field(default_factory=dict)  # what made them a member: ticket, complained_on

    def name(self, language: str) -> str:
        """The name in this language, or the one there is."""
        return (self.name_en or self.name_zh) if language == "en" else (self.name_zh or self.name_en)


class Audiences:
    """Reads audiences. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self, audience: Audience, today: datetime.date) -> int:
        """How many customers there are in it."""
        query = sa.select(sa.func.count()).select_from(CustomerRow).where(*_conditions(audience, today))
        async with self._store.reading() as session:
            return await session.scalar(query) or 0

    async def pages(
        self, audience: Audience, today: datetime.date, page: int = PAGE
    ) -> AsyncIterator[tuple[Member, ...]]:
        """All in it, in bounded memory and with no transaction held between pages."""
        last = 0
        while True:
            query = _MEMBERS.where(CustomerRow.id > last, *_conditions(audience, today))
            found = await self._members(query.order_by(CustomerRow.id).limit(page), audience, today)
            if not found:
                return
            last = found[-1].id
            yield found

    async def by_accounts(
        self, accounts: Collection[str], audience: Audience, today: datetime.date
    ) -> Mapping[str, Member]:
        """Those of these accounts that are in the audience, by account."""
        query = _MEMBERS.where(CustomerRow.account.in_(list(accounts)), *_conditions(audience, today))
        return {one.account: one for one in await self._members(query, audience, today)}

    async def known_accounts(self, accounts: Collection[str]) -> frozenset[str]:
        """Those of these accounts that are customers' at all."""
        query = sa.select(CustomerRow.account).where(CustomerRow.account.in_(list(accounts)))
        async with self._store.reading() as session:
            return frozenset(await session.scalars(query))

    async def listed(self, numbers: Collection[str]) -> frozenset[str]:
        """Those of these numbers that are on the do-not-call list."""
        async with self._store.reading() as session:
            query = sa.select(DoNotCallRow.number).where(DoNotCallRow.number.in_(list(numbers)))
            return frozenset(await session.scalars(query))

    async def _members(self, query: Any, audience: Audience, today: datetime.date) -> tuple[Member, ...]:
        async with self._store.reading() as session:
            rows = (await session.execute(query)).all()
            phones: dict[int, list[Phone]] = {row.id: [] for row in rows}
            columns = sa.select(PhoneRow.customer_id, PhoneRow.number, PhoneRow.state, PhoneRow.confirmed_on)
            columns = columns.where(PhoneRow.customer_id.in_(list(phones))).order_by(
                PhoneRow.customer_id, PhoneRow.rank
            )
            for owner, number, state, confirmed_on in await session.execute(columns):
                phones[owner].append(Phone(number, state, confirmed_on))  # type: ignore[arg-type]  # the table's own check
            numbers = {phone.number for theirs in phones.values() for phone in theirs}
            on_list = sa.select(DoNotCallRow.number).where(DoNotCallRow.number.in_(list(numbers)))
            listed = frozenset(await session.scalars(on_list))
            data = await self._tickets(session, list(phones), audience, today)
        return tuple(
            Member(
                id=row.id,
                account=row.account,
                name_zh=row.name_zh,
                name_en=row.name_en,
                branch=row.branch or "",
                tier=row.tier,
                language=row.languages[0] if row.languages else "zh",
                status=row.status,
                opened_on=row.opened_on,
                do_not_call=row.do_not_call,
                phones=tuple(phones[row.id]),
                listed=listed.intersection(phone.number for phone in phones[row.id]),
                data=data.get(row.id, {}),
            )
            for row in rows
        )

    async def _tickets(
        self, session: Any, customers: list[int], audience: Audience, today: datetime.date
    ) -> dict[int, dict[str, Any]]:
        """The latest complaint of each, when the audience asks for complaints."""
        if audience.complained_within is None:
            return {}
        query = sa.select(TicketRow.customer_id, TicketRow.number, TicketRow.opened_at).where(
            TicketRow.customer_id.in_(customers), *_complaints(audience.complained_within, today)
        )
        return {
            customer: {
                "ticket": number,
                "complained_on": opened.astimezone(BROKERAGE_TIME).date().isoformat(),
            }
            for customer, number, opened in await session.execute(query.order_by(TicketRow.changed_at))
        }


_MEMBERS: Final = sa.select(
    CustomerRow.id,
    CustomerRow.account,
    CustomerRow.name_zh,
    CustomerRow.name_en,
    CustomerRow.branch,
    CustomerRow.tier,
    CustomerRow.languages,
    CustomerRow.status,
    CustomerRow.opened_on,
    CustomerRow.do_not_call,
)


def _conditions(audience: Audience, today: datetime.date) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    for column, words in (
        (CustomerRow.status, audience.statuses),
        (CustomerRow.tier, audience.tiers),
        (CustomerRow.stage, audience.stages),
        (CustomerRow.branch, audience.branches),
    ):
        if words:
            found.append(column.in_(words))
    if audience.languages:
        first = sa.type_coerce(CustomerRow.languages, sa.String)
        found.append(sa.or_(*(sa.or_(first == word, first.like(f"{word} %")) for word in audience.languages)))
    if audience.opened_within is not None:
        found.append(CustomerRow.opened_on > today - datetime.timedelta(days=audience.opened_within))
        found.append(CustomerRow.opened_on <= today)
    if audience.opened_before is not None:
        found.append(CustomerRow.opened_on <= today - datetime.timedelta(days=audience.opened_before))
    if audience.assets_from is not None:
        found.append(CustomerRow.assets >= audience.assets_from)
    if audience.watching:
        watched = sa.select(WatchedRow.id).where(
            WatchedRow.customer_id == CustomerRow.id, WatchedRow.kind == "share", WatchedRow.code.in_(audience.watching)
        )
        found.append(watched.exists())
    if audience.complained_within is not None:
        complaints = sa.select(TicketRow.id).where(
            TicketRow.customer_id == CustomerRow.id, *_complaints(audience.complained_within, today)
        )
        found.append(complaints.exists())
    return found


def _complaints(within: int, today: datetime.date) -> tuple[sa.ColumnElement[bool], ...]:
    since = datetime.datetime.combine(today - datetime.timedelta(days=within), datetime.time(), BROKERAGE_TIME)
    return (
        TicketRow.kind == "complaint",
        TicketRow.state.in_(("answered", "closed")),
        TicketRow.changed_at >= since,
    )
