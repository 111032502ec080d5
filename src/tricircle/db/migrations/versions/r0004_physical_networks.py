"""What networks across sites need: what each site calls the physical networks of the top."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; an older process leaves it empty, which says nothing."""
    op.add_column("sites", sa.Column("physical_networks", sa.Text()))
