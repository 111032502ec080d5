"""Projects bound to availability zones."""

import pytest

from tricircle.db.engine import Database
from tricircle.errors import NotFound
from tricircle.sites.binding_store import BindingStore
from tricircle.sites.zone_store import ZoneStore


@pytest.fixture
def store(database: Database) -> BindingStore:
    for name in ("az-1", "az-2"):
        ZoneStore(database).put(name, "", [])
    return BindingStore(database)


def test_a_project_is_not_bound_until_somebody_binds_it(store: BindingStore) -> None:
    assert store.zone_of("project") is None


def test_the_last_binding_counts(store: BindingStore) -> None:
    store.bind("project", "az-1")
    store.bind("project", "az-2")
    store.bind("other", "az-1")
    assert store.zone_of("project") == "az-2"


def test_an_unknown_zone_leaves_the_binding(store: BindingStore) -> None:
    store.bind("project", "az-1")
    with pytest.raises(NotFound, match="az-3"):
        store.bind("project", "az-3")
    assert store.zone_of("project") == "az-1"


def test_a_project_can_be_let_go_twice(store: BindingStore) -> None:
    store.bind("project", "az-1")
    store.unbind("project")
    store.unbind("project")
    assert store.zone_of("project") is None
