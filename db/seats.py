"""The seats: where agents can be rung. Who sits at which stands in ``db.agent_sessions``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import sqlalchemy as sa

from db import audit
from db.agent import ENDPOINT_KINDS, Seat
from db.agents import Put, differences
from db.audit import AuditEntry
from db.errors import StoreError
from db.models import AgentSessionRow, SeatPasswordRow, SeatRow
from db.store import Store
from ivr.errors import GoldlineError

_MOVING: Final = "~"  # what no endpoint begins with


class NoSuchSeat(StoreError):
    """There is no seat with this id."""

    error_id: ClassVar[str] = "no-such-seat"

    def __init__(self, seat: str) -> None:
        super().__init__(f"There is no seat {seat!r}.", remedy="`ivr seats list` shows all of them.")


class SeatInUse(GoldlineError):
    """An agent sits there."""

    error_id: ClassVar[str] = "seat-in-use"

    def __init__(self, seat: str, agent: str) -> None:
        super().__init__(f"Agent {agent} sits at seat {seat}.", remedy=f"`ivr agents logout {agent}` first.")
        self.agent = agent


class Seats:
    """The seats. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> tuple[Seat, ...]:
        """Every seat, by id."""
        async with self._store.reading() as session:
            return tuple(_seat(row) for row in await session.scalars(sa.select(SeatRow).order_by(SeatRow.id)))

    async def get(self, seat: str) -> Seat:
        """This seat. Raises NoSuchSeat."""
        async with self._store.reading() as session:
            row = await session.get(SeatRow, seat)
        if row is None:
            raise NoSuchSeat(seat)
        return _seat(row)

    async def of_endpoint(self, endpoint: str) -> Seat | None:
        """The seat whose telephone has this PJSIP endpoint."""
        async with self._store.reading() as session:
            row = await session.scalar(sa.select(SeatRow).where(SeatRow.endpoint == endpoint))
        return None if row is None else _seat(row)

    async def agent_at(self, seat: str) -> str:
        """The id of the agent who sits there; empty when nobody does."""
        async with self._store.reading() as session:
            return await session.scalar(sa.select(AgentSessionRow.agent).where(AgentSessionRow.seat == seat)) or ""

    async def put(self, seats: Iterable[Seat], *, actor: str) -> Put:
        """Add these, or bring those with the same id to what is said here; all or none.

        A seat in use is rung as before until its next call. Raises AlreadyThere when another seat rings that telephone.
        """
        changed: list[tuple[SeatRow, Seat]] = []
        new: list[Seat] = []
        unchanged = 0
        async with self._store.writing() as session:
            entries = []
            for seat in seats:
                row = await session.get(SeatRow, seat.id, with_for_update=True)
                before = None if row is None else _seat(row)
                if before == seat:
                    unchanged += 1
                    continue
                if row is None:
                    new.append(seat)
                else:
                    changed.append((row, seat))
                what = "seat.added" if before is None else "seat.changed"
                entries.append(AuditEntry(actor, what, data={"seat": seat.id} | differences(before, seat)))
            for row, _ in changed:  # out of each other's way: two seats may swap their telephones
                row.kind, row.endpoint, row.trunk, row.number = "softphone", f"{_MOVING}{row.id}", None, None
            await session.flush()
            for row, seat in changed:
                _fill(row, seat)
            for seat in new:
                row = SeatRow(id=seat.id)
                _fill(row, seat)
                session.add(row)
            await session.flush()
            await audit.append(session, entries)
        return Put(len(new), len(changed), unchanged)

    async def remove(self, seat: str, *, actor: str) -> None:
        """Take the seat away, and its telephone's password. Raises NoSuchSeat, SeatInUse."""
        async with self._store.writing() as session:
            row = await session.get(SeatRow, seat, with_for_update=True)
            if row is None:
                raise NoSuchSeat(seat)
            agent = await session.scalar(sa.select(AgentSessionRow.agent).where(AgentSessionRow.seat == seat))
            if agent is not None:
                raise SeatInUse(seat, agent)
            await session.execute(sa.delete(SeatPasswordRow).where(SeatPasswordRow.endpoint == row.endpoint))
            await session.delete(row)
            await audit.append(session, [AuditEntry(actor, "seat.removed", data={"seat": seat})])


def _fill(row: SeatRow, seat: Seat) -> None:
    by_endpoint = seat.kind in ENDPOINT_KINDS
    row.kind = seat.kind
    row.endpoint = seat.endpoint if by_endpoint else None
    row.trunk = None if by_endpoint else seat.trunk
    row.number = None if by_endpoint else seat.number
    row.branch = seat.branch or None
    row.accept_key = seat.accept_key
    row.kept_open = seat.kept_open


def _seat(row: SeatRow) -> Seat:
    return Seat(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]  # the table's own check
        endpoint=row.endpoint or "",
        trunk=row.trunk or "",
        number=row.number or "",
        branch=row.branch or "",
        accept_key=row.accept_key,
        kept_open=row.kept_open,
    )
