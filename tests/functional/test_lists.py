"""A list over several sites is one list: each thing once, in order, a page at a time."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fakes.cloud import OTHER_PROJECT, PROJECT, Cloud
from tests.fakes.site import Site
from tests.functional.api import Api, compute_api, received, volume_api
from tests.functional.gateway import GatewayClient

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def three_sites(cloud: Cloud) -> list[Site]:
    """Three sites, in the order of their names."""
    cloud.add_site("SiteThree", "az3")
    return [cloud.sites[name] for name in ("SiteOne", "SiteThree", "SiteTwo")]


def spread(api: Api, sites: list[Site], count: int, **attributes: Any) -> list[str]:
    """Put so many into each site, one second apart, and return all ids as a list shows them.

    The first site has the oldest of every three, so that a merged page takes from each of them.
    """
    dated: list[tuple[datetime, str]] = []
    for offset, site in enumerate(sites):
        times = [START + timedelta(seconds=number * len(sites) + offset) for number in range(count)]
        ids = api.add(site, count, created=_at(times), **attributes)
        dated += zip(times, ids, strict=True)
    return [identifier for _, identifier in sorted(dated, reverse=True)]


def _at(times: list[datetime]) -> Callable[[int], datetime]:
    return lambda number: times[number]


class TestOrder:
    def test_the_newest_come_first(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 10)
        assert api.ids(api.client.get(api.detail)) == expected
        assert api.ids(api.client.get(api.path)) == expected

    def test_the_short_list_has_the_fields_of_a_short_list(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 1)
        for item in api.client.get(api.path).json[api.collection]:
            assert set(item) == {"id", "name", "links"}

    def test_every_item_has_the_zone_and_the_links_of_the_top(
        self, api: Api, three_sites: list[Site]
    ) -> None:
        spread(api, three_sites, 2)
        reply = api.client.get(api.detail)
        zones = sorted(item[api.zone_field] for item in reply.json[api.collection])
        assert zones == ["az1", "az1", "az2", "az2", "az3", "az3"]
        assert "127.0.0.1" not in reply.body.decode()

    def test_an_empty_cloud_has_an_empty_list(self, api: Api) -> None:
        assert api.client.get(api.detail).json == {api.collection: []}

    def test_the_oldest_first(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 4)[::-1]
        assert api.ids(api.client.get(f"{api.detail}?sort_key=created_at&sort_dir=asc")) == expected

    def test_servers_by_name(self, compute: GatewayClient, three_sites: list[Site]) -> None:
        api = compute_api(compute)
        for number, site in enumerate(three_sites):
            api.add(site, 3, prefix=f"{'bca'[number]}")
        servers = compute.get("/v2.1/servers/detail?sort_key=display_name&sort_dir=asc").json["servers"]
        names = [server["name"] for server in servers]
        assert names == sorted(names)
        assert len(names) == 9

    def test_servers_by_two_keys(self, compute: GatewayClient, three_sites: list[Site]) -> None:
        for number, site in enumerate(three_sites):
            for state in ("stopped", "active"):
                site.compute.add_servers(2, PROJECT, prefix=f"{'bca'[number]}-{state}", vm_state=state)
        query = "sort_key=vm_state&sort_dir=desc&sort_key=display_name&sort_dir=asc"
        servers = compute.get(f"/v2.1/servers/detail?{query}").json["servers"]
        shown = [(server["OS-EXT-STS:vm_state"], server["name"]) for server in servers]
        stopped = sorted(pair for pair in shown if pair[0] == "stopped")
        active = sorted(pair for pair in shown if pair[0] == "active")
        assert shown == stopped + active
        assert len(shown) == 12

    def test_volumes_by_size_and_name(self, volume: GatewayClient, three_sites: list[Site]) -> None:
        for number, site in enumerate(three_sites):
            for size in (1, 2):
                site.volume.add_volumes(2, PROJECT, prefix=f"{'bca'[number]}-{size}", size=size)
        volumes = volume.get("/v3/volumes/detail?sort=size:desc,name:asc").json["volumes"]
        shown = [(-item["size"], item["name"]) for item in volumes]
        assert shown == sorted(shown)
        assert len(shown) == 12

    @pytest.mark.parametrize("query", ["sort_key=nonsense", "sort_key=created_at&sort_dir=sideways"])
    def test_an_order_that_is_none_is_refused(self, api: Api, three_sites: list[Site], query: str) -> None:
        spread(api, three_sites, 1)
        reply = api.client.get(f"{api.detail}?{query}")
        assert reply.status == 400
        assert reply.fault[0] == "badRequest"


class TestLimit:
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 11])
    def test_a_page_is_as_long_as_asked(self, api: Api, three_sites: list[Site], limit: int) -> None:
        expected = spread(api, three_sites, 4)
        reply = api.client.get(f"{api.detail}?limit={limit}")
        assert api.ids(reply) == expected[:limit]
        assert api.next_link(reply) is not None

    def test_no_more_is_asked_of_a_site_than_the_page_can_take(
        self, api: Api, three_sites: list[Site]
    ) -> None:
        spread(api, three_sites, 30)
        api.client.get(f"{api.detail}?limit=2")
        for site in three_sites:
            limits = [request.parameter("limit") for request in api.service(site).received(path="detail")]
            assert len(limits) == 1
            assert int(limits[0] or 0) <= 3

    def test_a_limit_of_nothing(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 1)
        assert api.client.get(f"{api.detail}?limit=0").json == {api.collection: []}

    def test_no_page_is_longer_than_the_operator_allows(
        self, api: Api, cloud: Cloud, three_sites: list[Site]
    ) -> None:
        cloud.configuration.set_override("max_limit", 5, group="api")
        expected = spread(api, three_sites, 4)
        reply = api.client.get(f"{api.detail}?limit=1000")
        assert api.ids(reply) == expected[:5]
        assert api.walk(api.detail) == expected

    def test_the_last_page_has_no_next_link(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 2)
        assert api.next_link(api.client.get(f"{api.detail}?limit=7")) is None

    @pytest.mark.parametrize("limit", ["-1", "x", "1e3", "%00", "٣"])
    def test_a_limit_that_is_none_is_refused(self, api: Api, limit: str) -> None:
        reply = api.client.get(f"{api.detail}?limit={limit}")
        assert reply.status == 400
        assert reply.fault[0] == "badRequest"


class TestWalk:
    """Thousands over three sites: each exactly once, in order."""

    @pytest.mark.parametrize("path", ["path", "detail"])
    def test_by_next_links(self, api: Api, three_sites: list[Site], path: str) -> None:
        expected = spread(api, three_sites, 1000)
        assert api.walk(f"{getattr(api, path)}?limit=500") == expected

    def test_without_a_limit(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 1000)
        assert api.walk(api.detail) == expected

    def test_the_oldest_first(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 300)[::-1]
        assert api.walk(f"{api.detail}?limit=70&sort_key=created_at&sort_dir=asc") == expected

    def test_by_ids_of_the_last_item_as_clients_make_markers(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 100)
        assert _walk_by_markers(api, 40) == expected

    def test_by_such_markers_where_no_site_has_been_listed_yet(
        self, api: Api, three_sites: list[Site]
    ) -> None:
        expected = spread(api, three_sites, 100)
        marker = expected[149]
        found = api.ids(api.client.get(f"{api.detail}?limit=60&marker={marker}"))
        assert found == expected[150:210]

    def test_by_such_markers_in_another_order(self, compute: GatewayClient, three_sites: list[Site]) -> None:
        api = compute_api(compute)
        for number, site in enumerate(three_sites):
            api.add(site, 40, prefix=f"{'bca'[number]}")
        query = "sort_key=display_name&sort_dir=asc"
        expected = api.walk(f"{api.detail}?limit=1000&{query}")
        assert len(set(expected)) == 120
        assert _walk_by_markers(api, 25, f"&{query}") == expected

    def test_sites_of_very_unequal_size_and_age(self, api: Api, three_sites: list[Site]) -> None:
        old, young, few = three_sites
        ids = api.add(young, 400, created=START + timedelta(days=400))
        ids = api.add(few, 3, created=START + timedelta(days=300)) + ids
        ids = api.add(old, 700, created=START) + ids
        assert api.walk(f"{api.detail}?limit=90") == ids[::-1]

    def test_many_made_at_the_same_instant(self, api: Api, three_sites: list[Site]) -> None:
        ids = [
            identifier
            for site in three_sites
            for identifier in api.add(site, 50, created=START, step=timedelta(0))
        ]
        found = api.walk(f"{api.detail}?limit=20")
        assert sorted(found) == sorted(ids)
        assert sorted(_walk_by_markers(api, 20)) == sorted(ids)

    def test_servers_whose_sites_know_finer_times_than_they_show(
        self, compute: GatewayClient, three_sites: list[Site]
    ) -> None:
        api = compute_api(compute)
        step = timedelta(milliseconds=7)
        ids = [
            identifier for site in three_sites for identifier in api.add(site, 300, created=START, step=step)
        ]
        found = api.walk(f"{api.detail}?limit=50")
        assert sorted(found) == sorted(ids)

    def test_what_is_made_meanwhile_disturbs_nothing(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 20)
        first = api.client.get(f"{api.detail}?limit=25")
        api.add(three_sites[0], 5, created=START + timedelta(days=1), prefix="new")
        assert api.ids(first) + api.walk(api.next_link(first) or "") == expected

    def test_what_is_deleted_meanwhile_is_not_shown_and_hides_nothing(
        self, api: Api, three_sites: list[Site]
    ) -> None:
        expected = spread(api, three_sites, 20)
        first = api.client.get(f"{api.detail}?limit=25")
        gone = [
            *expected[22:25],
            expected[30],
        ]  # the last of the page, which are the markers; and a later one
        for identifier in gone:
            assert api.client.delete(f"{api.path}/{identifier}").status in {202, 204}
        rest = api.walk(api.next_link(first) or "")
        assert rest == [identifier for identifier in expected[25:] if identifier not in gone]

    def test_a_next_link_is_of_the_same_list(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 2)
        reply = api.client.get(f"{api.version}/{PROJECT}/{api.collection}/detail?limit=2")
        link = api.next_link(reply) or ""
        assert link.startswith(f"{api.root}{api.version}/{PROJECT}/{api.collection}/detail?")

    def test_a_next_link_works_in_another_process(self, api: Api, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 10)
        first = api.client.get(f"{api.detail}?limit=10")
        api.client.gateway.restart()
        assert api.ids(first) + api.walk(api.next_link(first) or "") == expected


class TestMarker:
    def test_that_nobody_knows_is_refused(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 1)
        reply = api.client.get(f"{api.detail}?marker=11111111-2222-4333-8444-555555555555")
        assert reply.status == (400 if api.item == "server" else 404)
        assert "11111111-2222-4333-8444-555555555555" in reply.fault[1]

    @pytest.mark.parametrize("marker", ["no-id", "..%2F..", "%00", "a" * 3000])
    def test_that_is_no_id_is_refused(self, api: Api, three_sites: list[Site], marker: str) -> None:
        reply = api.client.get(f"{api.detail}?marker={marker}")
        assert reply.status in {400, 404}
        assert received(three_sites, "GET") == []

    @pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "!!!", "%00", "A" * 5000])
    def test_a_cursor_that_is_none_is_refused(self, api: Api, three_sites: list[Site], cursor: str) -> None:
        spread(api, three_sites, 2)
        reply = api.client.get(f"{api.detail}?limit=2&cursor={cursor}")
        assert reply.status == 400
        assert reply.fault[0] == "badRequest"

    @pytest.mark.parametrize(
        "cursor",
        [
            [[], "SiteOne", {}],
            [["a", "b", "c"], "SiteOne", {}],
            [[1], "Nowhere", {"Nowhere": "x"}],
            [[{"a": 1}], "SiteOne", {"SiteOne": "../../x"}],
            [[None], "SiteOne", {"SiteTwo": "11111111-2222-4333-8444-555555555555"}],
            [["2026"], "SiteOne", {"SiteOne": 5}],
            [["2026"], "SiteOne", {"SiteTwo": "x&all_tenants=1"}],
            [["2026"], "SiteOne", {"SiteTwo": "x\r\nX-Service-Token: y"}],
            [["2026"], "SiteOne", {}, {"SiteTwo": "x&all_tenants=1"}],
        ],
    )
    def test_a_cursor_that_a_client_made_up_shows_no_more_and_breaks_nothing(
        self, api: Api, three_sites: list[Site], cursor: list[object]
    ) -> None:
        expected = spread(api, three_sites, 2)
        api.add(three_sites[0], 1, project=OTHER_PROJECT, prefix="foreign")
        text = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
        reply = api.client.get(f"{api.detail}?limit=9&cursor={text}")
        assert reply.status in {200, 400}, reply.body
        if reply.status == 200:
            assert set(api.ids(reply)) <= set(expected)


class TestWhoSeesWhat:
    def test_other_projects_are_not_listed(self, api: Api, cloud: Cloud, three_sites: list[Site]) -> None:
        expected = spread(api, three_sites, 2)
        api.add(three_sites[0], 3, project=cloud.stranger.project_id, prefix="foreign")
        assert api.ids(api.client.get(api.detail)) == expected

    def test_an_administrator_lists_all_projects(
        self, api: Api, cloud: Cloud, three_sites: list[Site]
    ) -> None:
        ids = spread(api, three_sites, 2)
        ids += api.add(three_sites[0], 3, project=cloud.stranger.project_id, prefix="foreign")
        admin = api.as_(cloud.admin)
        assert sorted(admin.walk(f"{api.detail}?all_tenants=1&limit=2")) == sorted(ids)

    def test_what_every_site_refuses_is_refused_in_the_sites_words(
        self, compute: GatewayClient, three_sites: list[Site]
    ) -> None:
        reply = compute.get("/v2.1/servers/detail?all_tenants=1")
        assert reply.status == 403
        assert reply.fault[0] == "forbidden"


class TestFilters:
    def test_are_each_sites_own(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 2)
        wanted = [api.add(site, 1, prefix="other")[0] for site in three_sites]
        assert sorted(api.ids(api.client.get(f"{api.detail}?name=other-0"))) == sorted(wanted)

    def test_go_on_over_pages(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 5, prefix="noise")
        wanted = [identifier for site in three_sites for identifier in api.add(site, 5, metadata={})]
        query = "status=ACTIVE" if api.item == "server" else "status=available"
        assert len(set(api.walk(f"{api.detail}?limit=4&{query}")) & set(wanted)) == 15

    def test_a_zone_is_the_tops(self, api: Api, cloud: Cloud, three_sites: list[Site]) -> None:
        for site in three_sites:
            api.add(site, 2)
        expected = set(api.made(cloud.sites["SiteTwo"]))
        client = api.client.at("compute 2.83") if api.item == "server" else api.client
        reply = client.get(f"{api.detail}?availability_zone=az2")
        assert set(api.ids(reply)) == expected

    def test_a_zone_that_is_unknown_holds_nothing(self, api: Api, three_sites: list[Site]) -> None:
        spread(api, three_sites, 1)
        client = api.client.at("compute 2.83") if api.item == "server" else api.client
        assert client.get(f"{api.detail}?availability_zone=nova").json[api.collection] == []

    def test_unknown_ones_from_2_75_on_are_refused_in_novas_words(
        self, compute: GatewayClient, three_sites: list[Site]
    ) -> None:
        reply = compute.at("compute 2.75").get("/v2.1/servers/detail?nonsense=1")
        assert reply.status == 400
        assert "nonsense" in reply.fault[1]


class TestCinderOnly:
    def test_counts_add_up(self, volume: GatewayClient, three_sites: list[Site]) -> None:
        api = volume_api(volume)
        spread(api, three_sites, 4)
        reply = volume.at("volume 3.45").get("/v3/volumes/detail?limit=2&with_count=true")
        assert reply.json["count"] == 12

    def test_an_offset_skips(self, volume: GatewayClient, three_sites: list[Site]) -> None:
        api = volume_api(volume)
        expected = spread(api, three_sites, 5)
        reply = volume.get("/v3/volumes/detail?limit=4&offset=3")
        assert api.ids(reply) == expected[3:7]

    def test_snapshots_are_merged_too(self, volume: GatewayClient, three_sites: list[Site]) -> None:
        made = []
        for number, site in enumerate(three_sites):
            (origin,) = site.volume.add_volumes(1, PROJECT)
            for minute in range(4):
                created = START + timedelta(minutes=minute * 3 + number)
                made.append((created, site.volume.add_snapshot(origin, created_at=created).id))
        expected = [identifier for _, identifier in sorted(made, reverse=True)]
        reply = volume.get("/v3/snapshots/detail?limit=5")
        ids = [item["id"] for item in reply.json["snapshots"]]
        assert ids == expected[:5]
        assert reply.json["snapshots_links"][0]["rel"] == "next"


def _walk_by_markers(api: Api, limit: int, query: str = "") -> list[str]:
    ids: list[str] = []
    while True:
        marker = f"&marker={ids[-1]}" if ids else ""
        page = api.client.get(f"{api.detail}?limit={limit}{query}{marker}")
        assert page.status == 200, page.body
        found = api.ids(page)
        if not found:
            return ids
        ids += found
        assert len(ids) < 10_000, "the list does not end"
