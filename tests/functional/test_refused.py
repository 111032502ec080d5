"""Who is refused by a site changes nothing anywhere, also of what only sites know."""

import json
from collections.abc import Iterator
from copy import deepcopy

import pytest
from tests.fakes.cloud import OTHER_PROJECT, Cloud
from tests.fakes.compute.records import Flavor, Keypair
from tests.fakes.faults import HangUp
from tests.fakes.site import Site
from tests.fakes.volume.records import QosSpec, VolumeType
from tests.functional.gateway import GatewayClient
from tests.functional.workshop import KINDS, Workshop

from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import REPLICATE

Request = tuple[str, str, object]

SPECS = {"extra_specs": {"who": "three"}}

ON_FLAVORS: list[Request] = [
    (method, path.format(id=identifier), body)
    for identifier in ("fx", "private")
    for method, path, body in (
        ("PUT", "/v2.1/flavors/{id}", {"flavor": {"description": "x"}}),
        ("DELETE", "/v2.1/flavors/{id}", None),
        ("POST", "/v2.1/flavors/{id}/action", {"addTenantAccess": {"tenant": OTHER_PROJECT}}),
        ("POST", "/v2.1/flavors/{id}/os-extra_specs", SPECS),
        ("PUT", "/v2.1/flavors/{id}/os-extra_specs/who", {"who": "three"}),
        ("DELETE", "/v2.1/flavors/{id}/os-extra_specs/who", None),
    )
]

ON_VOLUMES: list[Request] = [
    ("PUT", "/v3/types/t", {"volume_type": {"description": "x"}}),
    ("DELETE", "/v3/types/t", None),
    ("POST", "/v3/types/t/action", {"addProjectAccess": {"project": OTHER_PROJECT}}),
    ("POST", "/v3/types/t/extra_specs", SPECS),
    ("PUT", "/v3/types/t/extra_specs/who", {"who": "three"}),
    ("DELETE", "/v3/types/t/extra_specs/who", None),
    ("PUT", "/v3/qos-specs/q", {"qos_specs": {"total_iops_sec": "9"}}),
    ("PUT", "/v3/qos-specs/q/delete_keys", {"keys": ["total_iops_sec"]}),
    ("DELETE", "/v3/qos-specs/q?force=True", None),
    ("GET", "/v3/qos-specs/q/associate?vol_type_id=plain", None),
    ("GET", "/v3/qos-specs/q/disassociate?vol_type_id=t", None),
    ("GET", "/v3/qos-specs/q/disassociate_all", None),
]

BY_ADMINISTRATORS: list[tuple[int, Request]] = [
    (409, ("POST", "/v2.1/flavors/fx/action", {"addTenantAccess": {"tenant": OTHER_PROJECT}})),
    (404, ("DELETE", "/v2.1/flavors/fx/os-extra_specs/none", None)),
    (400, ("PUT", "/v2.1/flavors/fx/os-extra_specs/who", {"other": "three"})),
]

NOT_ADDRESSABLE: list[Request] = [
    ("POST", "/v2.1/flavors", {"flavor": {"name": "x", "id": "DOTS", "ram": 64, "disk": 1, "vcpus": 1}}),
    ("POST", "/v2.1/os-keypairs", {"keypair": {"name": "DOTS", "public_key": "ssh-rsa a"}}),
    ("POST", "/v2.1/flavors/fx/os-extra_specs", {"extra_specs": {"DOTS": "1"}}),
    ("PUT", "/v2.1/flavors/fx/os-extra_specs/DOTS", {"DOTS": "1"}),
    ("POST", "/v3/types", {"volume_type": {"name": "x", "extra_specs": {"DOTS": "1"}}}),
    ("POST", "/v3/types/t/extra_specs", {"extra_specs": {"DOTS": "1"}}),
    ("PUT", "/v3/types/t/extra_specs/DOTS", {"DOTS": "1"}),
]


def things_in(site: Site) -> object:
    """All that a site has of what is the same everywhere."""
    there = (site.compute.flavors, site.compute.keypairs, site.volume.types, site.volume.qos_specs)
    return deepcopy(there)


