"""Callbacks: callers who got no line, or found it closed, and left the number at which they want to be called.

One open wish per number: who calls ten times is called back once, in the place of the first wish.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from db import audit
from db.audit import AuditEntry
from db.errors import StoreError
from db.events import utcnow
from db.models import CallbackRow
from db.store import Store

State = Literal["open", "done"]


class NoSuchCallback(StoreError):
    """There is no open callback with this id."""

    error_id: ClassVar[str] = "no-such-callback"

    def __init__(self, callback: int) -> None:
        super().__init__(
            f"There is no open callback {callback}.", remedy="`ivr lines callbacks list` shows those that are open."
        )


@dataclass(frozen=True, slots=True)
class CallbackWish:
    """What a caller leaves. ``number`` as ``db.phone_numbers.stored_form`` writes it."""

    number: str
    line: str  # the number that was dialled
    language: str
    call_id: str
    customer: int | None = None  # whose telephone the caller's seemed to be: a hint
    asked_at: datetime.datetime = field(default_factory=utcnow)


@dataclass(frozen=True, slots=True)
class Callback:
    """A wish in the store."""

    id: int
    wish: CallbackWish
    state: State
    done_at: datetime.datetime | None = None
    done_by: str = ""


class Callbacks:
    """The callbacks. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def leave(self, wish: CallbackWish) -> bool:
        """Keep the wish; False when one for this number is open already, which then stays as it is."""
        insert = sqlite.insert(CallbackRow) if self._store.is_sqlite else postgresql.insert(CallbackRow)
        values = {
            "number": wish.number,
            "line": wish.line,
            "language": wish.language,
            "call_id": wish.call_id,
            "customer_id": wish.customer,
            "asked_at": wish.asked_at,
            "state": "open",
            "done_by": "",
        }
        statement = (
            insert.values(values)
            .on_conflict_do_nothing(index_elements=["number"], index_where=sa.text("state = 'open'"))
            .returning(CallbackRow.id)
        )
        async with self._store.writing() as session:
            return await session.scalar(statement) is not None

    async def open(self, most: int = 1000) -> tuple[Callback, ...]:
        """The open ones, those who have waited longest first."""
        return await self._some(sa.select(CallbackRow).where(CallbackRow.state == "open"), most)

    async def all(self, most: int = 1000) -> tuple[Callback, ...]:
        """Open and done ones, oldest first."""
        return await self._some(sa.select(CallbackRow), most)

    async def done(self, callback: int, *, actor: str) -> None:
        """The caller was called back, or needs it no more. Raises NoSuchCallback when it is not open."""
        async with self._store.writing() as session:
            closed = await session.scalar(
                sa.update(CallbackRow)
                .where(CallbackRow.id == callback, CallbackRow.state == "open")
                .values(state="done", done_at=utcnow(), done_by=actor)
                .returning(CallbackRow.id)
                .execution_options(synchronize_session=False)
            )
            if closed is None:
                raise NoSuchCallback(callback)
            await audit.append(session, [AuditEntry(actor, "callback.done", data={"callback": callback})])

    async def _some(self, query: sa.Select[Any], most: int) -> tuple[Callback, ...]:
        async with self._store.reading() as session:
            rows = await session.scalars(query.order_by(CallbackRow.asked_at, CallbackRow.id).limit(most))
            return tuple(_callback(row) for row in rows)


def _callback(row: CallbackRow) -> Callback:
    wish = CallbackWish(row.number, row.line, row.language, row.call_id, row.customer_id, row.asked_at)
    return Callback(row.id, wish, row.state, row.done_at, row.done_by)  # type: ignore[arg-type]  # the table's own check
