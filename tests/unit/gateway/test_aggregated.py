"""Answers computed over all sites."""

from typing import Any

import msgspec
import pytest
from tests.unit.gateway.office import Opening, document, header, says
from tests.unit.gateway.walker import HANDLERS
from tests.unit.sites.wire import json_answer

from tricircle.errors import SiteUnavailable
from tricircle.gateway.fan_out import MISSING_SITES, Refused
from tricircle.gateway.limits import CombinedLimits, SiteLimits
from tricircle.gateway.volume.operations import OPERATIONS as VOLUME_OPERATIONS
from tricircle.sites.transport import Answer

LIMITS = HANDLERS["GET", "/limits"]
ZONES = HANDLERS["GET", "/os-availability-zone"]
ZONES_DETAIL = HANDLERS["GET", "/os-availability-zone/detail"]
VOLUME_ZONES = next(row.handler for row in VOLUME_OPERATIONS if row.path == "/os-availability-zone")
NO_ZONES = says({"availabilityZoneInfo": []})


def limits(**absolute: int) -> dict[str, Any]:
    return {"limits": {"rate": [], "absolute": absolute}}


def combined(*documents: dict[str, Any]) -> Any:
    combine = CombinedLimits("maxTotalCores", "totalCoresUsed")
    answers = [(None, msgspec.convert(each, SiteLimits)) for each in documents]
    return combine(None, answers)  # type: ignore[arg-type]  # neither call nor site is looked at


def test_what_every_site_has_for_itself_adds_up() -> None:
    assert combined(limits(maxTotalCores=10, totalCoresUsed=3), limits(maxTotalCores=5)) == limits(
        maxTotalCores=15, totalCoresUsed=3
    )


def test_of_what_one_request_may_do_the_strictest_counts() -> None:
    assert combined(limits(maxServerMeta=128), limits(maxServerMeta=64)) == limits(maxServerMeta=64)


def test_one_unlimited_site_makes_a_sum_unlimited() -> None:
    assert combined(limits(maxTotalCores=10), limits(maxTotalCores=-1)) == limits(maxTotalCores=-1)


def test_an_unlimited_site_makes_nothing_less_strict() -> None:
    assert combined(limits(maxServerMeta=-1), limits(maxServerMeta=64)) == limits(maxServerMeta=64)
    assert combined(limits(maxServerMeta=-1), limits(maxServerMeta=-1)) == limits(maxServerMeta=-1)


def test_limits_are_those_of_all_sites_that_answer(compute: Opening) -> None:
    office = compute(a=says(limits(maxTotalCores=10)), c=says(limits(maxTotalCores=5)))
    reply = LIMITS(office.call("GET /limits?tenant_id=x"))
    assert document(reply) == limits(maxTotalCores=15)
    assert header(reply, MISSING_SITES) == ["b"]
    assert office.asked[0] == ("a", "GET", "/v2.1/limits?tenant_id=x")


def test_who_asked_for_the_latest_gets_what_all_sites_have(compute: Opening) -> None:
    def answer(highest: str) -> Any:
        root = says({"versions": [{"id": "v2.1", "version": highest, "min_version": "2.1"}]})
        return lambda request: says(limits(maxServerMeta=1)) if "limits" in request.url else root

    office = compute(a=answer("2.96"), b=answer("2.100"), c=answer("2.103"))
    LIMITS(office.call("GET /limits", headers={"OpenStack-API-Version": "compute latest"}))
    asked = [each.headers for each in office.wire.requests if "limits" in each.url]
    assert len(asked) == 3
    assert all("OpenStack-API-Version: compute 2.96" in headers for headers in asked)


def test_headers_about_the_whole_are_told_once_and_each_sites_request_id_by_name(compute: Opening) -> None:
    def answer(number: int) -> Any:
        headers = {
            "openstack_api_version": "compute 2.1",
            "vary": "X",
            "x_openstack_request_id": f"req-{number}",
        }
        return says(limits(), **headers)

    reply = LIMITS(compute(a=answer(1), b=answer(2), c=answer(3)).call("GET /limits"))
    assert sorted(reply.headers) == [
        ("Content-Type", "application/json"),
        ("X-Tricircle-Site-Request-Id", "a req-1"),
        ("X-Tricircle-Site-Request-Id", "b req-2"),
        ("X-Tricircle-Site-Request-Id", "c req-3"),
        ("openstack-api-version", "compute 2.1"),
        ("vary", "X"),
    ]


