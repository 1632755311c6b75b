"""Customers, calls and their events, instruments, notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A step never changes with the models, so it spells its types out.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.UniqueConstraint("account", name="uq_customers_account"),
        sa.CheckConstraint("tier IN ('platinum', 'gold', 'silver', 'normal')", name=op.f("ck_customers_tier")),
        sa.CheckConstraint("status IN ('active', 'frozen', 'closed')", name=op.f("ck_customers_status")),
    )
    op.create_table(
        "customer_phones",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer_phones"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_phones_customer_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("customer_id", "number", name="uq_customer_phones_customer_id_number"),
    )
    op.create_index("ix_customer_phones_number", "customer_phones", ["number"])
    op.create_table(
        "calls",
        sa.Column("id", sa.String(150), nullable=False),
        sa.Column("caller", sa.String(64), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("flow", sa.String(128), nullable=False),
        sa.Column("version", sa.String(128), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("resumed", sa.Integer, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_how", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_started_at", "calls", ["started_at"])
    op.create_index(
        "ix_calls_unended",
        "calls",
        ["started_at"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "call_events",
        sa.Column("position", ROW_NUMBER, nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_call_events"),
        sa.UniqueConstraint("event_id", name="uq_call_events_event_id"),
    )
    op.create_index("ix_call_events_call_id_at", "call_events", ["call_id", "at"])
    op.create_table(
        "instruments",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("market", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instruments"),
        sa.UniqueConstraint("code", "market", name="uq_instruments_code_market"),
        sa.CheckConstraint("kind IN ('share', 'index')", name=op.f("ck_instruments_kind")),
    )
    op.create_table(
        "notices",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("published_from", MOMENT, nullable=False),
        sa.Column("published_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("reference", name="uq_notices_reference"),
        sa.CheckConstraint("status IN ('draft', 'published', 'withdrawn')", name=op.f("ck_notices_status")),
    )
    op.create_index("ix_notices_status_published_from", "notices", ["status", "published_from"])
    op.create_table(
        "notice_texts",
        sa.Column("notice_id", ROW_NUMBER, nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("body", sa.String(4000), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "language", name="pk_notice_texts"),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name="fk_notice_texts_notice_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    for table in (
        "notice_texts",
        "notices",
        "instruments",
        "call_events",
        "calls",
        "customer_phones",
        "customers",
    ):
        op.drop_table(table)
