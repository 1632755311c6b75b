"""The tables. Rows leave ``db`` only as the frozen records of the repositories, never as these classes.

Constraint names are fixed by rule, so that migrations can name them on every database.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from db.agent import OFFERED, ROLES, SEAT_KINDS, STANDINGS, STATES
from db.callback_states import CALLBACK_STATES, OPEN_CALLBACKS
from db.columns import JSON_VALUE, StorableText, UtcTime, Words, Yuan
from db.customer import PHONE_STATES, STAGES, STATUSES, TIERS
from db.missed_reasons import MISSED_REASONS
from db.outbound_states import ATTEMPT_STATES, CAMPAIGN_STATES, MODES, RANKS, TARGET_STATES
from db.recording import CONSENTS, RECORDING_STATES

LANGUAGE = 16  # characters of a language tag (BCP 47: zh, en, yue)
NUMBER = 64  # characters of a telephone number or SIP user as it came: E.164 has 15, trunks send more
ACCOUNT = 32
WORD = 32  # characters of one of our own words: a kind, a status, a tier
NAME = 128
TITLE = 200
BODY = 4_000  # about ten minutes of speech: nobody listens longer
EVENT_ID = 64
WORDS = 200  # characters of a few words in a row: languages, agents' ids
EMAIL = 254  # RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them brackets
PIN_HASH = 255  # of an encoded argon2 hash: about 100 with our parameters
WHY = 1_000  # characters of an explanation
DIGEST = 64  # hex digits of HMAC-SHA256
HA1 = 32  # hex digits of MD5, as SIP's digests have it
CALL_ID = 150  # AST_MAX_UNIQUEID (Asterisk, include/asterisk/channel.h)
ANSWER = 500  # characters of an answer in words (outbound.answer)
CAMPAIGN = 64  # characters of a campaign's name

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
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime.datetime: UtcTime,
        Decimal: Yuan,
        dict[str, Any]: JSON_VALUE,
    }


class BranchRow(Base):
    __tablename__ = "branches"

    code: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    name_zh: Mapped[str] = mapped_column(StorableText(NAME))
    name_en: Mapped[str] = mapped_column(StorableText(NAME))
    number: Mapped[str] = mapped_column(StorableText(NUMBER))
    address: Mapped[str] = mapped_column(StorableText(TITLE))


class CustomerRow(Base):
    """``tier`` is the one in force; ``rules_tier`` what the rules alone give, and since when they would give less."""

    __tablename__ = "customers"
    __table_args__ = (
        _one_of("tier", *TIERS),
        _one_of("rules_tier", *TIERS),
        _one_of("below_best", *TIERS),
        _one_of("status", *STATUSES),
        _one_of("stage", *STAGES),
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet"),
        CheckConstraint("(below_since IS NULL) = (below_best IS NULL)", name="below"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    account: Mapped[str] = mapped_column(StorableText(ACCOUNT), unique=True)
    name_zh: Mapped[str] = mapped_column(StorableText(NAME))
    name_en: Mapped[str] = mapped_column(StorableText(NAME))
    branch: Mapped[str | None] = mapped_column(StorableText(WORD), ForeignKey("branches.code"), index=True)
    languages: Mapped[tuple[str, ...]] = mapped_column(Words(WORDS))
    dialect: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    tier: Mapped[str] = mapped_column(StorableText(WORD))
    rules_tier: Mapped[str] = mapped_column(StorableText(WORD))
    below_since: Mapped[datetime.date | None]
    below_best: Mapped[str | None] = mapped_column(StorableText(WORD))
    status: Mapped[str] = mapped_column(StorableText(WORD))
    stage: Mapped[str] = mapped_column(StorableText(WORD))
    manager: Mapped[str] = mapped_column(StorableText(WORD))
    backups: Mapped[tuple[str, ...]] = mapped_column(Words(WORDS))
    do_not_call: Mapped[bool]
    quiet_from: Mapped[datetime.time | None]
    quiet_until: Mapped[datetime.time | None]
    recording_refused: Mapped[bool]
    email: Mapped[str] = mapped_column(StorableText(EMAIL))
    address: Mapped[str] = mapped_column(StorableText(TITLE))
    assets: Mapped[Decimal | None]
    commission: Mapped[Decimal | None]
    points: Mapped[int | None] = mapped_column(BigInteger)
    opened_on: Mapped[datetime.date | None]
    created_at: Mapped[datetime.datetime]


class PhoneRow(Base):
    __tablename__ = "customer_phones"
    __table_args__ = (UniqueConstraint("customer_id", "number"), _one_of("state", *PHONE_STATES))

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    number: Mapped[str] = mapped_column(StorableText(NUMBER), index=True)
    rank: Mapped[int]  # the customer's first telephone has 0
    state: Mapped[str] = mapped_column(StorableText(WORD))
    confirmed_on: Mapped[datetime.date | None]


class PinRow(Base):
    """A table of its own, so that no reader of customers ever has a hash in hand."""

    __tablename__ = "customer_pins"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(StorableText(PIN_HASH))
    changed_at: Mapped[datetime.datetime]


class IdentityTryRow(Base):
    """How many tries are held against an account, a caller ID or all withheld ones; ``digest`` is a keyed one."""

    __tablename__ = "identity_tries"
    __table_args__ = (_one_of("bucket", "withheld", "caller", "account"),)

    bucket: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    digest: Mapped[str] = mapped_column(StorableText(DIGEST), primary_key=True)
    level: Mapped[float] = mapped_column(Double)
    at: Mapped[datetime.datetime] = mapped_column(index=True)


class IdentityCodeRow(Base):
    """A one-time code that was sent; ``account``, ``caller`` and ``digest`` are keyed digests.

    No customer: an account that does not exist, for which nothing was sent.
    """

    __tablename__ = "identity_codes"
    __table_args__ = (Index(None, "account", "sent_at"), Index(None, "caller", "sent_at"))

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    account: Mapped[str] = mapped_column(StorableText(DIGEST))
    caller: Mapped[str] = mapped_column(StorableText(DIGEST))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(StorableText(DIGEST))
    sent_at: Mapped[datetime.datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime.datetime]
    used_at: Mapped[datetime.datetime | None]


class TierOverrideRow(Base):
    """The latest override of a customer's tier; it stays after its end, earlier ones stand in ``audit``."""

    __tablename__ = "tier_overrides"
    __table_args__ = (_one_of("tier", *TIERS),)

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    tier: Mapped[str] = mapped_column(StorableText(WORD))
    until: Mapped[datetime.date]
    why: Mapped[str] = mapped_column(StorableText(TITLE))
    actor: Mapped[str] = mapped_column(StorableText(NAME))
    at: Mapped[datetime.datetime]


