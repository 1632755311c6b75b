"""Slots: the times at which a branch, or an adviser there, receives customers who made an appointment."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import sqlalchemy as sa

from db import audit
from db.audit import AuditEntry
from db.models import BranchRow, SlotRow
from db.store import Store
from ivr.errors import GoldlineError

MOST_AT_ONCE: Final = 1_000  # slots in one transaction: a month of a large branch


class SlotRefused(GoldlineError):
    """A slot that cannot be in the store."""

    error_id: ClassVar[str] = "slot-refused"


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot. ``starts_at`` is aware. ``adviser`` is an agent's id, "" for the branch itself; the names are said."""

    branch: str
    starts_at: datetime.datetime
    minutes: int
    capacity: int = 1
    adviser: str = ""
    adviser_zh: str = ""
    adviser_en: str = ""
    booked: int = 0


class Added(NamedTuple):
    """What ``Slots.add`` did: how many are new, and how many were there with other minutes, seats or names."""

    new: int
    changed: int


class Slots:
    """The slots. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, slots: Sequence[Slot], *, actor: str) -> Added:
        """Add these, or bring those of the same branch, adviser and start to what is said here; all or none.

        At most ``MOST_AT_ONCE``. Raises SlotRefused for an unknown branch, or fewer seats than are booked.
        """
        if len(slots) > MOST_AT_ONCE:
            raise SlotRefused(f"{len(slots)} slots are too many at once.", remedy=f"Give at most {MOST_AT_ONCE}.")
        new = changed = 0
        async with self._store.writing() as session:
            branches = set(await session.scalars(sa.select(BranchRow.code)))
            for slot in slots:
                if slot.branch not in branches:
                    raise SlotRefused(
                        f"There is no branch {slot.branch!r}.",
                        remedy=f"Known: {', '.join(sorted(branches)[:20]) or 'none yet'}.",
                    )
                key = (
                    SlotRow.branch == slot.branch,
                    SlotRow.adviser == slot.adviser,
                    SlotRow.starts_at == slot.starts_at,
                )
                row = await session.scalar(sa.select(SlotRow).where(*key).with_for_update())
                if row is None:
                    row = SlotRow(branch=slot.branch, adviser=slot.adviser, starts_at=slot.starts_at, booked=0)
                    session.add(row)
                    new += 1
                elif _said(row) != _said(slot):
                    changed += 1
                if slot.capacity < row.booked:
                    raise SlotRefused(
                        f"{row.booked} are booked at {slot.branch} at {slot.starts_at:%Y-%m-%d %H:%M %Z} already.",
                        remedy="Keep at least so many seats.",
                    )
                row.minutes, row.capacity, row.adviser_zh, row.adviser_en = _said(slot)
            if new or changed:
                data = {"new": new, "changed": changed, "branches": sorted({slot.branch for slot in slots})}
                await audit.append(session, [AuditEntry(actor, "slots.added", "", data)])
        return Added(new, changed)

    async def ahead(self, now: datetime.datetime, *, branch: str = "", most: int = 100) -> tuple[Slot, ...]:
        """Slots that begin after ``now``, of one branch or of all, the next one first."""
        query = sa.select(SlotRow).where(SlotRow.starts_at > now).order_by(SlotRow.starts_at, SlotRow.id).limit(most)
        if branch:
            query = query.where(SlotRow.branch == branch)
        async with self._store.reading() as session:
            return tuple(
                Slot(
                    row.branch,
                    row.starts_at,
                    row.minutes,
                    row.capacity,
                    row.adviser,
                    row.adviser_zh,
                    row.adviser_en,
                    row.booked,
                )
                for row in await session.scalars(query)
            )


def _said(slot: Slot | SlotRow) -> tuple[int, int, str, str]:
    return slot.minutes, slot.capacity, slot.adviser_zh, slot.adviser_en
