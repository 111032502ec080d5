"""Definitions and realisations in the database."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from tests.unit.realise.shelves import A, B, Shelves, names

from tricircle.db.engine import Database
from tricircle.realise.definition import FORMER, Changed, Definition, DefinitionState, Known
from tricircle.realise.store import DefinitionStore

pytestmark = pytest.mark.every_database


def test_what_is_put_is_found_with_its_realisations(store: DefinitionStore, put: Shelves) -> None:
    put("other")
    known = put("x", name="ex", sites={A.id: "x-in-a", B.id: None}, ram=1, specs={"ü": "☃"})
    assert store.find("flavor", "x") == store.get(known.definition.id) == known
    assert known.definition.body == {"ram": 1, "specs": {"ü": "☃"}}
    assert (known.definition.version, known.definition.state) == (1, DefinitionState.ACTIVE)
    assert (known.id_in(A.id), known.id_in(B.id), known.in_step(A.id)) == ("x-in-a", None, True)
    assert store.find("keypair", "x") is store.find("flavor", "X") is store.get("none") is None


def test_several_are_found_by_keys_and_names(store: DefinitionStore, put: Shelves) -> None:
    for key in ("a", "b", "c"):
        put(key, name=f"name of {key}", sites={A.id: None, B.id: None})
    put("a", "volume_type")
    found = store.several([("flavor", "a"), ("flavor", "none")], [("flavor", "name of c")])
    assert [known.definition.key for known in found] == ["a", "c"]
    assert [len(known.realisations) for known in found] == [2, 2]
    assert store.several([], []) == []


def test_who_refers_to_another_is_found(store: DefinitionStore, put: Shelves) -> None:
    put("t1", "volume_type", qos_spec="q")
    put("t2", "volume_type", qos_spec=None)
    assert [known.definition.key for known in store.referring("qos_spec", "q", "volume_type")] == ["t1"]


class TestProposing:
    def test_one_that_is_there_is_left_as_it_is(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        known = put("x", ram=1)
        again = database.transact(lambda connection: store.propose(connection, "flavor", "x", "other"))
        assert again == known.definition

    def test_of_many_at_once_all_get_the_same(self, database: Database, store: DefinitionStore) -> None:
        def propose(_: int) -> str:
            return database.transact(lambda connection: store.propose(connection, "flavor", "x", "x")).id

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(propose, range(32)))) == 1

    def test_a_pending_one_can_be_dropped_and_no_other(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        pending = database.transact(lambda connection: store.propose(connection, "flavor", "x", "x"))
        active = put("y").definition
        for definition in (pending, active):
            database.transact(lambda connection, of=definition: store.drop(connection, of.id))  # type: ignore[misc]
        assert store.get(pending.id) is None
        assert store.get(active.id) is not None


class TestChanging:
    def test_only_what_was_seen_is_changed(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        seen = put("x", ram=1).definition
        put("x", ram=2)
        with pytest.raises(Changed):
            database.transact(
                lambda connection: store.define(
                    connection, seen, key="x", name="x", body={"ram": 3}, state=seen.state
                )
            )
        now = store.get(seen.id)
        assert now is not None
        assert (now.definition.body, now.definition.version) == ({"ram": 2}, 2)

    def test_a_key_that_another_has_is_not_taken(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        put("taken")
        pending = database.transact(lambda connection: store.propose(connection, "flavor", "?x", "x"))
        with pytest.raises(Changed):
            database.transact(
                lambda connection: store.define(
                    connection, pending, key="taken", name="x", body={}, state=DefinitionState.ACTIVE
                )
            )

    def test_a_site_that_has_the_one_that_was_deleted_has_a_former_one(
        self, store: DefinitionStore, put: Shelves
    ) -> None:
        put("x", sites={A.id: "x", B.id: "x"})
        put("x", sites={A.id: None}, state=DefinitionState.DELETED)
        known = put("x", sites={A.id: "x"})
        assert (known.in_step(A.id), known.version_in(B.id)) == (True, FORMER)

    def test_an_agreement_is_noted_only_where_nobody_else_has_noted_one(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        definition = put("x", sites={A.id: "x"}).definition
        for site_id, seen in ((A.id, 0), (A.id, 7), (B.id, 1)):
            with pytest.raises(Changed):
                database.transact(
                    lambda connection, of=site_id, seen=seen: store.realised.record(  # type: ignore[misc]
                        connection, definition.id, of, site_resource_id="y", seen=seen, version=9
                    )
                )
        known = store.get(definition.id)
        assert known is not None
        assert (known.version_in(A.id), known.version_in(B.id)) == (1, 0)

    def test_an_agreement_with_what_is_gone_is_none(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        known = put("x")
        for definition_id, site_id in (("none", A.id), (known.definition.id, "none")):
            with pytest.raises(Changed):
                database.transact(
                    lambda connection, of=definition_id, at=site_id: store.realised.record(  # type: ignore[misc]
                        connection, of, at, site_resource_id=None, seen=0, version=1
                    )
                )

    def test_drift_is_kept_of_the_version_that_was_compared(
        self, store: DefinitionStore, put: Shelves
    ) -> None:
        old = put("x", sites={A.id: "x", B.id: "x"})
        put("x", sites={B.id: "x"})
        for site_id in (A.id, B.id):
            store.realised.note_drift(old.definition, site_id, "it is not there")
        known = store.find("flavor", "x")
        assert known is not None
        assert {site_id: each.drift for site_id, each in known.realisations.items()} == {
            A.id: "it is not there",
            B.id: None,
        }


class TestBurying:
    def bury(self, database: Database, store: DefinitionStore) -> set[str]:
        """Bury what can be, and return what is left."""
        database.transact(store.bury)
        return self.left(store)

    @staticmethod
    def left(store: DefinitionStore) -> set[str]:
        names = ("alive", "half", "gone", "late", "first", "second")
        return {known.definition.key for known in store.several([("flavor", name) for name in names])}

    def test_what_every_registered_site_has_heard_of_goes(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        put("alive", sites={A.id: None, B.id: None})
        put("half", sites={A.id: None}, state=DefinitionState.DELETED)
        put("gone", sites={A.id: None, B.id: None}, state=DefinitionState.DELETED)
        put("late", sites={A.id: "x", B.id: "x"})
        put("late", sites={A.id: None}, state=DefinitionState.DELETED)
        assert self.bury(database, store) == {"alive", "half", "late"}

    def test_a_site_that_goes_is_waited_for_no_more(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        put("half", sites={A.id: None}, state=DefinitionState.DELETED)
        with database.write() as connection:
            connection.execute(sa.text("DELETE FROM sites WHERE id = :id"), {"id": B.id})
        assert self.bury(database, store) == set()

    def test_one_alone_may_be_named(self, database: Database, store: DefinitionStore, put: Shelves) -> None:
        both = {A.id: None, B.id: None}
        first = put("first", sites=both, state=DefinitionState.DELETED)
        put("second", sites=both, state=DefinitionState.DELETED)
        database.transact(lambda connection: store.bury(connection, first.definition.id))
        assert self.left(store) == {"second"}


class TestLooking:
    def test_a_site_is_behind_with_what_it_does_not_agree_with(
        self, database: Database, store: DefinitionStore, put: Shelves
    ) -> None:
        put("type", "volume_type", sites={A.id: "t"})
        put("spec", "qos_spec")
        put("dead", sites={A.id: None}, state=DefinitionState.DELETED)
        put("same", sites={A.id: "s", B.id: "s"})
        database.transact(lambda connection: store.propose(connection, "flavor", "pending", "pending"))
        assert names(store.behind(A.id)) == ["spec"]
        assert names(store.behind(B.id)) == ["dead", "spec", "type"]

    def test_a_site_is_in_step_with_the_rest_page_by_page(
        self, store: DefinitionStore, put: Shelves, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tricircle.realise.store._AT_ONCE", 2)
        for number in range(5):
            put(str(number), sites={A.id: None, B.id: None})
        put("behind", sites={B.id: None})
        put("dead", sites={A.id: None}, state=DefinitionState.DELETED)
        seen: list[Known] = []
        while page := store.in_step(A.id, seen[-1].definition.id if seen else ""):
            assert len(page) <= 2
            seen += page
        assert sorted(known.definition.key for known in seen) == ["0", "1", "2", "3", "4"]

    def test_tombstones_are_found_by_the_beginning_of_their_keys(
        self, store: DefinitionStore, put: Shelves
    ) -> None:
        for key in ("al_ce|x", "alice|x", "al_ce|y"):
            put(key, "keypair", state=DefinitionState.DELETED)
        put("al_ce|z", "keypair")
        assert sorted(names(store.tombstones("keypair", "al_ce|"))) == ["al_ce|x", "al_ce|y"]
        assert len(store.tombstones("keypair")) == 3

    def test_ids_are_those_of_what_there_is(self, store: DefinitionStore, put: Shelves) -> None:
        put("t", "volume_type", sites={A.id: "t-in-a", B.id: None})
        put("q", "qos_spec", sites={B.id: "q-in-b"})
        put("dead", "volume_type", sites={A.id: "d"}, state=DefinitionState.DELETED)
        put("f", sites={A.id: "f"})
        assert sorted(store.realised.names(["volume_type", "qos_spec"])) == [
            ("qos_spec", "q", B.id, "q-in-b"),
            ("volume_type", "t", A.id, "t-in-a"),
        ]


class TestShownAtTop:
    def define(
        self, database: Database, store: DefinitionStore, name: str, *, is_first: bool = False
    ) -> tuple[Definition, bool]:
        """Define a group as the top shows it."""
        return database.transact(
            lambda connection: store.define_as_shown(
                connection,
                "security_group",
                "g",
                name=name,
                project_id="blue",
                body={"name": name},
                is_first=is_first,
            )
        )

    def test_each_change_is_a_version(self, database: Database, store: DefinitionStore) -> None:
        for name, version, changed in (("a", 1, True), ("a", 1, False), ("b", 2, True)):
            definition, has_changed = self.define(database, store, name)
            assert (definition.version, definition.name, has_changed) == (version, name, changed)
            assert store.find("security_group", "g") == Known(definition, {})

    def test_who_defines_it_first_leaves_what_others_know(
        self, database: Database, store: DefinitionStore
    ) -> None:
        self.define(database, store, "new")
        definition, has_changed = self.define(database, store, "old", is_first=True)
        assert (definition.name, has_changed) == ("new", False)

    def test_what_is_deleted_stays_so(self, database: Database, store: DefinitionStore, put: Shelves) -> None:
        put("g", "security_group", state=DefinitionState.DELETED)
        definition, has_changed = self.define(database, store, "again")
        assert (definition.state, has_changed) == (DefinitionState.DELETED, False)

    def test_a_projects_are_found_by_name(self, database: Database, store: DefinitionStore) -> None:
        self.define(database, store, "web")
        found = store.several(owned=[("security_group", "blue", "web")])
        assert [known.definition.key for known in found] == ["g"]
        assert store.several(owned=[("security_group", "red", "web")]) == []
        assert store.of_project("security_group", "blue") == found
        assert store.of_project("security_group", "red") == []
