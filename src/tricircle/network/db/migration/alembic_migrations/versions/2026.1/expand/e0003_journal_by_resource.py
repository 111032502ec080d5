"""What waits in the journal is found by the resource that it is about."""

from alembic import op

revision = "e0003"
down_revision = "e0002"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_tricircle_journal_resource_id", "tricircle_journal", ["resource_id"])
