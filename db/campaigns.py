"""Campaigns that were planned, and the lease of the run that follows each.

``planned → running → done``, with ``paused`` and ``stopped`` on the way. A campaign is dialled for only while it is
``running`` under a lease that has not run out (``Campaign.is_live``): a run that was killed stops the dialling within
one lease, and a second run of the same campaign is given nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from db import audit
from db.audit import AuditEntry
from db.errors import StoreError
from db.models import CampaignRow as Row
from db.outbound_states import CampaignState
from db.store import Store

Order = Literal["pause", "resume", "stop", "done"]

# From which states an order may be given, and what it leads to.
_ORDERS: Final[Mapping[Order, tuple[tuple[CampaignState, ...], CampaignState]]] = {
    "pause": (("planned", "running"), "paused"),
    "resume": (("paused", "stopped"), "planned"),
    "stop": (("planned", "running", "paused"), "stopped"),
    "done": (("planned", "running"), "done"),
}
_WORDS: Final[Mapping[Order, str]] = {"pause": "paused", "resume": "resumed", "stop": "stopped", "done": "done"}


class NoSuchCampaign(StoreError):
    """No campaign of this name was planned."""

    error_id: ClassVar[str] = "no-such-campaign"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"No campaign {name!r} is planned.",
            remedy="`ivr outbound list` shows all; `ivr outbound plan CAMPAIGN` plans one.",
        )


@dataclass(frozen=True, slots=True)
class Campaign:
    """One row. ``version`` rises with every change of state, not with every renewal of the lease."""

    name: str
    title: str
    state: CampaignState
    digest: str  # of the definition that it was planned with
    planned_at: datetime.datetime
    ends_at: datetime.datetime
    run_holder: str  # which run follows it; "": none
    run_since: datetime.datetime | None
    run_until: datetime.datetime | None  # the end of that run's lease
    actor: str  # who moved it last
    version: int

    def is_live(self, now: datetime.datetime) -> bool:
        """It is running, and somebody follows it: numbers may be dialled for it."""
        return self.state == "running" and self.run_until is not None and self.run_until > now


class Campaigns:
    """The campaigns. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = sqlite.insert if store.is_sqlite else postgresql.insert

    async def get(self, name: str) -> Campaign | None:
        """The campaign of this name."""
        async with self._store.reading() as session:
            row = await session.get(Row, name)
        return None if row is None else _campaign(row)

    async def all(self) -> tuple[Campaign, ...]:
        """All that were ever planned, by name."""
        return await self._some(sa.select(Row).order_by(Row.name))

    async def live(self, now: datetime.datetime) -> tuple[Campaign, ...]:
        """Those for which numbers may be dialled now, by name."""
        return await self._some(sa.select(Row).where(is_live(now)).order_by(Row.name))

    async def put_planned(
        self,
        name: str,
        *,
        title: str,
        digest: str,
        now: datetime.datetime,
        ends_at: datetime.datetime,
        actor: str,
    ) -> Campaign:
        """Enter the campaign, or bring it to this definition. One that is done is planned again; a running, paused or
        stopped one stays as it is. Entered before its targets, so that a plan that was cut short is gone on with.
        """
        values = {
            "name": name,
            "title": title,
            "state": "planned",
            "digest": digest,
            "planned_at": now,
            "ends_at": ends_at,
            "run_holder": "",
            "actor": actor,
            "version": 0,
        }
        insert = self._insert(Row).values(values)
        new = insert.excluded
        put = insert.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "title": new.title,
                "digest": new.digest,
                "planned_at": new.planned_at,
                "ends_at": new.ends_at,
                "actor": new.actor,
                "state": sa.case((Row.state == "done", "planned"), else_=Row.state),
                "version": Row.version + 1,
            },
        ).returning(Row)
        async with self._store.writing() as session:
            row = (await session.scalars(put)).one()
            data = {"campaign": name, "digest": digest, "ends_at": ends_at.isoformat()}
            await audit.append(session, [AuditEntry(actor, "campaign.planned", data=data)])
            return _campaign(row)

    # --- the run's lease ----------------------------------------------------------------------------------------------

    async def take_run(
        self, name: str, *, holder: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> Campaign | None:
        """``holder`` follows the campaign from now on, which is ``running``.

        None when another run holds it, or when it is paused, stopped or done: ``get`` tells which.
        """
        free = sa.or_(Row.run_holder == "", Row.run_until <= now)
        return await self._move(
            name,
            free,
            Row.state.in_(("planned", "running")),
            run_holder=holder,
            run_since=now,
            run_until=now + lease,
            state="running",
            version=Row.version + 1,
        )

    async def renew(
        self, name: str, *, holder: str, now: datetime.datetime, lease: datetime.timedelta
    ) -> Campaign | None:
        """A longer lease for the run that has it, whatever the state: the run sees in it that it was paused or stopped.

        None when another run has taken over, or this one has given it back.
        """
        return await self._move(name, Row.run_holder == holder, run_until=now + lease)

    async def release(self, name: str, *, holder: str) -> Campaign | None:
        """The run is over; a running campaign waits for the next one. None when ``holder`` does not hold it."""
        return await self._move(
            name,
            Row.run_holder == holder,
            run_holder="",
            run_until=None,
            state=sa.case((Row.state == "running", "planned"), else_=Row.state),
            version=Row.version + 1,
        )

    # --- what people order --------------------------------------------------------------------------------------------

    async def order(self, name: str, order: Order, *, actor: str) -> Campaign | None:
        """Pause, resume or stop it, or say that it is done; None when its state is such that there is nothing to do.

        From this moment on no attempt of a paused or stopped campaign is leased or dialled. Raises NoSuchCampaign.
        """
        states, state = _ORDERS[order]
        update = _update(name, Row.state.in_(states), state=state, actor=actor, version=Row.version + 1)
        async with self._store.writing() as session:
            row = await session.scalar(update)
            if row is None:
                if await session.get(Row, name) is None:
                    raise NoSuchCampaign(name)
                return None
            await audit.append(session, [AuditEntry(actor, f"campaign.{_WORDS[order]}", data={"campaign": name})])
            return _campaign(row)

    # --- how ----------------------------------------------------------------------------------------------------------

    async def _move(self, name: str, *conditions: sa.ColumnElement[bool], **values: Any) -> Campaign | None:
        async with self._store.writing() as session:
            row = await session.scalar(_update(name, *conditions, **values))
            return None if row is None else _campaign(row)

    async def _some(self, query: sa.Select[Any]) -> tuple[Campaign, ...]:
        async with self._store.reading() as session:
            return tuple(_campaign(row) for row in await session.scalars(query))


def is_live(now: datetime.datetime) -> sa.ColumnElement[bool]:
    """In a query on ``campaigns``: numbers may be dialled for this campaign now."""
    return sa.and_(Row.state == "running", Row.run_until > now)


def _update(name: str, *conditions: sa.ColumnElement[bool], **values: Any) -> Any:
    return (
        sa.update(Row)
        .where(Row.name == name, *conditions)
        .values(**values)
        .returning(Row)
        .execution_options(synchronize_session=False)
    )


def _campaign(row: Row) -> Campaign:
    return Campaign(
        name=row.name,
        title=row.title,
        state=row.state,  # type: ignore[arg-type]  # the table's own check
        digest=row.digest,
        planned_at=row.planned_at,
        ends_at=row.ends_at,
        run_holder=row.run_holder,
        run_since=row.run_since,
        run_until=row.run_until,
        actor=row.actor,
        version=row.version,
    )