@pytest.fixture(autouse=True)
def old(cloud: Cloud, site_one: Site, site_two: Site) -> Iterator[None]:
    """Things that were made behind the top's back; at the end no site has changed, and nobody is to."""
    for site, who in ((site_one, "one"), (site_two, "two")):
        site.compute.flavors["fx"] = Flavor("fx", "fx", ram=64, extra_specs={"who": who})
    private = Flavor("private", "private", ram=64, is_public=False, extra_specs={"who": "one"})
    site_one.compute.flavors["private"] = private
    theirs = Keypair("theirs", cloud.stranger.user_id, "ssh-rsa a", "00", "ssh", site_one.compute.clock())
    site_one.compute.keypairs[cloud.stranger.user_id, "theirs"] = theirs
    site_one.volume.qos_specs["q"] = QosSpec("q", "slow", "back-end", {"total_iops_sec": "1"})
    site_one.volume.types["t"] = VolumeType("t", "bronze", qos_spec_id="q", extra_specs={"who": "one"})
    site_one.volume.types["plain"] = VolumeType("plain", "plain")
    site_two.volume.types["u"] = VolumeType("u", "bronze", extra_specs={"who": "two"})
    before = [things_in(site) for site in (site_one, site_two)]
    yield
    assert [things_in(site) for site in (site_one, site_two)] == before


def assert_nothing_follows(workshop: Workshop) -> None:
    """Nothing is defined, and nothing was ever to be made anywhere."""
    assert {kind: workshop.definitions(kind) for kind in KINDS} == {kind: {} for kind in KINDS}
    assert JobStore(workshop.engine.database).page(JobFilters(type=REPLICATE.name)) == []
    assert workshop.waiting() == []


def send(client: GatewayClient, request: Request) -> int:
    """Send a request; return the status."""
    method, path, body = request
    return client.request(method, path, None if body is None else json.dumps(body).encode()).status


@pytest.mark.parametrize("request_", ON_FLAVORS, ids=lambda each: f"{each[0]} {each[1]}")
def test_a_user_who_may_not_change_a_flavor(
    compute: GatewayClient, workshop: Workshop, request_: Request
) -> None:
    assert send(compute.at("compute 2.75"), request_) in {403, 404}
    assert_nothing_follows(workshop)
    workshop.run()


@pytest.mark.parametrize("request_", ON_VOLUMES, ids=lambda each: f"{each[0]} {each[1]}")
def test_a_user_who_may_not_change_a_volume_type_or_qos_spec(
    volume: GatewayClient, workshop: Workshop, request_: Request
) -> None:
    assert send(volume.at("volume 3.63"), request_) in {403, 404}
    assert_nothing_follows(workshop)
    workshop.run()


def test_a_user_who_deletes_the_keypair_of_another(
    compute: GatewayClient, workshop: Workshop, cloud: Cloud
) -> None:
    path = f"/v2.1/os-keypairs/theirs?user_id={cloud.stranger.user_id}"
    assert send(compute.at("compute 2.92"), ("DELETE", path, None)) == 403
    assert_nothing_follows(workshop)
    workshop.run()


@pytest.mark.parametrize("request_", BY_ADMINISTRATORS, ids=lambda each: str(each[0]))
def test_an_administrator_who_asks_for_what_cannot_be(
    admin: GatewayClient, workshop: Workshop, request_: tuple[int, Request]
) -> None:
    status, request = request_
    assert send(admin, request) == status
    assert_nothing_follows(workshop)
    workshop.run()


@pytest.mark.parametrize("dots", [".", ".."])
@pytest.mark.parametrize("request_", NOT_ADDRESSABLE, ids=lambda each: f"{each[0]} {each[1]}")
def test_what_could_not_be_addressed_later_is_not_made(
    request: pytest.FixtureRequest, cloud: Cloud, workshop: Workshop, request_: Request, dots: str
) -> None:
    service = "volume" if "/v3" in request_[1] else "compute"
    client: GatewayClient = request.getfixturevalue(service)
    method, path, body = request_
    with_dots = json.loads(json.dumps(body).replace("DOTS", dots))
    refused = (method, path.replace("DOTS", dots.replace(".", "%2E")), with_dots)
    assert send(client.as_(cloud.admin), refused) == 400
    assert_nothing_follows(workshop)


@pytest.mark.parametrize("request_", ON_FLAVORS, ids=lambda each: f"{each[0]} {each[1]}")
def test_a_request_that_was_never_answered_and_had_no_effect(
    compute: GatewayClient, workshop: Workshop, cloud: Cloud, site_one: Site, request_: Request
) -> None:
    cloud.configuration.set_override("intent_grace", 1.0, group="xjob")
    method, path, _ = request_
    site_one.compute.faults.put(HangUp(), path.removeprefix("/v2.1"), method=method, times=1)
    assert send(compute.at("compute 2.75"), request_) == 504
    workshop.finish()
    assert_nothing_follows(workshop)