class TierChangeRow(Base):
    """No foreign key: what happened outlives the customer."""

    __tablename__ = "tier_changes"
    __table_args__ = (Index(None, "account", "at"), _one_of("from_tier", *TIERS), _one_of("to_tier", *TIERS))

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    account: Mapped[str] = mapped_column(StorableText(ACCOUNT))
    from_tier: Mapped[str] = mapped_column(StorableText(WORD))
    to_tier: Mapped[str] = mapped_column(StorableText(WORD))
    why: Mapped[str] = mapped_column(StorableText(WHY))
    actor: Mapped[str] = mapped_column(StorableText(NAME))
    at: Mapped[datetime.datetime] = mapped_column(index=True)


class AuditRow(Base):
    """Who did what to whose data. Appended only: triggers refuse a change, in the database itself (migration 0002)."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "account", "at"),)

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(StorableText(NAME))
    what: Mapped[str] = mapped_column(StorableText(WORD))
    account: Mapped[str] = mapped_column(StorableText(ACCOUNT))
    data: Mapped[dict[str, Any]]


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


class CallbackRow(Base):
    """A caller who got no line and wants to be called; one open wish per number."""

    __tablename__ = "callbacks"
    __table_args__ = (
        _one_of("state", "open", "done"),
        Index(
            "uq_callbacks_open_number",
            "number",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    number: Mapped[str] = mapped_column(StorableText(NUMBER))
    line: Mapped[str] = mapped_column(StorableText(NUMBER))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    asked_at: Mapped[datetime.datetime] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(StorableText(WORD))
    done_at: Mapped[datetime.datetime | None]
    done_by: Mapped[str] = mapped_column(StorableText(NAME))


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


class TradingDayRow(Base):
    """What staff said of a day on which the exchanges trade or do not; it goes over what was shipped."""

    __tablename__ = "trading_days"

    day: Mapped[datetime.date] = mapped_column(primary_key=True)
    trading: Mapped[bool]
    note: Mapped[str] = mapped_column(StorableText(NAME))
    actor: Mapped[str] = mapped_column(StorableText(NAME))
    at: Mapped[datetime.datetime]


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


class AccountLockRow(Base):
    """An urgent lock, in force until it is lifted. The earlier ones of an account stay."""

    __tablename__ = "account_locks"
    __table_args__ = (
        _one_of("how", "call", "desk"),
        Index(
            "uq_account_locks_in_force",
            "customer_id",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    locked_at: Mapped[datetime.datetime]
    locked_by: Mapped[str] = mapped_column(StorableText(NAME))
    how: Mapped[str] = mapped_column(StorableText(WORD))
    lifted_at: Mapped[datetime.datetime | None]
    lifted_by: Mapped[str] = mapped_column(StorableText(NAME))
    why: Mapped[str] = mapped_column(StorableText(TITLE))  # why it was lifted


class TicketNumberRow(Base):
    """Every number that was ever read out, for tickets and change requests alike: none is given twice."""

    __tablename__ = "ticket_numbers"

    number: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    given_at: Mapped[datetime.datetime]


class TicketRow(Base):
    """``caller`` is the caller ID, a hint; ``customer_id`` is there when the caller had proven who they are."""

    __tablename__ = "tickets"
    __table_args__ = (
        _one_of("kind", "complaint", "suggestion"),
        _one_of("state", "open", "in_hand", "answered", "closed"),
        Index(None, "state", "opened_at"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    number: Mapped[str] = mapped_column(StorableText(WORD), ForeignKey("ticket_numbers.number"), unique=True)
    kind: Mapped[str] = mapped_column(StorableText(WORD))
    state: Mapped[str] = mapped_column(StorableText(WORD))
    recording: Mapped[str] = mapped_column(StorableText(WORD), unique=True)
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID), index=True)
    caller: Mapped[str] = mapped_column(StorableText(NUMBER))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    opened_at: Mapped[datetime.datetime]
    changed_at: Mapped[datetime.datetime]
    clerk: Mapped[str] = mapped_column(StorableText(NAME))  # who has it in hand; "": nobody yet
    answer: Mapped[str] = mapped_column(StorableText(BODY))


class ChangeRequestRow(Base):
    """``value`` is what the customer keyed in (then ``recording`` is ""), or what the clerk heard and typed."""

    __tablename__ = "change_requests"
    __table_args__ = (
        _one_of("what", "phone", "email", "address"),
        _one_of("state", "waiting", "accepted", "refused"),
        Index(None, "state", "opened_at"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    number: Mapped[str] = mapped_column(StorableText(WORD), ForeignKey("ticket_numbers.number"), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    what: Mapped[str] = mapped_column(StorableText(WORD))
    value: Mapped[str] = mapped_column(StorableText(EMAIL))
    recording: Mapped[str] = mapped_column(StorableText(WORD))
    state: Mapped[str] = mapped_column(StorableText(WORD))
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID))
    opened_at: Mapped[datetime.datetime]
    decided_at: Mapped[datetime.datetime | None]
    clerk: Mapped[str] = mapped_column(StorableText(NAME))
    why: Mapped[str] = mapped_column(StorableText(TITLE))


class SlotRow(Base):
    """A time at which a branch, or an adviser of that branch, receives ``capacity`` customers."""

    __tablename__ = "slots"
    __table_args__ = (
        UniqueConstraint("branch", "adviser", "starts_at"),
        CheckConstraint("booked BETWEEN 0 AND capacity", name="booked"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    branch: Mapped[str] = mapped_column(StorableText(WORD), ForeignKey("branches.code"))
    adviser: Mapped[str] = mapped_column(StorableText(WORD))  # agent id; "": the branch itself
    adviser_zh: Mapped[str] = mapped_column(StorableText(NAME))  # the adviser's name as it is said
    adviser_en: Mapped[str] = mapped_column(StorableText(NAME))
    starts_at: Mapped[datetime.datetime]
    minutes: Mapped[int]
    capacity: Mapped[int]
    booked: Mapped[int]


class AppointmentRow(Base):
    """One customer's seat in a slot. A cancelled one stays, and leaves its seat to others."""

    __tablename__ = "appointments"
    __table_args__ = (
        Index(
            "uq_appointments_ahead",
            "slot_id",
            "customer_id",
            unique=True,
            sqlite_where=text("cancelled_at IS NULL"),
            postgresql_where=text("cancelled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID))
    booked_at: Mapped[datetime.datetime]
    cancelled_at: Mapped[datetime.datetime | None]


class WatchedRow(Base):
    """An instrument on a customer's watch-list, by code and kind: all that a caller can name."""

    __tablename__ = "watch_list"
    __table_args__ = (UniqueConstraint("customer_id", "code", "kind"), _one_of("kind", "share", "index"))

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(StorableText(WORD))
    kind: Mapped[str] = mapped_column(StorableText(WORD))
    added_at: Mapped[datetime.datetime]


class AgentRow(Base):
    """A person who answers calls; never deleted, so that the history keeps its names."""

    __tablename__ = "agents"
    __table_args__ = (_one_of("role", *ROLES), _one_of("standing", *STANDINGS))

    id: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    name_zh: Mapped[str] = mapped_column(StorableText(NAME))
    name_en: Mapped[str] = mapped_column(StorableText(NAME))
    branch: Mapped[str | None] = mapped_column(StorableText(WORD), ForeignKey("branches.code"), index=True)
    languages: Mapped[tuple[str, ...]] = mapped_column(Words(WORDS))
    dialects: Mapped[tuple[str, ...]] = mapped_column(Words(WORDS))
    skills: Mapped[dict[str, Any]]  # {name: level}
    role: Mapped[str] = mapped_column(StorableText(WORD))
    calls_per_day: Mapped[int | None]
    standing: Mapped[str] = mapped_column(StorableText(WORD))


class AgentPinRow(Base):
    """A table of its own, so that no reader of agents ever has a hash in hand."""

    __tablename__ = "agent_pins"

    agent: Mapped[str] = mapped_column(StorableText(WORD), ForeignKey("agents.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(StorableText(PIN_HASH))
    changed_at: Mapped[datetime.datetime]


class SeatRow(Base):
    """Where an agent can be rung. No two seats ring the same telephone."""

    __tablename__ = "seats"
    __table_args__ = (
        _one_of("kind", *SEAT_KINDS),
        CheckConstraint(
            "(kind IN ('softphone', 'browser') AND endpoint IS NOT NULL AND trunk IS NULL AND number IS NULL)"
            " OR (kind IN ('mobile', 'trunk') AND endpoint IS NULL AND trunk IS NOT NULL AND number IS NOT NULL)",
            name="dialled",
        ),
        UniqueConstraint("trunk", "number"),
    )

    id: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    kind: Mapped[str] = mapped_column(StorableText(WORD))
    endpoint: Mapped[str | None] = mapped_column(StorableText(NUMBER), unique=True)
    trunk: Mapped[str | None] = mapped_column(StorableText(NUMBER))
    number: Mapped[str | None] = mapped_column(StorableText(NUMBER))
    branch: Mapped[str | None] = mapped_column(StorableText(WORD), ForeignKey("branches.code"), index=True)
    accept_key: Mapped[bool]
    kept_open: Mapped[bool]


class SeatPasswordRow(Base):
    """Of a telephone of ours, by its endpoint: a table of its own, so that no reader of seats ever has one in hand."""

    __tablename__ = "seat_passwords"

    endpoint: Mapped[str] = mapped_column(StorableText(NUMBER), primary_key=True)
    ha1: Mapped[str] = mapped_column(StorableText(HA1))
    changed_at: Mapped[datetime.datetime]


_OFFERED = f"state IN ({', '.join(repr(state) for state in sorted(OFFERED))})"


class AgentSessionRow(Base):
    """What each agent is doing now. One agent at one seat, one seat one agent, one call offered to one agent."""

    __tablename__ = "agent_sessions"
    __table_args__ = (
        _one_of("state", *STATES),
        _one_of("next_state", *STATES),
        CheckConstraint("(state = 'logged_out') = (seat IS NULL)", name="seat"),
        CheckConstraint("state NOT IN ('reserved', 'ringing', 'talking') OR call_id <> ''", name="call"),
        Index(
            "uq_agent_sessions_offered",
            "call_id",
            unique=True,
            sqlite_where=text(_OFFERED),
            postgresql_where=text(_OFFERED),
        ),
    )

    agent: Mapped[str] = mapped_column(StorableText(WORD), ForeignKey("agents.id"), primary_key=True)
    state: Mapped[str] = mapped_column(StorableText(WORD))
    since: Mapped[datetime.datetime]
    seat: Mapped[str | None] = mapped_column(StorableText(WORD), ForeignKey("seats.id"), unique=True)
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID))
    until: Mapped[datetime.datetime | None]
    reason: Mapped[str] = mapped_column(StorableText(WORD))
    next_state: Mapped[str | None] = mapped_column(StorableText(WORD))
    next_reason: Mapped[str] = mapped_column(StorableText(WORD))
    missed: Mapped[int]
    version: Mapped[int] = mapped_column(BigInteger)


class AgentChangeRow(Base):
    """The history of sessions. Appended only: triggers refuse a change, in the database itself (migration 0006).

    No foreign keys: what happened outlives whom it happened to.
    """

    __tablename__ = "agent_changes"
    __table_args__ = (
        Index(None, "agent", "at"),
        _one_of("from_state", *STATES),
        _one_of("to_state", *STATES),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    agent: Mapped[str] = mapped_column(StorableText(WORD))
    seat: Mapped[str] = mapped_column(StorableText(WORD))
    since: Mapped[datetime.datetime]
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    from_state: Mapped[str] = mapped_column(StorableText(WORD))
    to_state: Mapped[str] = mapped_column(StorableText(WORD))
    why: Mapped[str] = mapped_column(StorableText(WORD))
    actor: Mapped[str] = mapped_column(StorableText(NAME))
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID), index=True)
    from_reason: Mapped[str] = mapped_column(StorableText(WORD))
    to_reason: Mapped[str] = mapped_column(StorableText(WORD))


class RecordingRow(Base):
    """One recorded talk, or why there is none. The row outlives its file and whomever it is about: no foreign keys."""

    __tablename__ = "recordings"
    __table_args__ = (
        _one_of("consent", *CONSENTS),
        _one_of("state", *RECORDING_STATES),
        CheckConstraint("(state = 'purged') = (purged_at IS NOT NULL)", name="purged"),
        Index(None, "state", "kept_until"),
    )

    name: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID), index=True)
    agent: Mapped[str] = mapped_column(StorableText(WORD))
    seat: Mapped[str] = mapped_column(StorableText(WORD))
    began: Mapped[datetime.datetime] = mapped_column(index=True)
    seconds: Mapped[float] = mapped_column(Double)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(StorableText(DIGEST))
    consent: Mapped[str] = mapped_column(StorableText(WORD))
    state: Mapped[str] = mapped_column(StorableText(WORD))
    fault: Mapped[str] = mapped_column(StorableText(WORD))
    kept_until: Mapped[datetime.datetime]
    purged_at: Mapped[datetime.datetime | None]


