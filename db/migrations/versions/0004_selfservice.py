"""What a known customer can do: locks, tickets, change requests, slots and appointments, watch-lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_locks()
    _create_tickets()
    _create_appointments()
    op.create_table(
        "watch_list",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watch_list"),
        _of_a_customer("watch_list"),
        sa.UniqueConstraint("customer_id", "code", "kind", name="uq_watch_list_customer_id_code_kind"),
        sa.CheckConstraint("kind IN ('share', 'index')", name=op.f("ck_watch_list_kind")),
    )


def downgrade() -> None:
    for table in (
        "watch_list",
        "appointments",
        "slots",
        "change_requests",
        "tickets",
        "ticket_numbers",
        "account_locks",
    ):
        op.drop_table(table)


def _of_a_customer(table: str, when_deleted: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["customer_id"], ["customers.id"], name=f"fk_{table}_customer_id", ondelete=when_deleted
    )


def _create_locks() -> None:
    op.create_table(
        "account_locks",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("locked_at", MOMENT, nullable=False),
        sa.Column("locked_by", sa.String(128), nullable=False),
        sa.Column("how", sa.String(32), nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.Column("lifted_by", sa.String(128), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_account_locks"),
        _of_a_customer("account_locks"),
        sa.CheckConstraint("how IN ('call', 'desk')", name=op.f("ck_account_locks_how")),
    )
    _unique_while("uq_account_locks_in_force", "account_locks", ["customer_id"], "lifted_at IS NULL")


def _create_tickets() -> None:
    op.create_table(
        "ticket_numbers",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_ticket_numbers"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("recording", sa.String(32), nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("caller", sa.String(64), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("clerk", sa.String(128), nullable=False),
        sa.Column("answer", sa.String(4000), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
        sa.UniqueConstraint("number", name="uq_tickets_number"),
        sa.UniqueConstraint("recording", name="uq_tickets_recording"),
        sa.ForeignKeyConstraint(["number"], ["ticket_numbers.number"], name="fk_tickets_number"),
        _of_a_customer("tickets", "SET NULL"),
        sa.CheckConstraint("kind IN ('complaint', 'suggestion')", name=op.f("ck_tickets_kind")),
        sa.CheckConstraint("state IN ('open', 'in_hand', 'answered', 'closed')", name=op.f("ck_tickets_state")),
    )
    op.create_index("ix_tickets_state_opened_at", "tickets", ["state", "opened_at"])
    op.create_index("ix_tickets_call_id", "tickets", ["call_id"])
    op.create_index("ix_tickets_customer_id", "tickets", ["customer_id"])
    op.create_table(
        "change_requests",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("value", sa.String(254), nullable=False),
        sa.Column("recording", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("clerk", sa.String(128), nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change_requests"),
        sa.UniqueConstraint("number", name="uq_change_requests_number"),
        sa.ForeignKeyConstraint(["number"], ["ticket_numbers.number"], name="fk_change_requests_number"),
        _of_a_customer("change_requests"),
        sa.CheckConstraint("what IN ('phone', 'email', 'address')", name=op.f("ck_change_requests_what")),
        sa.CheckConstraint("state IN ('waiting', 'accepted', 'refused')", name=op.f("ck_change_requests_state")),
    )
    op.create_index("ix_change_requests_state_opened_at", "change_requests", ["state", "opened_at"])
    op.create_index("ix_change_requests_customer_id", "change_requests", ["customer_id"])


def _create_appointments() -> None:
    op.create_table(
        "slots",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("branch", sa.String(32), nullable=False),
        sa.Column("adviser", sa.String(32), nullable=False),
        sa.Column("adviser_zh", sa.String(128), nullable=False),
        sa.Column("adviser_en", sa.String(128), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("booked", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_slots"),
        sa.ForeignKeyConstraint(["branch"], ["branches.code"], name="fk_slots_branch"),
        sa.UniqueConstraint("branch", "adviser", "starts_at", name="uq_slots_branch_adviser_starts_at"),
        sa.CheckConstraint("booked BETWEEN 0 AND capacity", name=op.f("ck_slots_booked")),
    )
    op.create_table(
        "appointments",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("slot_id", ROW_NUMBER, nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("call_id", sa.String(150), nullable=False),
        sa.Column("booked_at", MOMENT, nullable=False),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_appointments_slot_id"),
        _of_a_customer("appointments"),
    )
    op.create_index("ix_appointments_customer_id", "appointments", ["customer_id"])
    _unique_while("uq_appointments_ahead", "appointments", ["slot_id", "customer_id"], "cancelled_at IS NULL")


def _unique_while(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(
        name, table, columns, unique=True, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
    )
