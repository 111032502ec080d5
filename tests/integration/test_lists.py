"""Lists of both sites as one: in order, page by page, filtered, and nothing twice or left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import pytest
from openstack.connection import Connection
from tests.integration.clients import Client, SiteAdmin, connect
from tests.integration.conditions import side_by_side
from tests.integration.population import LETTERS, Population
from tests.integration.sandbox import Sandbox

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("nothing_left")]

Items = list[dict[str, Any]]


@dataclass(frozen=True)
class Kind:
    """A kind of what is listed.

    :param version: with which its lists are asked for.
    """

    collection: str
    service: str
    version: str

    def list(self, cloud: Any, query: str = "", *, form: str = "/detail") -> dict[str, Any]:
        """Get one page of a list.

        :param cloud: a connection to the top or to a site.
        """
        service = getattr(cloud, "compute" if self.service == "compute" else "block_storage")
        answer = service.get(f"/{self.collection}{form}?{query}", microversion=self.version)
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def items(self, cloud: Any, query: str = "", *, form: str = "/detail") -> Items:
        """Get the items of one page."""
        items: Items = self.list(cloud, query, form=form)[self.collection]
        return items

    def next_query(self, document: dict[str, Any]) -> str | None:
        """Return the query of a page's `next` link."""
        links = document.get(f"{self.collection}_links", [])
        return links[0]["href"].partition("?")[2] if links else None


KINDS = {
    "servers": Kind("servers", "compute", "2.83"),  # from which tenants may filter by zone
    "volumes": Kind("volumes", "volume", "3.45"),
    "snapshots": Kind("snapshots", "volume", "3.45"),
}

ORDERS = [
    ("servers", "", [("created", "desc")]),
    ("servers", "sort_key=display_name&sort_dir=asc", [("name", "asc")]),
    ("servers", "sort_key=uuid&sort_dir=desc", [("id", "desc")]),
    (
        "servers",
        "sort_key=vm_state&sort_dir=desc&sort_key=display_name&sort_dir=desc",
        [("OS-EXT-STS:vm_state", "desc"), ("name", "desc")],
    ),
    ("volumes", "", [("created_at", "desc")]),
    ("volumes", "sort=name:asc", [("name", "asc")]),
    ("volumes", "sort=size:desc,name:asc", [("size", "desc"), ("name", "asc")]),
    ("volumes", "sort_key=id&sort_dir=desc", [("id", "desc")]),
    ("snapshots", "", [("created_at", "desc")]),
    ("snapshots", "sort=name:asc", [("name", "asc")]),
]

FILTERS = [
    ("servers", "name=server-b", "b"),
    ("servers", "name=server", "abcdef"),
    ("servers", "name=nobody", ""),
    ("servers", "status=ACTIVE", "abcdef"),
    ("servers", "status=SHUTOFF", ""),
    ("servers", "availability_zone=az1", "ace"),
    ("servers", "availability_zone=az2", "bdf"),
    ("servers", "availability_zone=az2&name=server-[a-d]", "bd"),
    ("servers", "availability_zone=nowhere", ""),
    ("volumes", "name=volume-b", "b"),
    ("volumes", "name=nobody", ""),
    ("volumes", "status=available", "abcdef"),
    ("volumes", "status=in-use", ""),
    ("volumes", "availability_zone=az1", "ace"),
    ("volumes", "availability_zone=az2&status=available", "bdf"),
    ("volumes", "availability_zone=nowhere", ""),
    ("snapshots", "name=snapshot-b", "b"),
    ("snapshots", "status=available", "abcd"),
    ("snapshots", "status=error", ""),
]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind."""
    return KINDS[request.param]


@pytest.fixture(scope="module")
def at_sites(sandbox: Sandbox) -> list[Connection]:
    """The tenant at each site, without the top."""
    return [connect(sandbox, site.tenant_cloud) for site in sandbox.sites]


def ids(items: Items) -> list[str]:
    """Return the ids of a list's items."""
    return [item["id"] for item in items]


def ordered(items: Items, fields: Sequence[tuple[str, str]]) -> Items:
    """Return items in an order; those that are alike in it stay as they are."""
    for name, direction in reversed(fields):
        items = sorted(items, key=itemgetter(name), reverse=direction == "desc")
    return items


@pytest.mark.parametrize(("of", "order", "fields"), ORDERS)
class TestOrder:
    def test_is_the_apis_and_each_sites_own_within_it(
        self,
        *,
        tenant: Client,
        population: Population,
        at_sites: list[Connection],
        of: str,
        order: str,
        fields: list[tuple[str, str]],
    ) -> None:
        kind = KINDS[of]
        listed = kind.items(tenant.connection, order)
        own = [ids(items) for items in side_by_side(lambda site: kind.items(site, order), at_sites)]
        assert sorted(ids(listed)) == sorted(own[0] + own[1])
        assert [[item_id for item_id in ids(listed) if item_id in there] for there in own] == own
        assert listed == ordered(listed, fields)

    def test_goes_on_over_pages(
        self, tenant: Client, population: Population, *, of: str, order: str, fields: object
    ) -> None:
        kind = KINDS[of]
        whole = ids(kind.items(tenant.connection, order))
        for pages in side_by_side(
            lambda walk: walk(kind, tenant, f"{order}&limit=2"), (by_links, by_markers)
        ):
            assert [item_id for page in pages for item_id in page] == whole
            assert {len(page) for page in pages[:-1]} == {2}


