"""Of some kinds a site gets only what something there needs."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from tests.unit.realise.shelves import A, B, Shelves, names

from tricircle.db.engine import Database
from tricircle.db.timestamps import now
from tricircle.realise.definition import Changed, Definition, DefinitionState, Known
from tricircle.realise.store import DefinitionStore

pytestmark = pytest.mark.every_database


def network(put: Shelves, key: str = "net", **more: object) -> Known:
    """Put a network there that no site needs yet."""
    return put(key, "network", **more)


def want(database: Database, store: DefinitionStore, known: Known, site_id: str) -> bool:
    """Note that a site needs it."""
    return database.transact(lambda connection: store.realised.want(connection, known.definition.id, site_id))


def test_a_site_is_behind_with_what_it_needs_and_with_nothing_else(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    known = network(put)
    assert names(store.behind(A.id)) == names(store.behind(B.id)) == []
    assert want(database, store, known, A.id)
    assert not want(database, store, known, A.id)
    assert (names(store.behind(A.id)), names(store.behind(B.id))) == (["net"], [])


def test_what_is_gone_cannot_be_wanted(database: Database, store: DefinitionStore) -> None:
    with pytest.raises(Changed):
        database.transact(lambda connection: store.realised.want(connection, "none", A.id))


def test_a_tombstone_waits_for_the_sites_that_have_it(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    known = network(put, sites={A.id: "net-in-a"})
    gone = network(put, state=DefinitionState.DELETED).definition
    database.transact(store.bury)
    assert store.find("network", "net") is not None
    database.transact(
        lambda connection: store.realised.record(
            connection, gone.id, A.id, site_resource_id=None, seen=1, version=gone.version
        )
    )
    database.transact(store.bury)
    assert store.get(known.definition.id) is None


def test_of_two_who_note_an_id_the_first_one_holds(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    known = network(put)
    want(database, store, known, A.id)

    def keep(site_resource_id: str, seen: str | None) -> None:
        database.transact(
            lambda connection: store.realised.keep_id(
                connection, known.definition.id, A.id, site_resource_id, seen=seen
            )
        )

    keep("first", None)
    keep("first", None)
    with pytest.raises(Changed):
        keep("second", None)
    assert store.realised.id_in_site("network", "net", A.id) == "first"
    keep("third", "first")
    assert store.realised.key_at_top("network", A.id, "third") == "net"
    assert store.realised.key_at_top("subnet", A.id, "third") is None
    assert store.realised.key_at_top("network", B.id, "third") is None
    assert store.realised.id_in_site("network", "net", B.id) is None


def test_what_leaves_a_site_is_forgotten_unless_it_is_needed_again(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    known = network(put, sites={A.id: "net-in-a", B.id: "net-in-b"})
    later = now() + timedelta(hours=1)

    def leave(site_id: str, before: datetime = later, seen: Definition = known.definition) -> bool:
        return database.transact(lambda connection: store.realised.leave(connection, seen, site_id, before))

    def forget(site_id: str) -> None:
        database.transact(lambda connection: store.realised.forget(connection, known.definition.id, site_id))

    assert not leave(A.id, before=now() - timedelta(hours=1))
    assert not leave(A.id, seen=replace(known.definition, version=7))
    assert leave(A.id)
    assert leave(B.id)
    assert store.realised.is_leaving(known.definition.id, A.id)
    assert not want(database, store, known, B.id)
    assert not store.realised.is_leaving(known.definition.id, B.id)
    forget(A.id)
    with pytest.raises(Changed):
        forget(B.id)
    latest = store.get(known.definition.id)
    assert latest is not None
    assert latest.realisations.keys() == {B.id}
    assert (latest.version_in(B.id), latest.id_in(B.id)) == (0, "net-in-b")


def test_an_id_of_what_is_not_wanted_is_not_noted(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    known = network(put)
    with pytest.raises(Changed):
        database.transact(
            lambda connection: store.realised.keep_id(connection, known.definition.id, A.id, "x", seen=None)
        )


def test_what_is_not_wanted_any_more_is_not_noted(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    known = network(put)
    record = partial(
        store.realised.record,
        definition_id=known.definition.id,
        site_id=A.id,
        site_resource_id="x",
        seen=0,
        version=1,
        is_wanted=True,
    )
    with pytest.raises(Changed):
        database.transact(record)
    want(database, store, known, A.id)
    database.transact(record)
    assert names(store.behind(A.id)) == []


def test_what_a_site_calls_one_thing_it_calls_no_other_of_its_kind(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    network(put, "former", sites={A.id: "x"})
    known = network(put)
    want(database, store, known, A.id)
    keep = partial(
        store.realised.keep_id, definition_id=known.definition.id, site_id=A.id, site_resource_id="x"
    )
    with pytest.raises(Changed):
        database.transact(lambda connection: keep(connection, seen=None))
    other = put("group", "security_group").definition
    database.transact(lambda connection: store.realised.want(connection, other.id, A.id))
    database.transact(lambda connection: store.realised.keep_id(connection, other.id, A.id, "x", seen=None))


def test_a_port_that_a_site_is_to_have_names_its_network_and_its_groups(
    database: Database, store: DefinitionStore, put: Shelves
) -> None:
    body = {"id": "port", "network_id": "net", "security_groups": ["web"]}
    port = put("port", "port", **body).definition
    network(put, description="port and web")

    def named(site_id: str) -> list[str]:
        names = store.realised.has_port_naming
        with database.read() as connection:
            return [key for key in ("net", "web", "port", "%") if names(connection, key, site_id)]

    assert named(A.id) == []
    database.transact(partial(store.realised.want, definition_id=port.id, site_id=A.id))
    assert (named(A.id), named(B.id)) == (["net", "web"], [])
    database.transact(partial(store.realised.want_no_more, definition_id=port.id, site_id=A.id))
    assert named(A.id) == []
    database.transact(partial(store.realised.want, definition_id=port.id, site_id=A.id))
    put("port", "port", state=DefinitionState.DELETED, **body)
    assert named(A.id) == []
