"""The editable table of trading days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trading_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("trading", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(128), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_trading_days"),
    )


def downgrade() -> None:
    op.drop_table("trading_days")