class DoNotCallRow(Base):
    """A number that we do not call, whoever's it is."""

    __tablename__ = "do_not_call"

    number: Mapped[str] = mapped_column(StorableText(NUMBER), primary_key=True)
    since: Mapped[datetime.datetime]
    why: Mapped[str] = mapped_column(StorableText(TITLE))
    actor: Mapped[str] = mapped_column(StorableText(NAME))


_NOT_CLOSED = "state <> 'closed'"
_NOT_CLOSED_NUMBER = "state <> 'closed' AND number <> ''"


class MissedCallerRow(Base):
    """Somebody whose calls were missed, until they are reached; one that is not closed per number and per customer."""

    __tablename__ = "missed_callers"
    __table_args__ = (
        _one_of("tier", *TIERS),
        _one_of("reason", *MISSED_REASONS),
        _one_of("state", "open", "taken", "closed"),
        CheckConstraint("(state = 'taken') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        Index(
            "uq_missed_callers_number",
            "number",
            unique=True,
            sqlite_where=text(_NOT_CLOSED_NUMBER),
            postgresql_where=text(_NOT_CLOSED_NUMBER),
        ),
        Index(
            "uq_missed_callers_customer",
            "customer_id",
            unique=True,
            sqlite_where=text(_NOT_CLOSED),
            postgresql_where=text(_NOT_CLOSED),
        ),
        Index(None, "number", "closed_at"),
        Index(None, "customer_id", "closed_at"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    number: Mapped[str] = mapped_column(StorableText(NUMBER))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    tier: Mapped[str] = mapped_column(StorableText(WORD))
    line: Mapped[str] = mapped_column(StorableText(NUMBER))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    reason: Mapped[str] = mapped_column(StorableText(WORD))
    times: Mapped[int]
    first_at: Mapped[datetime.datetime]
    last_at: Mapped[datetime.datetime]
    last_call: Mapped[str] = mapped_column(StorableText(CALL_ID))
    state: Mapped[str] = mapped_column(StorableText(WORD))
    agent: Mapped[str] = mapped_column(StorableText(NAME))
    lease_until: Mapped[datetime.datetime | None]
    attempts: Mapped[int]
    next_try: Mapped[datetime.datetime]
    outcome: Mapped[str] = mapped_column(StorableText(WORD))
    closed_at: Mapped[datetime.datetime | None]
    closed_by: Mapped[str] = mapped_column(StorableText(CALL_ID))


class MissedCallRow(Base):
    """One missed call, and whose entry it counts in: so that noting it twice is noting it once."""

    __tablename__ = "missed_calls"
    __table_args__ = (_one_of("reason", *MISSED_REASONS),)

    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID), primary_key=True)
    caller_id: Mapped[int] = mapped_column(ForeignKey("missed_callers.id"), index=True)
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(StorableText(WORD))


