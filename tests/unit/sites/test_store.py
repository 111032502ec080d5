"""Sites in the database."""

import uuid

import pytest
import sqlalchemy as sa

from tricircle.db.engine import Database
from tricircle.db.tables import nodes, routes, sites
from tricircle.db.timestamps import now
from tricircle.errors import BadRequest, Conflict, NotFound
from tricircle.sites.site import Site, SiteState
from tricircle.sites.store import SORT_KEYS, SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

pytestmark = pytest.mark.every_database


@pytest.fixture
def store(database: Database) -> SiteStore:
    return SiteStore(database)


@pytest.fixture
def three(store: SiteStore) -> list[Site]:
    return [
        store.create("B", "RegionTwo", state=SiteState.CORDONED),
        store.create("A", "RegionThree"),
        store.create("C", "RegionOne"),
    ]


def names(sites: list[Site]) -> list[str]:
    return [site.name for site in sites]


def test_a_created_site_is_found_by_id_and_by_name(store: SiteStore) -> None:
    site = store.create("SiteOne", "RegionOne", "the first")
    assert uuid.UUID(site.id)
    assert (site.name, site.region_name, site.description) == ("SiteOne", "RegionOne", "the first")
    assert site.state is SiteState.ENABLED
    assert store.get(site.id) == site
    assert store.get("SiteOne") == site


def test_what_a_site_calls_physical_networks_is_kept(store: SiteStore) -> None:
    names = {"stretched": "physnet1", "gr\u00fcn": "\u7da0"}
    assert store.create("Silent", "RegionOne").physical_networks is None
    assert store.create("SiteOne", "RegionTwo", physical_networks=names).physical_networks == names
    assert store.update("SiteOne", description="another").physical_networks == names
    assert store.get("SiteOne").physical_networks == names
    for other in ({}, {"stretched": "stretched"}, None):
        assert store.update("SiteOne", physical_networks=other).physical_networks == other
        assert store.get("SiteOne").physical_networks == other
        assert [site.physical_networks for site in store.page()] == [None, other]


def test_no_site_is_named_as_another_one_s_id(store: SiteStore) -> None:
    first = store.create("SiteOne", "RegionOne")
    second = store.create("SiteTwo", "RegionTwo")
    with pytest.raises(Conflict, match=first.id):
        store.create(first.id, "RegionThree")
    with pytest.raises(Conflict, match=first.id):
        store.update("SiteTwo", name=first.id)
    assert store.page() == [first, second]


def test_an_id_goes_before_a_name_of_earlier_times(store: SiteStore, database: Database) -> None:
    first = store.create("SiteOne", "RegionOne")
    second = store.create("SiteTwo", "RegionTwo")
    with database.write() as connection:
        connection.execute(sites.update().where(sites.c.id == second.id).values(name=first.id))
    assert store.get(first.id) == first


def test_names_differ_by_case(store: SiteStore) -> None:
    store.create("SiteOne", "RegionOne")
    with pytest.raises(NotFound, match="siteone"):
        store.get("siteone")


@pytest.mark.parametrize(
    ("name", "region_name", "message"),
    [
        ("A", "RegionNew", "There is a site named A already."),
        ("New", "RegionThree", "Region RegionThree belongs to a site already."),
    ],
)
def test_a_second_site_of_one_name_or_region_is_a_conflict(
    store: SiteStore, three: list[Site], name: str, region_name: str, message: str
) -> None:
    with pytest.raises(Conflict) as creating:
        store.create(name, region_name)
    assert creating.value.message == message
    with pytest.raises(Conflict) as updating:
        store.update("C", name=name, region_name=region_name)
    assert updating.value.message == message
    assert store.page() == sorted(three, key=lambda site: site.name)


def test_update_changes_only_what_is_given(store: SiteStore) -> None:
    site = store.create("SiteOne", "RegionOne", "the first")
    changed = store.update("SiteOne", state=SiteState.DRAINING)
    assert changed.state is SiteState.DRAINING
    assert (changed.id, changed.name, changed.region_name) == (site.id, site.name, site.region_name)
    assert (changed.description, changed.created_at) == (site.description, site.created_at)
    assert changed.updated_at > site.updated_at
    assert store.get(site.id) == changed


def test_a_description_can_be_emptied(store: SiteStore) -> None:
    store.create("SiteOne", "RegionOne", "the first")
    store.update("SiteOne", description="")
    assert store.get("SiteOne").description == ""


def test_what_is_not_there_is_not_found(store: SiteStore) -> None:
    for attempt in (store.get, store.update, store.delete):
        with pytest.raises(NotFound, match="SiteOne"):
            attempt("SiteOne")


@pytest.mark.usefixtures("three")
def test_sites_are_listed_by_name(store: SiteStore) -> None:
    assert names(store.page()) == ["A", "B", "C"]


@pytest.mark.usefixtures("three")
def test_filters_must_all_match(store: SiteStore) -> None:
    assert names(store.page(name="A")) == ["A"]
    assert names(store.page(region_name="RegionOne")) == ["C"]
    assert names(store.page(state=SiteState.ENABLED)) == ["A", "C"]
    assert names(store.page(name="A", state=SiteState.CORDONED)) == []


@pytest.mark.parametrize("sort_dir", ["asc", "desc"])
@pytest.mark.parametrize("sort_key", SORT_KEYS)
def test_pages_lead_through_every_site_once(
    store: SiteStore, three: list[Site], sort_key: str, sort_dir: str
) -> None:
    expected = sorted(three, key=lambda site: (getattr(site, sort_key), site.id), reverse=sort_dir == "desc")
    seen: list[Site] = []
    while page := store.page(
        sort_key=sort_key,
        sort_dir=sort_dir,  # type: ignore[arg-type]
        limit=2,
        marker=seen[-1].id if seen else None,
    ):
        seen += page
    assert seen == expected


def test_a_list_that_makes_no_sense_is_refused(store: SiteStore) -> None:
    with pytest.raises(BadRequest, match="description"):
        store.page(sort_key="description")
    with pytest.raises(BadRequest, match="no-such-site"):
        store.page(marker="no-such-site")


def test_a_deleted_site_takes_its_node_and_its_routes_along(database: Database, store: SiteStore) -> None:
    gone, stays = store.create("Gone", "RegionOne"), store.create("Stays", "RegionTwo")
    figures = {column.name: 0 for column in nodes.c if isinstance(column.type, sa.Integer)}
    with database.write() as connection:
        for site in (gone, stays):
            connection.execute(nodes.insert().values(id=site.id, site_id=site.id, name=site.name, **figures))
            connection.execute(
                routes.insert().values(
                    top_id="1",
                    resource_type="server",
                    site_id=site.id,
                    site_resource_id="1",
                    recorded_at=now(),
                )
            )
    store.delete("Gone")
    assert store.page() == [stays]
    with database.read() as connection:
        for table in (nodes, routes):
            assert list(connection.scalars(sa.select(table.c.site_id))) == [stays.id]


def test_a_site_that_zones_map_to_stays(database: Database, store: SiteStore) -> None:
    store.create("SiteOne", "RegionOne")
    zones = ZoneStore(database)
    for name in ("az-b", "az-a"):
        zones.put(name, "", [Place("SiteOne", "nova"), Place("SiteOne", "other")])
    with pytest.raises(Conflict) as deleting:
        store.delete("SiteOne")
    assert deleting.value.message == "Site SiteOne is in availability zones: az-a, az-b."
    assert names(store.page()) == ["SiteOne"]
    for name in ("az-b", "az-a"):
        zones.delete(name)
    store.delete("SiteOne")
    assert store.page() == []