def by_links(kind: Kind, client: Client, query: str) -> list[list[str]]:
    """Walk through a list by its `next` links; return the ids of each page."""
    pages = []
    following: str | None = query
    while following is not None:
        document = kind.list(client.connection, following)
        pages.append(ids(document[kind.collection]))
        following = kind.next_query(document)
    return pages


def by_markers(kind: Kind, client: Client, query: str) -> list[list[str]]:
    """Walk through a list as a client does that makes its own markers, of the last id that it saw."""
    pages = [ids(kind.items(client.connection, query))]
    while pages[-1]:
        pages.append(ids(kind.items(client.connection, f"{query}&marker={pages[-1][-1]}")))
    return pages[:-1]


class TestPages:
    def test_of_openstacksdk_are_all_there_is(self, tenant: Client, population: Population) -> None:
        lists: list[tuple[Callable[..., Any], dict[str, Any]]] = [
            (tenant.compute.servers, population.servers),
            (tenant.volume.volumes, population.volumes),
            (tenant.volume.snapshots, population.snapshots),
        ]
        for list_all, there in lists:
            listed = [item.id for item in list_all(limit=2)]
            assert sorted(listed) == sorted(item.id for item in there.values())

    @pytest.mark.parametrize("limit", [1, 5, 6, 7, 1000, 100_000])
    def test_of_any_size_are_all_there_is(self, tenant: Client, population: Population, limit: int) -> None:
        kind = KINDS["volumes"]
        listed = [item_id for page in by_links(kind, tenant, f"limit={limit}") for item_id in page]
        assert listed == ids(kind.items(tenant.connection))
        assert sorted(listed) == sorted(volume.id for volume in population.volumes.values())

    def test_may_begin_after_an_offset(self, tenant: Client, population: Population) -> None:
        kind = KINDS["volumes"]
        names = [item["name"] for item in kind.items(tenant.connection, "offset=1&limit=3&sort=name:asc")]
        assert names == ["volume-b", "volume-c", "volume-d"]

    def test_after_the_last_one_are_empty(self, tenant: Client, population: Population, kind: Kind) -> None:
        last = ids(kind.items(tenant.connection))[-1]
        assert kind.list(tenant.connection, f"marker={last}") == {kind.collection: []}

    def test_of_short_lists_are_those_of_long_ones(
        self, tenant: Client, population: Population, kind: Kind
    ) -> None:
        long = ids(kind.items(tenant.connection, "limit=3"))
        assert ids(kind.items(tenant.connection, "limit=3", form="")) == long

    def test_count_all_there_is_where_they_are_asked_to(self, tenant: Client, population: Population) -> None:
        document = KINDS["volumes"].list(tenant.connection, "limit=2&with_count=true")
        assert document["count"] == len(population.volumes)

    def test_of_all_projects_are_the_administrators(
        self, admin: Client, population: Population, sites: list[SiteAdmin]
    ) -> None:
        everything = [item_id for site in sites for item_id in site.servers()]
        pages = by_links(KINDS["servers"], admin, "all_tenants=1&limit=2")
        assert sorted(item_id for page in pages for item_id in page) == sorted(everything)


@pytest.mark.parametrize("limit", ["", "&limit=1"])
@pytest.mark.parametrize(("of", "query", "letters"), FILTERS)
def test_filters_hold_in_both_sites(
    tenant: Client, population: Population, *, of: str, query: str, letters: str, limit: str
) -> None:
    pages = by_links(KINDS[of], tenant, query + limit)
    there = getattr(population, of)
    assert sorted(item_id for page in pages for item_id in page) == sorted(
        there[letter].id for letter in letters
    )


def test_items_are_the_sites_own_but_for_zone_and_links(
    tenant: Client, population: Population, at_sites: list[Connection], kind: Kind
) -> None:
    own = {item["id"]: item for items in side_by_side(kind.items, at_sites) for item in items}
    there = getattr(population, kind.collection)
    homes = {there[letter].id: population.homes[letter] for letter in LETTERS if letter in there}
    for item in kind.items(tenant.connection):
        theirs = own[item["id"]]
        zones = {"OS-EXT-AZ:availability_zone", "availability_zone", "pinned_availability_zone"} & set(item)
        assert {item[name] for name in zones} <= {homes[item["id"]].zone, None}
        untouched = set(item) - zones - {"links", "image", "flavor"}
        assert {name: item[name] for name in untouched} == {name: theirs[name] for name in untouched}
        assert set(item) == set(theirs)
