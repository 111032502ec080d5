"""Lists over all sites, as one."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from oslo_config import cfg
from tests.unit.gateway.office import TOP, A, Opening, document, header, says
from tests.unit.gateway.sorted_sites import server
from tests.unit.gateway.walker import HANDLERS, HELD_BY_THREE, LIST, Walker
from tests.unit.sites.wire import json_answer

from tricircle.errors import BadRequest, SiteUnavailable
from tricircle.gateway.fan_out import MISSING_SITES, Refused
from tricircle.routing.route import Route
from tricircle.sites.transport import Answer


def numbers(page: dict[str, Any]) -> list[int]:
    return [int(each["id"][-12:]) for each in page["servers"]]


@pytest.fixture
def walker(conf: cfg.ConfigOpts) -> Walker:
    return Walker(conf, HELD_BY_THREE)


def test_a_list_is_that_of_all_sites(walker: Walker) -> None:
    page = walker.page("")
    assert numbers(page) == [1, 2, 3, 4, 5]
    assert "servers_links" not in page


def test_every_site_is_asked_for_one_page(walker: Walker) -> None:
    walker.page("limit=2")
    assert walker.sites.lists == 3


def test_the_next_link_is_the_tops_and_keeps_filters_and_order(walker: Walker) -> None:
    (link,) = walker.page("limit=2&tenant_id=blue&sort_dir=desc")["servers_links"]
    assert link["rel"] == "next"
    assert link["href"].startswith(f"{TOP}/v2.1/servers/detail?tenant_id=blue&sort_dir=desc&limit=2&marker=")


def test_no_page_is_larger_than_the_largest(walker: Walker, conf: cfg.ConfigOpts) -> None:
    conf.set_override("max_limit", 2, group="api")
    assert numbers(walker.page("")) == [1, 2]
    assert numbers(walker.page("limit=4")) == [1, 2]
    assert len(walker.by_links("limit=4")) == 5


def test_a_limit_of_zero_shows_nothing_and_leads_nowhere(walker: Walker) -> None:
    assert walker.page("limit=0") == {"servers": []}


def test_an_unknown_marker_is_refused_in_novas_words(walker: Walker) -> None:
    with pytest.raises(BadRequest, match=r"marker \[nobody\] not found"):
        walker.page("marker=nobody")


def test_a_list_goes_on_after_a_marker_whose_site_is_away(walker: Walker) -> None:
    for name, servers in HELD_BY_THREE.items():
        for each in servers:
            walker.know(name, each)
    walker.sites.silent = {"a"}
    assert numbers(walker.page(f"marker={server(1, 5)['id']}")) == [2, 3, 5]


def test_what_a_list_shows_is_learnt(walker: Walker) -> None:
    walker.page("limit=1")
    created = datetime(2026, 1, 31, 12, 0, 5)  # noqa: DTZ001  # as the database keeps it
    item_id = server(1, 5)["id"]
    assert walker.index.learnt == [Route(item_id, "server", A.id, item_id, "blue", created)]


def test_a_silent_site_is_named_and_the_others_are_shown(walker: Walker) -> None:
    walker.sites.silent = {"b"}
    reply = LIST(walker.office.call("GET /servers/detail"))
    assert numbers(document(reply)) == [1, 3, 4]
    assert header(reply, MISSING_SITES) == ["b"]


def test_a_site_that_comes_back_is_in_the_rest_of_the_list(walker: Walker) -> None:
    walker.sites.silent = {"b"}
    first = walker.page("limit=2")
    walker.sites.silent = set()
    assert numbers(first) == [1, 3]
    rest = walker.by_links(urlsplit(first["servers_links"][0]["href"]).query)
    assert numbers({"servers": rest}) == [4, 5]


def test_nobody_answering_is_no_empty_list(walker: Walker) -> None:
    walker.sites.silent = {"a", "b", "c"}
    with pytest.raises(SiteUnavailable):
        walker.page("")


GOOD = says({"servers": [server(1, 1)]})


@pytest.mark.parametrize(
    "bad",
    [
        json_answer(b""),
        json_answer(b"{"),
        json_answer(b"[]"),
        json_answer(b"{}"),
        json_answer(b'{"servers": null}'),
        json_answer(b'{"servers": {}}'),
        json_answer(b'{"servers": [1]}'),
        Answer(200, [("content-type", "text/html")], b"<html>"),
        json_answer(b"{}", 500),
        json_answer(b"", 302),
    ],
)
def test_a_site_that_answers_what_is_no_list_does_not_spoil_the_others(compute: Opening, bad: Answer) -> None:
    reply = LIST(compute(a=bad, b=GOOD, c=GOOD).call("GET /servers/detail"))
    assert header(reply, MISSING_SITES) == ["a"]
    assert len(document(reply)["servers"]) == 2


def test_a_site_that_refuses_is_left_out(compute: Opening) -> None:
    refusal = says({"forbidden": {"code": 403}}, 403)
    reply = LIST(compute(a=refusal, b=GOOD, c=GOOD).call("GET /servers/detail"))
    assert header(reply, MISSING_SITES) == ["a"]


def test_where_every_site_refuses_the_first_ones_words_are_the_answer(compute: Opening) -> None:
    first, other = says({"badRequest": {"code": 400, "message": "1"}}, 400), says({}, 403)
    with pytest.raises(Refused) as caught:
        LIST(compute(a=first, b=other, c=other).call("GET /servers/detail"))
    assert (caught.value.refusing_site, caught.value.answer) == (A, first)


def test_a_zone_in_the_query_asks_its_sites_under_their_own_names(compute: Opening) -> None:
    office = compute(a=GOOD, b=GOOD, c=GOOD)
    LIST(office.call("GET /servers/detail?availability_zone=east&name=x&limit=2"))
    assert office.asked == [
        ("a", "GET", "/v2.1/servers/detail?name=x&availability_zone=nova-a&limit=2"),
        ("b", "GET", "/v2.1/servers/detail?name=x&availability_zone=nova-b&limit=2"),
    ]


def test_a_zone_that_is_none_holds_nothing(compute: Opening) -> None:
    office = compute()
    assert document(LIST(office.call("GET /servers/detail?availability_zone=nova-a"))) == {"servers": []}
    assert office.asked == []


def test_a_zone_that_is_several_of_one_site_cannot_be_filtered_by(compute: Opening) -> None:
    with pytest.raises(BadRequest):
        LIST(compute().call("GET /servers/detail?availability_zone=south"))


def test_a_short_list_is_made_of_the_detailed_one(compute: Opening) -> None:
    links = [{"rel": "self", "href": "x"}]
    office = compute(a=says({"servers": [server(1, 1, "x") | {"links": links}]}), b=GOOD, c=GOOD)
    reply = HANDLERS["GET", "/servers"](office.call("GET /servers?name=%C3%BC"))
    item_id = server(1, 1)["id"]
    ours = [{"rel": "self", "href": f"{TOP}/v2.1/servers/{item_id}"}]
    assert document(reply)["servers"][0] == {"id": item_id, "name": "x", "links": ours}
    assert office.asked[0] == ("a", "GET", "/v2.1/servers/detail?name=%C3%BC&limit=1000")


def test_one_of_each_replicated_resource_is_shown(compute: Opening) -> None:
    def flavors(*ids: str) -> Any:
        return says({"flavors": [{"id": each, "name": each} for each in ids]})

    office = compute(a=flavors("1", "3"), b=flavors("1", "2", "3"), c=flavors("4"))
    flavor_list = HANDLERS["GET", "/flavors/detail"]
    everything = document(flavor_list(office.call("GET /flavors/detail")))
    assert [each["id"] for each in everything["flavors"]] == ["1", "2", "3", "4"]
    page = document(flavor_list(office.call("GET /flavors/detail?limit=2&marker=1")))
    assert [each["id"] for each in page["flavors"]] == ["2", "3"]
    assert "marker=3" in page["flavors_links"][0]["href"]
    last = document(flavor_list(office.call("GET /flavors/detail?limit=2&marker=3")))
    assert ([each["id"] for each in last["flavors"]], "flavors_links" in last) == (["4"], False)
    with pytest.raises(BadRequest):
        flavor_list(office.call("GET /flavors/detail?marker=5"))


def test_server_groups_have_no_links_as_sites_know_no_marker_of_them(compute: Opening) -> None:
    group = {"id": server(1, 1)["id"], "name": "x"}
    none = says({"server_groups": []})
    office = compute(a=says({"server_groups": [group]}), b=none, c=none)
    reply = HANDLERS["GET", "/os-server-groups"](office.call("GET /os-server-groups?limit=1"))
    assert document(reply) == {"server_groups": [group]}


def test_an_administrators_list_gives_nobodys_resources_to_the_administrators_project(
    compute: Opening,
) -> None:
    item = {key: value for key, value in server(1, 1).items() if key != "tenant_id"}
    office = compute(a=says({"servers": [item]}), b=GOOD, c=GOOD)
    office.index.is_admin = True
    LIST(office.call("GET /servers/detail?all_tenants=1&limit=1"))
    assert [route.project_id for route in office.index.learnt] == [None]


UNKNOWN = {
    "id": server(7, 7)["id"],
    "status": "UNKNOWN",
    "tenant_id": "blue",
    "created": "2026-01-31T12:00:07Z",
    "links": [
        {"rel": "self", "href": f"{TOP}/v2.1/servers/{server(7, 7)['id']}"},
        {"rel": "bookmark", "href": f"{TOP}/servers/{server(7, 7)['id']}"},
    ],
}


@pytest.mark.parametrize(
    ("version", "query", "records"),
    [
        ("compute 2.69", "", [UNKNOWN]),
        ("compute 2.90", "all_tenants=1", [UNKNOWN]),
        ("compute 2.68", "", []),
        ("compute 2.69", "limit=5", []),
        ("compute 2.69", "name=x", []),
        ("compute 2.69", "sort_key=created_at", []),
    ],
)
def test_records_stand_for_the_servers_of_a_silent_site(
    walker: Walker, version: str, query: str, records: list[Any]
) -> None:
    walker.sites.silent = {"a"}
    walker.know("a", server(7, 7))
    walker.know("b", server(8, 8))
    walker.index.routes.append(Route("another", "server", A.id, "another", "red", None))
    call = walker.office.call(f"GET /servers/detail?{query}", headers={"OpenStack-API-Version": version})
    shown = document(LIST(call))["servers"]
    assert [each for each in shown if each.get("status") == "UNKNOWN"] == records
