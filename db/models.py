"""The tables. Rows leave ``db`` only as the frozen records of the repositories, never as these classes.

Constraint names are fixed by rule, so that migrations can name them on every database.
"""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from db.columns import JSON_VALUE, StorableText, UtcTime

LANGUAGE = 16  # characters of a language tag (BCP 47: zh, en, yue)
NUMBER = 64  # characters of a telephone number or SIP user as it came: E.164 has 15, trunks send more
ACCOUNT = 32
WORD = 32  # characters of one of our own words: a kind, a status, a tier
NAME = 128
TITLE = 200
BODY = 4_000  # about ten minutes of speech: nobody listens longer
EVENT_ID = 64
CALL_ID = 150  # AST_MAX_UNIQUEID (Asterisk, include/asterisk/channel.h)

# SQLite numbers rows by itself only in an INTEGER primary key.
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")


def _one_of(column: str, *words: str) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Base(DeclarativeBase):
    """All tables of Goldline."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime.datetime: UtcTime, dict[str, Any]: JSON_VALUE}


class CustomerRow(Base):
    __tablename__ = "customers"
    __table_args__ = (
        _one_of("tier", "platinum", "gold", "silver", "normal"),
        _one_of("status", "active", "frozen", "closed"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    account: Mapped[str] = mapped_column(StorableText(ACCOUNT), unique=True)
    name: Mapped[str] = mapped_column(StorableText(NAME))
    tier: Mapped[str] = mapped_column(StorableText(WORD))
    status: Mapped[str] = mapped_column(StorableText(WORD))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    created_at: Mapped[datetime.datetime]
    phones: Mapped[list[PhoneRow]] = relationship(
        cascade="all, delete-orphan", order_by="PhoneRow.id", lazy="selectin", passive_deletes=True
    )


class PhoneRow(Base):
    __tablename__ = "customer_phones"
    __table_args__ = (UniqueConstraint("customer_id", "number"),)

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(StorableText(NUMBER), index=True)


class CallRow(Base):
    """One call, folded from its events (``db.fold``): never written by anything else."""

    __tablename__ = "calls"
    # A handful of a million calls have no end: finding them after each reconnect must not read the rest.
    __table_args__ = (
        Index(
            "ix_calls_unended",
            "started_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(StorableText(CALL_ID), primary_key=True)
    caller: Mapped[str] = mapped_column(StorableText(NUMBER))
    line: Mapped[str] = mapped_column(StorableText(NUMBER))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    flow: Mapped[str] = mapped_column(StorableText(NAME))
    version: Mapped[str] = mapped_column(StorableText(NAME))
    started_at: Mapped[datetime.datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime.datetime | None]
    resumed: Mapped[int]
    ended_at: Mapped[datetime.datetime | None]
    ended_how: Mapped[str] = mapped_column(StorableText(WORD))


class CallEventRow(Base):
    """The journal. No foreign key to ``calls``: an event is never refused because another is missing."""

    __tablename__ = "call_events"
    __table_args__ = (Index(None, "call_id", "at"), UniqueConstraint("event_id"))

    position: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    event_id: Mapped[str] = mapped_column(StorableText(EVENT_ID))
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID))
    at: Mapped[datetime.datetime]
    kind: Mapped[str] = mapped_column(StorableText(WORD))
    data: Mapped[dict[str, Any]]


class InstrumentRow(Base):
    """A share or an index. A code alone names none: 000001 is a share in Shenzhen and the index of Shanghai."""

    __tablename__ = "instruments"
    __table_args__ = (UniqueConstraint("code", "market"), _one_of("kind", "share", "index"))

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    code: Mapped[str] = mapped_column(StorableText(WORD))
    market: Mapped[str] = mapped_column(StorableText(WORD))
    kind: Mapped[str] = mapped_column(StorableText(WORD))
    name_zh: Mapped[str] = mapped_column(StorableText(NAME))
    name_en: Mapped[str] = mapped_column(StorableText(NAME))


class NoticeRow(Base):
    __tablename__ = "notices"
    __table_args__ = (
        _one_of("status", "draft", "published", "withdrawn"),
        Index(None, "status", "published_from"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    reference: Mapped[str] = mapped_column(StorableText(WORD), unique=True)
    kind: Mapped[str] = mapped_column(StorableText(WORD))
    status: Mapped[str] = mapped_column(StorableText(WORD))
    published_from: Mapped[datetime.datetime]
    published_until: Mapped[datetime.datetime | None]
    texts: Mapped[list[NoticeTextRow]] = relationship(
        cascade="all, delete-orphan", order_by="NoticeTextRow.language", lazy="selectin", passive_deletes=True
    )


class NoticeTextRow(Base):
    __tablename__ = "notice_texts"

    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE), primary_key=True)
    title: Mapped[str] = mapped_column(StorableText(TITLE))
    body: Mapped[str] = mapped_column(StorableText(BODY))
