"""Projects bound to availability zones."""

import pytest

from tricircle.db.engine import Database
from tricircle.errors import NotFound
from tricircle.sites.binding_store import Binding, BindingStore
from tricircle.sites.zone_store import ZoneStore

pytestmark = pytest.mark.every_database


@pytest.fixture
def store(database: Database) -> BindingStore:
    for name in ("az-1", "az-2"):
        ZoneStore(database).put(name, "", [])
    return BindingStore(database)


def test_a_project_is_not_bound_until_somebody_binds_it(store: BindingStore) -> None:
    assert store.zone_of("project") is None


def test_the_last_binding_counts(store: BindingStore) -> None:
    assert store.bind("project", "az-1")
    assert not store.bind("project", "az-2")
    store.bind("other", "az-1")
    assert store.zone_of("project") == "az-2"


def test_an_unknown_zone_leaves_the_binding(store: BindingStore) -> None:
    store.bind("project", "az-1")
    with pytest.raises(NotFound, match="az-3"):
        store.bind("project", "az-3")
    assert store.zone_of("project") == "az-1"


def test_a_project_can_be_let_go_twice(store: BindingStore) -> None:
    store.bind("project", "az-1")
    assert store.unbind("project")
    assert not store.unbind("project")
    assert store.zone_of("project") is None


def test_bindings_are_listed_by_project(store: BindingStore) -> None:
    for project, zone in (("c", "az-1"), ("a", "az-2"), ("b", "az-1")):
        store.bind(project, zone)
    a, b, c = Binding("a", "az-2"), Binding("b", "az-1"), Binding("c", "az-1")
    assert store.page() == [a, b, c]
    assert store.page(limit=2) == [a, b]
    assert store.page(marker="a") == [b, c]
    assert store.page(zone="az-1", limit=1) == [b]
    assert store.page(zone="az-3") == []


def test_a_page_begins_after_its_marker_even_if_that_is_gone(store: BindingStore) -> None:
    store.bind("c", "az-1")
    assert store.page(marker="b") == [Binding("c", "az-1")]
