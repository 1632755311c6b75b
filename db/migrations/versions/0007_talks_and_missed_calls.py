"""Recordings of talks, missed callers, callbacks that keep their place, and numbers not to be called."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A step never changes with the models, so it spells its types out.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON_VALUE = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIERS = "tier IN ('platinum', 'gold', 'silver', 'normal')"
REASONS = "reason IN ('abandoned', 'turned_away', 'cut_talk', 'callback_expired')"
OPEN = "state IN ('waiting', 'agent_reserved', 'dialling', 'talking')"


def upgrade() -> None:
    _create_recordings()
    op.create_table(
        "do_not_call",
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_do_not_call"),
    )
    _create_missed()
    _create_waiting_callbacks()


def downgrade() -> None:
    for table in ("waiting_callbacks", "missed_calls", "missed_callers", "do_not_call", "recordings"):
        op.drop_table(table)


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("seat", sa.String(32), nullable=False),
        sa.Column("began", MOMENT, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("consent", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("fault", sa.String(32), nullable=False),
        sa.Column("kept_until", MOMENT, nullable=False),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_recordings"),
        sa.CheckConstraint("consent IN ('announced', 'refused')", name=op.f("ck_recordings_consent")),
        sa.CheckConstraint("state IN ('kept', 'refused', 'lost', 'purged')", name=op.f("ck_recordings_state")),
        sa.CheckConstraint("(state = 'purged') = (purged_at IS NOT NULL)", name=op.f("ck_recordings_purged")),
    )
    op.create_index("ix_recordings_call_id", "recordings", ["call_id"])
    op.create_index("ix_recordings_began", "recordings", ["began"])
    op.create_index("ix_recordings_state_kept_until", "recordings", ["state", "kept_until"])


def _create_missed() -> None:
    op.create_table(
        "missed_callers",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=True),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("last_call", sa.String(150), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("agent", sa.String(128), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", sa.String(150), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_missed_callers"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_missed_callers_customer_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint(TIERS, name=op.f("ck_missed_callers_tier")),
        sa.CheckConstraint(REASONS, name=op.f("ck_missed_callers_reason")),
        sa.CheckConstraint("state IN ('open', 'taken', 'closed')", name=op.f("ck_missed_callers_state")),
        sa.CheckConstraint("(state = 'taken') = (lease_until IS NOT NULL)", name=op.f("ck_missed_callers_lease")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_missed_callers_closed")),
    )
    for name, column, where in (
        ("uq_missed_callers_number", "number", "state <> 'closed' AND number <> ''"),
        ("uq_missed_callers_customer", "customer_id", "state <> 'closed'"),
    ):
        op.create_index(
            name,
            "missed_callers",
            [column],
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    op.create_index("ix_missed_callers_number_closed_at", "missed_callers", ["number", "closed_at"])
    op.create_index("ix_missed_callers_customer_id_closed_at", "missed_callers", ["customer_id", "closed_at"])
    op.create_table(
        "missed_calls",
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("caller_id", ROW_NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_missed_calls"),
        sa.ForeignKeyConstraint(["caller_id"], ["missed_callers.id"], name="fk_missed_calls_caller_id"),
        sa.CheckConstraint(REASONS, name=op.f("ck_missed_calls_reason")),
    )
    op.create_index("ix_missed_calls_caller_id", "missed_calls", ["caller_id"])
    op.create_index("ix_missed_calls_at", "missed_calls", ["at"])


def _create_waiting_callbacks() -> None:
    op.create_table(
        "waiting_callbacks",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=True),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("joined", MOMENT, nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("needs", JSON_VALUE, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("tried_at", MOMENT, nullable=True),
        sa.Column("next_try", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(150), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waiting_callbacks"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_waiting_callbacks_customer_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint(TIERS, name=op.f("ck_waiting_callbacks_tier")),
        sa.CheckConstraint(
            f"{OPEN} OR state IN ('done', 'failed', 'expired', 'refused')", name=op.f("ck_waiting_callbacks_state")
        ),
        sa.CheckConstraint(
            "(state IN ('agent_reserved', 'dialling', 'talking')) = (lease_until IS NOT NULL)",
            name=op.f("ck_waiting_callbacks_lease"),
        ),
    )
    op.create_index("ix_waiting_callbacks_customer_id", "waiting_callbacks", ["customer_id"])
    op.create_index("ix_waiting_callbacks_closed_at", "waiting_callbacks", ["closed_at"])
    op.create_index("ix_waiting_callbacks_state_next_try", "waiting_callbacks", ["state", "next_try"])
    op.create_index(
        "uq_waiting_callbacks_open_number",
        "waiting_callbacks",
        ["number"],
        unique=True,
        sqlite_where=sa.text(OPEN),
        postgresql_where=sa.text(OPEN),
    )
