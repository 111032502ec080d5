"""What networks need: a project's replicated resources are found by name."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the index; nothing that an older process uses changes."""
    op.create_index("ix_definitions_name", "definitions", ["resource_type", "project_id", "name"])
