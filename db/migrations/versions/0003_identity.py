"""What is held against whoever tries to prove an identity, and the one-time codes that were sent.

Both tables hold digests under the installation's key, never an account number, a telephone number, a PIN or a code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "identity_tries",
        sa.Column("bucket", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("level", sa.Double, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("bucket", "digest", name="pk_identity_tries"),
        sa.CheckConstraint("bucket IN ('withheld', 'caller', 'account')", name=op.f("ck_identity_tries_bucket")),
    )
    op.create_index("ix_identity_tries_at", "identity_tries", ["at"])
    op.create_table(
        "identity_codes",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("caller", sa.String(64), nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_identity_codes"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_identity_codes_customer_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_identity_codes_account_sent_at", "identity_codes", ["account", "sent_at"])
    op.create_index("ix_identity_codes_caller_sent_at", "identity_codes", ["caller", "sent_at"])
    op.create_index("ix_identity_codes_sent_at", "identity_codes", ["sent_at"])


def downgrade() -> None:
    op.drop_table("identity_codes")
    op.drop_table("identity_tries")
