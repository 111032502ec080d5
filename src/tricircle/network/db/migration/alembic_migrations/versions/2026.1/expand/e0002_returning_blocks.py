"""Address blocks that are about to be given back."""

import sqlalchemy as sa
from alembic import op

revision = "e0002"
down_revision = "e0001"


def upgrade() -> None:
    """Add the mark; no block that is there bears it."""
    column = sa.Column("is_returning", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("tricircle_address_blocks", column)
