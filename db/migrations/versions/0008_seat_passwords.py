"""The passwords of seats' telephones, as SIP's digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seat_passwords",
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("ha1", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", name="pk_seat_passwords"),
    )


def downgrade() -> None:
    op.drop_table("seat_passwords")
