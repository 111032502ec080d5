"""The root that the expansions and the contractions have in common."""

revision = "start_tricircle"
down_revision = None


def upgrade() -> None:
    """Change nothing."""