def test_nobody_answering_is_no_answer(compute: Opening) -> None:
    with pytest.raises(SiteUnavailable):
        LIMITS(compute().call("GET /limits"))


def test_where_every_site_refuses_the_first_ones_words_are_the_answer(compute: Opening) -> None:
    first, second = says({"forbidden": {"message": "1"}}, 403), says({"forbidden": {"message": "2"}}, 403)
    with pytest.raises(Refused) as caught:
        LIMITS(compute(b=first, c=second).call("GET /limits"))
    assert caught.value.answer == first


@pytest.mark.parametrize(
    "bad",
    [
        Answer(200, [("content-type", "text/html")], b"<html>"),
        json_answer(b"[]"),
        json_answer(b"null"),
        json_answer(b"{}"),
        json_answer(b'{"limits": null}'),
        json_answer(b'{"limits": {"absolute": []}}'),
    ],
)
def test_a_site_that_answers_something_else_does_not_spoil_the_others(compute: Opening, bad: Answer) -> None:
    office = compute(a=bad, b=says(limits(maxTotalCores=1)), c=says(limits(maxTotalCores=2)))
    reply = LIMITS(office.call("GET /limits"))
    assert document(reply) == limits(maxTotalCores=3)
    assert header(reply, MISSING_SITES) == ["a"]


def zones(**available: bool) -> Answer:
    """Make a site's own answer; underscores in names stand for dashes."""
    answer = says(
        {
            "availabilityZoneInfo": [
                {"zoneName": name.replace("_", "-"), "zoneState": {"available": up}, "hosts": None}
                for name, up in available.items()
            ]
        }
    )
    assert isinstance(answer, Answer)
    return answer


def shown(document: Any) -> dict[str, bool]:
    return {each["zoneName"]: each["zoneState"]["available"] for each in document["availabilityZoneInfo"]}


def test_the_zones_are_the_tops_available_where_a_site_says_so(compute: Opening) -> None:
    office = compute(a=zones(nova_a=False, internal=True), b=zones(nova_b=True), c=zones(rack_1=False))
    found = document(ZONES(office.call("GET /os-availability-zone")))
    assert shown(found) == {"east": True, "north": False, "south": False}
    assert [each["hosts"] for each in found["availabilityZoneInfo"]] == [None, None, None]


def test_a_zone_of_silent_sites_is_not_available(compute: Opening) -> None:
    office = compute(a=zones(nova_a=True))
    assert shown(document(ZONES(office.call("GET /os-availability-zone")))) == {
        "east": True,
        "north": False,
        "south": False,
    }


@pytest.mark.parametrize(("one", "two"), [(True, False), (False, True)])
def test_a_zone_that_is_several_of_one_site_is_available_with_one_of_them(
    compute: Opening, one: bool, two: bool
) -> None:
    office = compute(a=zones(rack_1=one, rack_2=two), b=NO_ZONES, c=NO_ZONES)
    assert shown(document(ZONES(office.call("GET /os-availability-zone"))))["south"]


def test_another_sites_zone_of_the_same_name_says_nothing(compute: Opening) -> None:
    office = compute(a=zones(rack_1=True), b=zones(nova_a=True), c=NO_ZONES)
    assert shown(document(ZONES(office.call("GET /os-availability-zone")))) == {
        "east": False,
        "north": False,
        "south": True,
    }


def test_in_the_details_a_site_is_one_host(compute: Opening) -> None:
    office = compute(a=zones(nova_a=True), b=zones(nova_b=False), c=NO_ZONES)
    found = document(ZONES_DETAIL(office.call("GET /os-availability-zone/detail")))
    (east,) = [each for each in found["availabilityZoneInfo"] if each["zoneName"] == "east"]
    states = {name: host["nova-compute"]["available"] for name, host in east["hosts"].items()}
    assert states == {"a": True, "b": False}


def test_cinders_zones_are_found_under_cinders_names_and_have_no_hosts(volume: Opening) -> None:
    office = volume(a=zones(cinder_a=True), b=NO_ZONES, c=NO_ZONES)
    assert VOLUME_ZONES is not None
    found = document(VOLUME_ZONES(office.call("GET /os-availability-zone")))
    assert found["availabilityZoneInfo"] == [
        {"zoneName": "east", "zoneState": {"available": True}},
        {"zoneName": "north", "zoneState": {"available": False}},
        {"zoneName": "south", "zoneState": {"available": False}},
    ]
