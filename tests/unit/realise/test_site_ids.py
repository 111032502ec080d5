"""Ids of networks, subnets, groups and ports between top and sites."""

from typing import Any

import pytest

from tricircle.errors import DatabaseUnavailable
from tricircle.realise.site_ids import SiteIds


class Store:
    """Stands in for the database: one network in one site."""

    def __init__(self) -> None:
        self.known_as: str | None = "net-in-a"
        self.looks = 0
        self.is_away = False

    def id_in_site(self, kind: str, key: str, site_id: str) -> str | None:
        """Look an id up."""
        self._look()
        return self.known_as if (kind, key, site_id) == ("network", "net", "a") else None

    def key_at_top(self, kind: str, site_id: str, site_resource_id: str) -> str | None:
        """Look an id up the other way."""
        self._look()
        return "net" if (kind, site_id, site_resource_id) == ("network", "a", self.known_as) else None

    def _look(self) -> None:
        self.looks += 1
        if self.is_away:
            raise DatabaseUnavailable("away")


@pytest.fixture
def store() -> Store:
    """The database."""
    return Store()


@pytest.fixture
def ids(store: Any) -> SiteIds:
    """Ids over it."""
    return SiteIds(store)


def test_one_look_tells_both_ways(ids: SiteIds, store: Store) -> None:
    assert ids.in_site("network", "net", "a") == "net-in-a"
    for _ in range(3):
        assert ids.at_top("network", "a", "net-in-a") == "net"
    assert store.looks == 1


def test_what_is_not_known_is_looked_for_each_time(ids: SiteIds, store: Store) -> None:
    for place in (("subnet", "net", "a"), ("network", "net", "b"), ("network", "net-in-a", "a")):
        assert ids.in_site(*place) is None
    assert ids.at_top("network", "b", "net-in-a") is ids.at_top("subnet", "a", "net-in-a") is None
    assert store.looks == 5


def test_what_is_kept_needs_no_database(ids: SiteIds, store: Store) -> None:
    ids.in_site("network", "net", "a")
    store.is_away = True
    assert ids.in_site("network", "net", "a") == "net-in-a"
    assert ids.at_top("network", "a", "net-in-a") == "net"
    with pytest.raises(DatabaseUnavailable):
        ids.at_top("network", "a", "other")


def test_one_that_was_made_anew_has_another_id(ids: SiteIds, store: Store) -> None:
    ids.in_site("network", "net", "a")
    store.known_as = "new-in-a"
    assert ids.in_site("network", "net", "a") == "new-in-a"
    assert ids.at_top("network", "a", "new-in-a") == "net"
