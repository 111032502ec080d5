"""Ids of what each site calls otherwise."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.clock import Clock

from tricircle.errors import DatabaseUnavailable
from tricircle.realise.identifiers import Identifiers

GOLD = ("volume_type", "top", "a", "gold-in-a")


class Store:
    """Stands in for the definitions: rows that can be added to, and a database that can be away."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = [GOLD]
        self.readings = 0
        self.is_away = False

    def names(self, kinds: Sequence[str]) -> list[tuple[str, str, str, str]]:
        """Give the rows."""
        assert set(kinds) == {"volume_type", "qos_spec"}
        if self.is_away:
            raise DatabaseUnavailable("away")
        self.readings += 1
        return self.rows

    def id_in_site(self, kind: str, key: str, site_id: str) -> str | None:
        """Look one up."""
        if self.is_away:
            raise DatabaseUnavailable("away")
        return next((row[3] for row in self.rows if row[:3] == (kind, key, site_id)), None)


@pytest.fixture
def store() -> Store:
    """One volume type in one site."""
    return Store()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def identifiers(store: Any, clock: Clock) -> Identifiers:
    """Ids that are read again after five seconds."""
    return Identifiers(store, 5.0, clock=clock)


def test_ids_are_translated_both_ways(identifiers: Identifiers) -> None:
    assert identifiers.in_site("volume_type", "top", "a") == "gold-in-a"
    assert identifiers.at_top("volume_type", "a", "gold-in-a") == "top"
    assert identifiers.key_of("volume_type", "gold-in-a") == "top"


def test_what_is_not_known_stays_as_it_is(identifiers: Identifiers) -> None:
    assert identifiers.in_site("volume_type", "top", "b") is None
    assert identifiers.at_top("volume_type", "b", "gold-in-a") == "gold-in-a"
    assert identifiers.at_top("qos_spec", "a", "gold-in-a") == "gold-in-a"
    assert identifiers.key_of("qos_spec", "gold-in-a") is None


def test_what_is_new_is_found_though_it_is_not_due_yet(
    identifiers: Identifiers, store: Store, clock: Clock
) -> None:
    """In a site at once: who asks has just been told that it is there."""
    assert identifiers.in_site("volume_type", "top", "b") is None
    store.rows = [GOLD, ("volume_type", "top", "b", "gold-in-b")]
    assert identifiers.in_site("volume_type", "top", "b") == "gold-in-b"
    clock.time += 1.5
    assert identifiers.at_top("volume_type", "b", "gold-in-b") == "top"


def test_what_is_never_found_does_not_have_it_read_each_time(
    identifiers: Identifiers, store: Store, clock: Clock
) -> None:
    for _ in range(100):
        identifiers.at_top("volume_type", "b", "unknown")
        clock.time += 0.001
    assert store.readings == 1


def test_while_the_database_is_away_what_was_read_is_used(
    identifiers: Identifiers, store: Store, clock: Clock
) -> None:
    identifiers.in_site("volume_type", "top", "a")
    store.is_away = True
    clock.time += 10
    assert identifiers.in_site("volume_type", "top", "a") == "gold-in-a"


def test_where_nothing_was_read_yet_ids_stay_as_they_are(identifiers: Identifiers, store: Store) -> None:
    store.is_away = True
    assert identifiers.at_top("volume_type", "a", "gold-in-a") == "gold-in-a"
