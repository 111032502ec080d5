"""Address blocks, adopted ports, the journal."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from neutron.db.migration import cli

revision = "e0001"
down_revision = "start_tricircle"
branch_labels = (cli.EXPAND_BRANCH,)


def _within(name: str, table: str, **options: Any) -> sa.Column[str]:
    """Make a column that names a row of Neutron's, and goes with it."""
    key = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(name, sa.String(36), key, nullable=False, **options)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tricircle_address_blocks",
        sa.Column("id", sa.String(36), primary_key=True, nullable=False),
        _within("network_id", "networks", index=True),
        _within("subnet_id", "subnets", index=True),
        sa.Column("project_id", sa.String(255), nullable=True),
        sa.Column("site_id", sa.String(36), nullable=False),
        sa.Column("first_ip", sa.String(64), nullable=False),
        sa.Column("last_ip", sa.String(64), nullable=False),
    )
    op.create_table(
        "tricircle_adopted_ports",
        _within("port_id", "ports", primary_key=True),
        sa.Column("site_id", sa.String(36), nullable=False, index=True),
    )
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "tricircle_journal",
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("resource_type", sa.String(64), nullable=False),
        sa.Column("resource_id", sa.String(36), nullable=False),
        sa.Column("project_id", sa.String(255), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("created_at", sa.DateTime, nullable=False, server_default=sa.func.now()),
        sqlite_autoincrement=True,
    )
