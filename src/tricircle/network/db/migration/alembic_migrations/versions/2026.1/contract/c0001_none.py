"""The branch of contractions begins; there is nothing to remove yet."""

from neutron.db.migration import cli

revision = "c0001"
down_revision = "start_tricircle"
branch_labels = (cli.CONTRACT_BRANCH,)


def upgrade() -> None:
    """Change nothing."""