_WAITED_FOR = f"state IN ({', '.join(repr(state) for state in OPEN_CALLBACKS)})"


class WaitingCallbackRow(Base):
    """A place in the queue that outlives its call; one that is open per number."""

    __tablename__ = "waiting_callbacks"
    __table_args__ = (
        _one_of("tier", *TIERS),
        _one_of("state", *CALLBACK_STATES),
        CheckConstraint(
            "(state IN ('agent_reserved', 'dialling', 'talking')) = (lease_until IS NOT NULL)", name="lease"
        ),
        Index(
            "uq_waiting_callbacks_open_number",
            "number",
            unique=True,
            sqlite_where=text(_WAITED_FOR),
            postgresql_where=text(_WAITED_FOR),
        ),
        Index(None, "state", "next_try"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    call_id: Mapped[str] = mapped_column(StorableText(CALL_ID))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    number: Mapped[str] = mapped_column(StorableText(NUMBER))
    line: Mapped[str] = mapped_column(StorableText(NUMBER))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    joined: Mapped[datetime.datetime]
    tier: Mapped[str] = mapped_column(StorableText(WORD))
    needs: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime.datetime]
    state: Mapped[str] = mapped_column(StorableText(WORD))
    attempts: Mapped[int]
    outcome: Mapped[str] = mapped_column(StorableText(WORD))
    tried_at: Mapped[datetime.datetime | None]
    next_try: Mapped[datetime.datetime]
    expires: Mapped[datetime.datetime]
    holder: Mapped[str] = mapped_column(StorableText(NAME))
    lease_until: Mapped[datetime.datetime | None]
    agent: Mapped[str] = mapped_column(StorableText(WORD))
    channel: Mapped[str] = mapped_column(StorableText(CALL_ID))
    closed_at: Mapped[datetime.datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(BigInteger)


class CampaignRow(Base):
    """A campaign that was planned. The lease of a run says who follows it; without a live one nothing is dialled."""

    __tablename__ = "campaigns"
    __table_args__ = (
        _one_of("state", *CAMPAIGN_STATES),
        CheckConstraint("(run_holder = '') = (run_until IS NULL)", name="run"),
    )

    name: Mapped[str] = mapped_column(StorableText(CAMPAIGN), primary_key=True)
    title: Mapped[str] = mapped_column(StorableText(TITLE))
    state: Mapped[str] = mapped_column(StorableText(WORD))
    digest: Mapped[str] = mapped_column(StorableText(DIGEST))
    planned_at: Mapped[datetime.datetime]
    ends_at: Mapped[datetime.datetime]
    run_holder: Mapped[str] = mapped_column(StorableText(NAME))
    run_since: Mapped[datetime.datetime | None]
    run_until: Mapped[datetime.datetime | None]
    actor: Mapped[str] = mapped_column(StorableText(NAME))  # who moved it last
    version: Mapped[int] = mapped_column(BigInteger)


class TargetRow(Base):
    """Somebody whom a campaign calls, once per campaign by ``key``: the account, or the number of who has none."""

    __tablename__ = "targets"
    __table_args__ = (
        _one_of("state", *TARGET_STATES),
        _one_of("tier", *TIERS),
        CheckConstraint(f"rank BETWEEN 0 AND {RANKS - 1}", name="rank"),
        CheckConstraint("(state IN ('waiting', 'held')) = (closed_at IS NULL)", name="closed"),
        UniqueConstraint("campaign", "key"),
        # The next one among a million: by rank, and of equal ones whoever has been due longest (``db.targets``).
        Index(
            "ix_targets_next",
            "campaign",
            "rank",
            "due_at",
            "id",
            sqlite_where=text("state = 'waiting' AND NOT guaranteed"),
            postgresql_where=text("state = 'waiting' AND NOT guaranteed"),
        ),
        Index(
            "ix_targets_promised",
            "campaign",
            "due_at",
            "id",
            sqlite_where=text("state = 'waiting' AND guaranteed"),
            postgresql_where=text("state = 'waiting' AND guaranteed"),
        ),
        Index(None, "campaign", "state"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    campaign: Mapped[str] = mapped_column(StorableText(CAMPAIGN), ForeignKey("campaigns.name"))
    key: Mapped[str] = mapped_column(StorableText(NUMBER))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    account: Mapped[str] = mapped_column(StorableText(ACCOUNT))
    name: Mapped[str] = mapped_column(StorableText(NAME))
    branch: Mapped[str] = mapped_column(StorableText(WORD))
    tier: Mapped[str] = mapped_column(StorableText(WORD))
    language: Mapped[str] = mapped_column(StorableText(LANGUAGE))
    numbers: Mapped[list[str]] = mapped_column(JSON_VALUE)  # of a row without a customer
    data: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(StorableText(WORD))
    why: Mapped[str] = mapped_column(StorableText(WORD))
    due_at: Mapped[datetime.datetime]
    rank: Mapped[int]
    guaranteed: Mapped[bool]
    agent: Mapped[str] = mapped_column(StorableText(WORD))
    attempts: Mapped[int]
    last_outcome: Mapped[str] = mapped_column(StorableText(WORD))
    last_at: Mapped[datetime.datetime | None]
    closed_at: Mapped[datetime.datetime | None]
    version: Mapped[int] = mapped_column(BigInteger)


_NOT_ENDED = "state <> 'ended'"


class AttemptRow(Base):
    """One try to reach a target at one number. While it is open, nobody else dials that target, customer or number."""

    __tablename__ = "attempts"
    __table_args__ = (
        _one_of("state", *ATTEMPT_STATES),
        _one_of("mode", *MODES),
        CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(state = 'ended') = (lease_until IS NULL)", name="lease"),
        CheckConstraint("state IN ('leased', 'ended') OR dialled_at IS NOT NULL", name="dialled"),
        Index(
            "uq_attempts_open_target",
            "target_id",
            unique=True,
            sqlite_where=text(_NOT_ENDED),
            postgresql_where=text(_NOT_ENDED),
        ),
        Index(
            "uq_attempts_open_customer",
            "customer_id",
            unique=True,
            sqlite_where=text(_NOT_ENDED),
            postgresql_where=text(_NOT_ENDED),
        ),
        Index(
            "uq_attempts_open_number",
            "number",
            unique=True,
            sqlite_where=text(_NOT_ENDED),
            postgresql_where=text(_NOT_ENDED),
        ),
        Index(None, "number", "dialled_at"),
        Index(None, "customer_id", "dialled_at"),
        Index(None, "target_id"),
        Index(None, "campaign", "ended_at"),
    )

    id: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True)
    campaign: Mapped[str] = mapped_column(StorableText(CAMPAIGN), ForeignKey("campaigns.name"))
    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    number: Mapped[str] = mapped_column(StorableText(NUMBER))
    rank: Mapped[int]  # of the number: the customer's first telephone has 0
    mode: Mapped[str] = mapped_column(StorableText(WORD))
    chance: Mapped[float] = mapped_column(Double)
    state: Mapped[str] = mapped_column(StorableText(WORD))
    holder: Mapped[str] = mapped_column(StorableText(NAME))
    lease_until: Mapped[datetime.datetime | None]
    channel: Mapped[str] = mapped_column(StorableText(CALL_ID))
    trunk: Mapped[str] = mapped_column(StorableText(NUMBER))
    leased_at: Mapped[datetime.datetime]
    dialled_at: Mapped[datetime.datetime | None]
    answered_at: Mapped[datetime.datetime | None]
    connected_at: Mapped[datetime.datetime | None]
    ended_at: Mapped[datetime.datetime | None]
    agent: Mapped[str] = mapped_column(StorableText(WORD))
    outcome: Mapped[str] = mapped_column(StorableText(WORD))
    cause: Mapped[int]
    sip: Mapped[int]
    announcement: Mapped[str] = mapped_column(StorableText(NAME))
    ring_seconds: Mapped[float] = mapped_column(Double)
    live: Mapped[bool]
    abandoned: Mapped[bool]
    disposition: Mapped[str] = mapped_column(StorableText(WORD))
    note: Mapped[str] = mapped_column(StorableText(WHY))
    version: Mapped[int] = mapped_column(BigInteger)


class ScriptRow(Base):
    """One version of a script that customers were asked by: its very text, so that old answers can be read."""

    __tablename__ = "scripts"

    digest: Mapped[str] = mapped_column(StorableText(DIGEST), primary_key=True)
    name: Mapped[str] = mapped_column(StorableText(WORD), index=True)
    body: Mapped[str] = mapped_column(Text)
    first_at: Mapped[datetime.datetime]


class AnswerRow(Base):
    """What was answered to one question in one attempt; a corrected answer takes the place of the first."""

    __tablename__ = "answers"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    step: Mapped[str] = mapped_column(StorableText(WORD), primary_key=True)
    digest: Mapped[str] = mapped_column(StorableText(DIGEST), ForeignKey("scripts.digest"), index=True)
    answer: Mapped[str] = mapped_column(StorableText(ANSWER))
    agent: Mapped[str] = mapped_column(StorableText(WORD))  # who noted it; "": an automatic call
    at: Mapped[datetime.datetime]
