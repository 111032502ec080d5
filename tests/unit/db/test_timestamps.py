"""Times as the database and the clients see them."""

from datetime import datetime

from tricircle.db import timestamps


def test_now_is_naive() -> None:
    assert timestamps.now().tzinfo is None


def test_clients_see_utc_to_the_second() -> None:
    assert timestamps.render(datetime(2026, 1, 31, 12, 0, 1, 999999)) == "2026-01-31T12:00:01Z"  # noqa: DTZ001  # as the columns hold it
