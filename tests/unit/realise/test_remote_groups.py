"""Which sites are told that members of a group, or rules that name one, come or go."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.sites.register import write
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.jobs.job import Request
from tricircle.realise.kinds import SECURITY_GROUP
from tricircle.realise.remote_groups import RemoteGroups
from tricircle.realise.store import DefinitionStore
from tricircle.sites.site import Site

A, B, C = site("a"), site("b"), site("c")

Have = Callable[..., dict[str, Any]]


@pytest.fixture
def store(database: Database) -> DefinitionStore:
    """A store over a database with three sites."""
    write(database, A, B, C)
    return DefinitionStore(database)


@pytest.fixture
def groups(store: DefinitionStore) -> RemoteGroups:
    """What is tested."""
    return RemoteGroups(store)


@pytest.fixture
def have(database: Database, store: DefinitionStore) -> Have:
    """Has some sites have a group."""

    def have(
        key: str, *sites: Site, names: str | None = None, kind: str = "security_group", project: str = "blue"
    ) -> dict[str, Any]:
        body = group(key, names)

        def work(connection: sa.Connection) -> None:
            definition, _ = store.define_as_shown(
                connection, kind, key, name=key, project_id=project, body=body
            )
            for each in sites:
                store.realised.record(
                    connection, definition.id, each.id, site_resource_id=f"{key} there", seen=0, version=1
                )

        database.transact(work)
        return body

    return have


def group(key: str, names: str | None = None) -> dict[str, Any]:
    """Make a group's body, with a rule that names a remote group."""
    rules = [
        {"id": "1", "direction": "egress", "ethertype": "IPv4"},
        {"id": "2", "direction": "ingress", "ethertype": "IPv4", "remote_group_id": names},
    ]
    item = {"id": key, "name": key, "project_id": "blue", "security_group_rules": rules}
    return SECURITY_GROUP.define(item)


def told(requests: list[Request]) -> list[tuple[str, str | None]]:
    """Return which groups' members which sites are to look at."""
    assert {(each.type, each.resource_type, each.project_id) for each in requests} <= {
        ("members", "security_group", "blue")
    }
    return sorted((each.resource_id, each.site_id) for each in requests)


class TestMembers:
    def test_the_other_sites_with_a_rule_that_names_their_group_are_told(
        self, groups: RemoteGroups, have: Have
    ) -> None:
        have("own", A, B, C, names="own")
        have("own", A, B, C, kind="remote_members")
        assert told(groups.of_members(["own"], A.id)) == [("own", B.id), ("own", C.id)]

    def test_in_one_site_alone_nobody_is(self, groups: RemoteGroups, have: Have) -> None:
        have("own", A, names="own")
        assert groups.of_members(["own"], A.id) == []

    def test_of_a_group_that_no_rule_names_nobody_is(self, groups: RemoteGroups, have: Have) -> None:
        have("plain", A, B)
        assert groups.of_members(["plain"], A.id) == []

    def test_those_of_whom_a_rule_of_another_group_is(self, groups: RemoteGroups, have: Have) -> None:
        have("clients", A, B)
        have("web", B, names="clients")
        assert told(groups.of_members(["clients"], A.id)) == [("clients", B.id)]
        assert groups.of_members(["clients"], B.id) == []

    def test_the_first_that_is_to_let_in_members_elsewhere_has_its_own_site_told(
        self, groups: RemoteGroups, have: Have
    ) -> None:
        have("clients", A, B)
        have("web", B, names="clients")
        assert told(groups.of_members(["web"], B.id)) == [("clients", B.id)]
        have("clients", B, kind="remote_members")
        assert groups.of_members(["web"], B.id) == [], "it lets them in already"

    def test_where_it_is_not_known_which_site_all_are(self, groups: RemoteGroups, have: Have) -> None:
        have("own", A, B, names="own")
        assert told(groups.of_members(["own"], None)) == [("own", A.id), ("own", B.id)]

    def test_another_projects_rules_are_no_matter(self, groups: RemoteGroups, have: Have) -> None:
        have("clients", A, B)
        have("web", B, names="clients", project="red")
        assert groups.of_members(["clients"], A.id) == []

    def test_a_group_that_is_not_known_is_no_matter(self, groups: RemoteGroups, have: Have) -> None:
        assert groups.of_members(["unknown"], A.id) == []


class TestDefinitions:
    def test_a_rule_that_comes_or_goes_is_told_where_the_group_is(
        self, groups: RemoteGroups, have: Have
    ) -> None:
        have("clients", A, B)
        before, after = group("web"), group("web", "clients")
        for pair in ((before, after), (after, before), (after, None)):
            assert told(groups.of_change("security_group", *pair, [A.id])) == [("clients", A.id)]
        assert groups.of_change("security_group", before, before, [A.id]) == []

    def test_where_no_other_site_has_the_group_nobody_is_told(self, groups: RemoteGroups, have: Have) -> None:
        have("clients", A)
        assert groups.of_change("security_group", None, group("web", "clients"), [A.id]) == []
        have("clients", A, kind="remote_members")
        changed = groups.of_change("security_group", None, group("web", "clients"), [A.id])
        assert told(changed) == [("clients", A.id)], "but where another one had it"

    def test_a_port_that_changes_its_groups_or_addresses_is_told_of_in_both(
        self, groups: RemoteGroups, have: Have
    ) -> None:
        have("one", A, B, names="one")
        have("two", A, B, names="two")
        for kind in ("one", "two"):
            have(kind, A, B, kind="remote_members")
        before = {"security_groups": ["one"], "fixed_ips": [], "allowed_address_pairs": [], "name": "x"}
        assert groups.of_change("port", before, before | {"name": "y"}, [A.id]) == []
        moved = groups.of_change("port", before, before | {"security_groups": ["two"]}, [A.id])
        assert told(moved) == [("one", B.id), ("two", B.id)]
        assert told(groups.of_change("port", before, None, [A.id])) == [("one", B.id)]
        pairs = before | {"allowed_address_pairs": [{"ip_address": "10.0.0.9"}]}
        assert told(groups.of_change("port", before, pairs, [A.id])) == [("one", B.id)]

    def test_other_kinds_are_no_matter(self, groups: RemoteGroups, have: Have) -> None:
        assert groups.of_change("network", {"subnets": []}, None, [A.id]) == []
