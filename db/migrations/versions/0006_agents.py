"""Agents, their PINs, seats, what agents are doing, and the history of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A step never changes with the models, so it spells its types out.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON_VALUE = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
STATES = "'logged_out', 'idle', 'reserved', 'ringing', 'talking', 'wrap_up', 'paused', 'gone'"
OFFERED = "state IN ('reserved', 'ringing')"
KEEP = "the history of agents is appended only"


def upgrade() -> None:
    _create_agents()
    _create_seats()
    _create_sessions()
    _create_changes()


def downgrade() -> None:
    for table in ("agent_changes", "agent_sessions", "seats", "agent_pins", "agents"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION goldline_agent_changes_are_kept()")


def _create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("branch", sa.String(32), nullable=True),
        sa.Column("languages", sa.String(200), nullable=False),
        sa.Column("dialects", sa.String(200), nullable=False),
        sa.Column("skills", JSON_VALUE, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("calls_per_day", sa.Integer, nullable=True),
        sa.Column("standing", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
        sa.ForeignKeyConstraint(["branch"], ["branches.code"], name="fk_agents_branch"),
        sa.CheckConstraint("role IN ('agent', 'senior', 'supervisor')", name=op.f("ck_agents_role")),
        sa.CheckConstraint("standing IN ('active', 'left')", name=op.f("ck_agents_standing")),
    )
    op.create_index("ix_agents_branch", "agents", ["branch"])
    op.create_table(
        "agent_pins",
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("hash", sa.String(255), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_agent_pins"),
        sa.ForeignKeyConstraint(["agent"], ["agents.id"], name="fk_agent_pins_agent"),
    )


def _create_seats() -> None:
    op.create_table(
        "seats",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=True),
        sa.Column("trunk", sa.String(64), nullable=True),
        sa.Column("number", sa.String(64), nullable=True),
        sa.Column("branch", sa.String(32), nullable=True),
        sa.Column("accept_key", sa.Boolean, nullable=False),
        sa.Column("kept_open", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seats"),
        sa.UniqueConstraint("endpoint", name="uq_seats_endpoint"),
        sa.UniqueConstraint("trunk", "number", name="uq_seats_trunk_number"),
        sa.ForeignKeyConstraint(["branch"], ["branches.code"], name="fk_seats_branch"),
        sa.CheckConstraint("kind IN ('softphone', 'browser', 'mobile', 'trunk')", name=op.f("ck_seats_kind")),
        sa.CheckConstraint(
            "(kind IN ('softphone', 'browser') AND endpoint IS NOT NULL AND trunk IS NULL AND number IS NULL)"
            " OR (kind IN ('mobile', 'trunk') AND endpoint IS NULL AND trunk IS NOT NULL AND number IS NOT NULL)",
            name=op.f("ck_seats_dialled"),
        ),
    )
    op.create_index("ix_seats_branch", "seats", ["branch"])


def _create_sessions() -> None:
    op.create_table(
        "agent_sessions",
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("seat", sa.String(32), nullable=True),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("next_state", sa.String(32), nullable=True),
        sa.Column("next_reason", sa.String(32), nullable=False),
        sa.Column("missed", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_agent_sessions"),
        sa.UniqueConstraint("seat", name="uq_agent_sessions_seat"),
        sa.ForeignKeyConstraint(["agent"], ["agents.id"], name="fk_agent_sessions_agent"),
        sa.ForeignKeyConstraint(["seat"], ["seats.id"], name="fk_agent_sessions_seat"),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_agent_sessions_state")),
        sa.CheckConstraint(f"next_state IN ({STATES})", name=op.f("ck_agent_sessions_next_state")),
        sa.CheckConstraint("(state = 'logged_out') = (seat IS NULL)", name=op.f("ck_agent_sessions_seat")),
        sa.CheckConstraint(
            "state NOT IN ('reserved', 'ringing', 'talking') OR call_id <> ''", name=op.f("ck_agent_sessions_call")
        ),
    )
    op.create_index(
        "uq_agent_sessions_offered",
        "agent_sessions",
        ["call_id"],
        unique=True,
        sqlite_where=sa.text(OFFERED),
        postgresql_where=sa.text(OFFERED),
    )


def _create_changes() -> None:
    op.create_table(
        "agent_changes",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("seat", sa.String(32), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("from_state", sa.String(32), nullable=False),
        sa.Column("to_state", sa.String(32), nullable=False),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("from_reason", sa.String(32), nullable=False),
        sa.Column("to_reason", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agent_changes"),
        sa.CheckConstraint(f"from_state IN ({STATES})", name=op.f("ck_agent_changes_from_state")),
        sa.CheckConstraint(f"to_state IN ({STATES})", name=op.f("ck_agent_changes_to_state")),
    )
    op.create_index("ix_agent_changes_agent_at", "agent_changes", ["agent", "at"])
    op.create_index("ix_agent_changes_at", "agent_changes", ["at"])
    op.create_index("ix_agent_changes_call_id", "agent_changes", ["call_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION goldline_agent_changes_are_kept() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{KEEP}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER agent_changes_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON agent_changes "
            "FOR EACH STATEMENT EXECUTE FUNCTION goldline_agent_changes_are_kept()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER agent_changes_are_kept_{verb.lower()} BEFORE {verb} ON agent_changes "
            f"BEGIN SELECT RAISE(ABORT, '{KEEP}'); END"
        )
