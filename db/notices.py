"""Notices: what the brokerage has to say to everyone, in each language, from a moment until a moment."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa

from db.models import NoticeRow, NoticeTextRow
from db.store import Store

Status = Literal["draft", "published", "withdrawn"]


@dataclass(frozen=True, slots=True)
class NoticeText:
    """A notice in one language."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. ``reference`` is the number it is filed under and names it."""

    reference: str
    kind: str
    status: Status
    published_from: datetime.datetime
    published_until: datetime.datetime | None = None  # the first moment when it is no longer heard; None: no end
    texts: Mapping[str, NoticeText] = field(default_factory=dict)  # by language

    def heard_at(self, moment: datetime.datetime) -> bool:
        """Callers hear it at this moment."""
        if self.status != "published" or moment < self.published_from:
            return False
        return self.published_until is None or moment < self.published_until


class Notices:
    """The notices. Every method raises StoreError when the database refuses or is away."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def published(self, moment: datetime.datetime) -> tuple[Notice, ...]:
        """Published notices that are heard at ``moment`` or will be later, newest first (see ``Notice.heard_at``)."""
        async with self._store.reading() as session:
            rows = await session.scalars(
                sa.select(NoticeRow)
                .where(
                    NoticeRow.status == "published",
                    sa.or_(NoticeRow.published_until.is_(None), NoticeRow.published_until > moment),
                )
                .order_by(NoticeRow.published_from.desc(), NoticeRow.id.desc())
            )
            return tuple(_notice(row) for row in rows)

    async def get(self, reference: str) -> Notice | None:
        """The notice filed under this number, whatever its status."""
        async with self._store.reading() as session:
            row = await session.scalar(sa.select(NoticeRow).where(NoticeRow.reference == reference))
            return _notice(row) if row else None

    async def put(self, notice: Notice) -> None:
        """Add the notice, or bring the one filed under its number to what is said here."""
        async with self._store.writing() as session:
            row = await session.scalar(sa.select(NoticeRow).where(NoticeRow.reference == notice.reference))
            if row is None:
                row = NoticeRow(reference=notice.reference, texts=[])
                session.add(row)
            row.kind = notice.kind
            row.status = notice.status
            row.published_from = notice.published_from
            row.published_until = notice.published_until
            known = {text.language: text for text in row.texts}
            row.texts = [
                _text_row(known.get(language), language, notice.texts[language]) for language in sorted(notice.texts)
            ]


def _text_row(row: NoticeTextRow | None, language: str, text: NoticeText) -> NoticeTextRow:
    row = row or NoticeTextRow(language=language)
    row.title = text.title
    row.body = text.body
    return row


def _notice(row: NoticeRow) -> Notice:
    return Notice(
        reference=row.reference,
        kind=row.kind,
        status=row.status,  # type: ignore[arg-type]  # the table's own check keeps it to these words
        published_from=row.published_from,
        published_until=row.published_until,
        texts={text.language: NoticeText(text.title, text.body) for text in row.texts},
    )
