"""What customers of campaigns answered, and the version of the script in which they were asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scripts",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_scripts"),
    )
    op.create_index("ix_scripts_name", "scripts", ["name"])
    op.create_table(
        "answers",
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(500), nullable=False),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", "step", name="pk_answers"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_answers_attempt_id"),
        sa.ForeignKeyConstraint(["digest"], ["scripts.digest"], name="fk_answers_digest"),
    )
    op.create_index("ix_answers_digest", "answers", ["digest"])


def downgrade() -> None:
    op.drop_table("answers")
    op.drop_table("scripts")
