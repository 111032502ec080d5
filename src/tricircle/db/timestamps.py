"""Times as the columns hold them: naive, in UTC, with microseconds."""

from datetime import UTC, datetime


def now() -> datetime:
    """Give the present time."""
    return datetime.now(UTC).replace(tzinfo=None)


def render(time: datetime) -> str:
    """Write a time for a client: ISO 8601 in UTC, to the second, as Nova's API does."""
    return time.isoformat(timespec="seconds") + "Z"
