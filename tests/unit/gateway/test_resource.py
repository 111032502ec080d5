"""Links and zones in representations of resources."""

from copy import deepcopy

import pytest

from tricircle.gateway.compute.resources import FLAVOR, KEYPAIR, SERVER
from tricircle.gateway.resource import Item, Resource
from tricircle.gateway.volume.resources import VOLUME

ROOT = "https://top/compute"
PREFIX = "https://top/compute/v2.1"


def links(what: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"http://site/v2.1/{what}"},
        {"rel": "bookmark", "href": f"http://site/{what}"},
    ]


def tops_links(what: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{PREFIX}/{what}"},
        {"rel": "bookmark", "href": f"{ROOT}/{what}"},
    ]


def rewritten(resource: Resource, item: Item) -> Item:
    changed = deepcopy(item)
    resource.rewrite(changed, ROOT, PREFIX, lambda name: f"top {name}")
    return changed


def test_links_are_the_tops() -> None:
    assert rewritten(FLAVOR, {"id": "1", "name": "m1", "links": links("flavors/1")}) == {
        "id": "1",
        "name": "m1",
        "links": tops_links("flavors/1"),
    }


def test_links_within_a_resource_are_the_tops_too() -> None:
    server = {
        "id": "s",
        "links": links("servers/s"),
        "flavor": {"id": "f", "links": links("flavors/f")},
        "image": {"id": "i", "links": links("images/i")},
    }
    assert rewritten(SERVER, server) == {
        "id": "s",
        "links": tops_links("servers/s"),
        "flavor": {"id": "f", "links": tops_links("flavors/f")},
        "image": {"id": "i", "links": tops_links("images/i")},
    }


@pytest.mark.parametrize(
    "item",
    [
        {"id": "s"},
        {"id": "s", "image": ""},
        {"id": "s", "image": None, "flavor": {"vcpus": 1, "original_name": "m1"}},
        {"id": "s", "OS-EXT-AZ:availability_zone": None},
        {"id": "s", "OS-EXT-AZ:availability_zone": ""},
        {},
    ],
)
def test_what_bears_neither_links_nor_zones_stays_as_it_is(item: Item) -> None:
    assert rewritten(SERVER, item) == item


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        (SERVER, "OS-EXT-AZ:availability_zone"),
        (SERVER, "pinned_availability_zone"),
        (VOLUME, "availability_zone"),
    ],
)
def test_zones_have_the_tops_names(resource: Resource, field: str) -> None:
    assert rewritten(resource, {"id": "x", field: "nova"}) == {"id": "x", field: "top nova"}


USERS_OWN = {
    "links": [{"rel": "self", "href": "http://mine"}],
    "availability_zone": "mine",
    "OS-EXT-AZ:availability_zone": "mine",
    "href": "http://site/v2.1/servers/s",
}


@pytest.mark.parametrize(
    "field", ["metadata", "name", "description", "tags", "image_properties", "volume_image_metadata"]
)
@pytest.mark.parametrize("resource", [SERVER, VOLUME, FLAVOR, KEYPAIR])
def test_what_users_write_is_never_touched(resource: Resource, field: str) -> None:
    item = {"id": "x", field: USERS_OWN}
    assert rewritten(resource, item) == item
