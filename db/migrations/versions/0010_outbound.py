"""Campaigns, whom they call, and each try to reach them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A step never changes with the models, so it spells its types out.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON_VALUE = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIERS = "tier IN ('platinum', 'gold', 'silver', 'normal')"
CAMPAIGN_STATES = "state IN ('planned', 'running', 'paused', 'stopped', 'done')"
TARGET_STATES = "state IN ('waiting', 'held', 'reached', 'refused', 'exhausted', 'expired', 'excluded', 'by_hand')"
ATTEMPT_STATES = "state IN ('leased', 'dialling', 'answered', 'talking', 'ended')"
MODES = "mode IN ('preview', 'progressive', 'power', 'predictive', 'reserved', 'automatic')"
NOT_ENDED = "state <> 'ended'"


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("run_holder", sa.String(128), nullable=False),
        sa.Column("run_since", MOMENT, nullable=True),
        sa.Column("run_until", MOMENT, nullable=True),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_campaigns"),
        sa.CheckConstraint(CAMPAIGN_STATES, name=op.f("ck_campaigns_state")),
        sa.CheckConstraint("(run_holder = '') = (run_until IS NULL)", name=op.f("ck_campaigns_run")),
    )
    _create_targets()
    _create_attempts()


def downgrade() -> None:
    for table in ("attempts", "targets", "campaigns"):
        op.drop_table(table)


def _create_targets() -> None:
    op.create_table(
        "targets",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=True),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("numbers", JSON_VALUE, nullable=False),
        sa.Column("data", JSON_VALUE, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("guaranteed", sa.Boolean, nullable=False),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_outcome", sa.String(32), nullable=False),
        sa.Column("last_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_targets"),
        sa.UniqueConstraint("campaign", "key", name="uq_targets_campaign_key"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.name"], name="fk_targets_campaign"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_targets_customer_id", ondelete="SET NULL"),
        sa.CheckConstraint(TARGET_STATES, name=op.f("ck_targets_state")),
        sa.CheckConstraint(TIERS, name=op.f("ck_targets_tier")),
        sa.CheckConstraint("rank BETWEEN 0 AND 9", name=op.f("ck_targets_rank")),
        sa.CheckConstraint("(state IN ('waiting', 'held')) = (closed_at IS NULL)", name=op.f("ck_targets_closed")),
    )
    op.create_index("ix_targets_customer_id", "targets", ["customer_id"])
    op.create_index("ix_targets_campaign_state", "targets", ["campaign", "state"])
    for name, columns, condition in (
        ("ix_targets_next", ["campaign", "rank", "due_at", "id"], "state = 'waiting' AND NOT guaranteed"),
        ("ix_targets_promised", ["campaign", "due_at", "id"], "state = 'waiting' AND guaranteed"),
    ):
        where = sa.text(condition)
        op.create_index(name, "targets", columns, sqlite_where=where, postgresql_where=where)


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("target_id", ROW_NUMBER, nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=True),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("chance", sa.Double, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("holder", sa.String(128), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("channel", sa.String(150), nullable=False),
        sa.Column("trunk", sa.String(64), nullable=False),
        sa.Column("leased_at", MOMENT, nullable=False),
        sa.Column("dialled_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("connected_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("cause", sa.Integer, nullable=False),
        sa.Column("sip", sa.Integer, nullable=False),
        sa.Column("announcement", sa.String(128), nullable=False),
        sa.Column("ring_seconds", sa.Double, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("abandoned", sa.Boolean, nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.ForeignKeyConstraint(["campaign"], ["campaigns.name"], name="fk_attempts_campaign"),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_attempts_target_id"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_attempts_customer_id", ondelete="SET NULL"),
        sa.CheckConstraint(ATTEMPT_STATES, name=op.f("ck_attempts_state")),
        sa.CheckConstraint(MODES, name=op.f("ck_attempts_mode")),
        sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_attempts_ended")),
        sa.CheckConstraint("(state = 'ended') = (lease_until IS NULL)", name=op.f("ck_attempts_lease")),
        sa.CheckConstraint("state IN ('leased', 'ended') OR dialled_at IS NOT NULL", name=op.f("ck_attempts_dialled")),
    )
    where = sa.text(NOT_ENDED)
    for name, column in (
        ("uq_attempts_open_target", "target_id"),
        ("uq_attempts_open_customer", "customer_id"),
        ("uq_attempts_open_number", "number"),
    ):
        op.create_index(name, "attempts", [column], unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_attempts_number_dialled_at", "attempts", ["number", "dialled_at"])
    op.create_index("ix_attempts_customer_id_dialled_at", "attempts", ["customer_id", "dialled_at"])
    op.create_index("ix_attempts_target_id", "attempts", ["target_id"])
    op.create_index("ix_attempts_campaign_ended_at", "attempts", ["campaign", "ended_at"])
