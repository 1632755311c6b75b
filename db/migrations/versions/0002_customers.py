"""Customers with all that is known of them, branches, PINs, tiers and their changes, the audit trail.

``frozen`` becomes ``dormant``; a name goes to the column of the customer's language. Numbers of the mainland get their
country code. The tables of customers are made anew: SQLite changes no constraint, and dropping a table that others
point to would take their rows with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A step never changes with the models, so it spells its types out.
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON_VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIERS = "('platinum', 'gold', 'silver', 'normal')"
KEEP_AUDIT = "rows of the audit trail are never changed nor deleted"


def upgrade() -> None:
    _take_your_time()
    _set_aside("customers", "customer_phones")
    op.create_table(
        "branches",
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_branches"),
    )
    _create_customers()
    _create_tiers()
    _create_audit()
    op.execute(
        "INSERT INTO customers (account, name_zh, name_en, languages, dialect, tier, rules_tier, status, stage,"
        " manager, backups, do_not_call, recording_refused, email, address, created_at) "
        "SELECT account, CASE language WHEN 'en' THEN '' ELSE name END, CASE language WHEN 'en' THEN name ELSE '' END,"
        " CASE language WHEN 'en' THEN 'en' ELSE 'zh' END, '', tier, tier,"
        " CASE status WHEN 'frozen' THEN 'dormant' ELSE status END, '', '', '', false, false, '', '', created_at "
        "FROM kept_customers ORDER BY id"
    )
    op.execute(
        "INSERT INTO customer_phones (customer_id, number, rank, state) "
        "SELECT customers.id, CASE"
        " WHEN length(phone.number) = 11 AND substr(phone.number, 1, 1) = '1' AND substr(phone.number, 2, 1) >= '3'"
        " THEN '+86' || phone.number"
        " WHEN length(phone.number) BETWEEN 10 AND 12 AND substr(phone.number, 1, 1) = '0'"
        " AND substr(phone.number, 2, 1) <> '0' THEN '+86' || substr(phone.number, 2)"
        " ELSE phone.number END,"
        " row_number() OVER (PARTITION BY phone.customer_id ORDER BY phone.id) - 1, 'good' "
        "FROM kept_customer_phones AS phone JOIN kept_customers ON kept_customers.id = phone.customer_id "
        "JOIN customers ON customers.account = kept_customers.account ORDER BY phone.id"
    )
    _drop("kept_customer_phones", "kept_customers")


def downgrade() -> None:
    _take_your_time()
    _drop("audit", "tier_changes", "tier_overrides", "customer_pins")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION goldline_audit_is_kept()")
    _set_aside("customers", "customer_phones")
    op.drop_table("branches")
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
        sa.CheckConstraint(f"tier IN {TIERS}", name=op.f("ck_customers_tier")),
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
    op.execute(
        "INSERT INTO customers (account, name, tier, status, language, created_at) "
        "SELECT account, CASE WHEN name_zh = '' THEN name_en ELSE name_zh END, tier,"
        " CASE status WHEN 'new' THEN 'active' WHEN 'dormant' THEN 'frozen' WHEN 'lost' THEN 'closed' ELSE status END,"
        " CASE WHEN languages LIKE 'en%' THEN 'en' ELSE 'zh' END, created_at FROM kept_customers ORDER BY id"
    )
    op.execute(
        "INSERT INTO customer_phones (customer_id, number) SELECT customers.id, CASE"
        " WHEN phone.number LIKE '+861%' AND length(phone.number) = 14 THEN substr(phone.number, 4)"
        " WHEN phone.number LIKE '+86%' THEN '0' || substr(phone.number, 4) ELSE phone.number END "
        "FROM kept_customer_phones AS phone JOIN kept_customers ON kept_customers.id = phone.customer_id "
        "JOIN customers ON customers.account = kept_customers.account ORDER BY phone.customer_id, phone.rank"
    )
    _drop("kept_customer_phones", "kept_customers")


def _create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("branch", sa.String(32), nullable=True),
        sa.Column("languages", sa.String(200), nullable=False),
        sa.Column("dialect", sa.String(16), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("rules_tier", sa.String(32), nullable=False),
        sa.Column("below_since", sa.Date, nullable=True),
        sa.Column("below_best", sa.String(32), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("manager", sa.String(32), nullable=False),
        sa.Column("backups", sa.String(200), nullable=False),
        sa.Column("do_not_call", sa.Boolean, nullable=False),
        sa.Column("quiet_from", sa.Time, nullable=True),
        sa.Column("quiet_until", sa.Time, nullable=True),
        sa.Column("recording_refused", sa.Boolean, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("assets", sa.BigInteger, nullable=True),
        sa.Column("commission", sa.BigInteger, nullable=True),
        sa.Column("points", sa.BigInteger, nullable=True),
        sa.Column("opened_on", sa.Date, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        sa.ForeignKeyConstraint(["branch"], ["branches.code"], name="fk_customers_branch"),
        sa.UniqueConstraint("account", name="uq_customers_account"),
        sa.CheckConstraint(f"tier IN {TIERS}", name=op.f("ck_customers_tier")),
        sa.CheckConstraint(f"rules_tier IN {TIERS}", name=op.f("ck_customers_rules_tier")),
        sa.CheckConstraint(f"below_best IN {TIERS}", name=op.f("ck_customers_below_best")),
        sa.CheckConstraint(
            "status IN ('new', 'active', 'dormant', 'closed', 'lost')", name=op.f("ck_customers_status")
        ),
        sa.CheckConstraint(
            "stage IN ('', 'onboarding', 'growing', 'mature', 'declining', 'winning_back')",
            name=op.f("ck_customers_stage"),
        ),
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name=op.f("ck_customers_quiet")),
        sa.CheckConstraint("(below_since IS NULL) = (below_best IS NULL)", name=op.f("ck_customers_below")),
    )
    op.create_index("ix_customers_branch", "customers", ["branch"])
    op.create_table(
        "customer_phones",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("confirmed_on", sa.Date, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_customer_phones"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_phones_customer_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("customer_id", "number", name="uq_customer_phones_customer_id_number"),
        sa.CheckConstraint(
            "state IN ('good', 'unallocated', 'stopped', 'switched_off', 'wrong_person')",
            name=op.f("ck_customer_phones_state"),
        ),
    )
    op.create_index("ix_customer_phones_number", "customer_phones", ["number"])
    op.create_table(
        "customer_pins",
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.String(255), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customer_pins"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_customer_pins_customer_id", ondelete="CASCADE"
        ),
    )


def _create_tiers() -> None:
    op.create_table(
        "tier_overrides",
        sa.Column("customer_id", ROW_NUMBER, nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("why", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_tier_overrides"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_tier_overrides_customer_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint(f"tier IN {TIERS}", name=op.f("ck_tier_overrides_tier")),
    )
    op.create_table(
        "tier_changes",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("from_tier", sa.String(32), nullable=False),
        sa.Column("to_tier", sa.String(32), nullable=False),
        sa.Column("why", sa.String(1000), nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tier_changes"),
        sa.CheckConstraint(f"from_tier IN {TIERS}", name=op.f("ck_tier_changes_from_tier")),
        sa.CheckConstraint(f"to_tier IN {TIERS}", name=op.f("ck_tier_changes_to_tier")),
    )
    op.create_index("ix_tier_changes_account_at", "tier_changes", ["account", "at"])
    op.create_index("ix_tier_changes_at", "tier_changes", ["at"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("data", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_account_at", "audit", ["account", "at"])
    op.create_index("ix_audit_at", "audit", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION goldline_audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{KEEP_AUDIT}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION goldline_audit_is_kept()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_is_kept_{verb.lower()} BEFORE {verb} ON audit "
            f"BEGIN SELECT RAISE(ABORT, '{KEEP_AUDIT}'); END"
        )


def _take_your_time() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")  # a million customers are not copied in ten seconds


def _set_aside(*tables: str) -> None:
    for table in tables:
        op.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608 - names of our own
    for table in reversed(tables):
        op.drop_table(table)


def _drop(*tables: str) -> None:
    for table in tables:
        op.drop_table(table)
