"""Which microversion a request asks for."""

import pytest

from tricircle.gateway.microversion import MicroversionHeaders, Version, parse

COMPUTE = MicroversionHeaders("compute", legacy="X-OpenStack-Nova-API-Version")
VOLUME = MicroversionHeaders("volume")


@pytest.mark.parametrize(("text", "version"), [("2.1", (2, 1)), ("2.104", (2, 104)), ("3.0", (3, 0))])
def test_a_version_is_two_numbers(text: str, version: Version) -> None:
    assert parse(text) == version


@pytest.mark.parametrize(
    "text", ["", "2", "2.", ".1", "latest", "2.1.3", "2.-1", "-2.1", "2.x", " 2.1", "2.\u00b2", "v2.1"]
)
def test_anything_else_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_number_of_any_length_is_no_defect() -> None:
    assert parse("2." + "9" * 10_000) in {None, (2, 10**10_000 - 1)}


def test_versions_compare_as_numbers() -> None:
    assert [parse("2.9"), parse("2.79"), parse("2.100")] == sorted([(2, 79), (2, 100), (2, 9)])


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("compute 2.79", "2.79"),
        ("compute latest", "latest"),
        ("  compute   2.79 ", "2.79"),
        ("volume 3.60, compute 2.79", "2.79"),
        ("compute 2.79,volume 3.60", "2.79"),
        ("volume 3.60", None),
        ("compute", None),
        ("compute ", None),
        ("computer 2.79", None),
        ("", None),
    ],
)
def test_the_header_names_the_service(header: str, asked: str | None) -> None:
    assert COMPUTE.asked({"HTTP_OPENSTACK_API_VERSION": header}) == asked


def test_without_a_header_nothing_is_asked() -> None:
    assert COMPUTE.asked({}) is None


def test_novas_older_header_is_read_where_the_newer_one_says_nothing() -> None:
    older = {"HTTP_X_OPENSTACK_NOVA_API_VERSION": "2.10"}
    assert COMPUTE.asked(older) == "2.10"
    assert COMPUTE.asked(older | {"HTTP_OPENSTACK_API_VERSION": "volume 3.60"}) == "2.10"
    assert COMPUTE.asked(older | {"HTTP_OPENSTACK_API_VERSION": "compute 2.79"}) == "2.79"
    assert VOLUME.asked(older) is None


def test_a_request_asks_in_every_header_of_its_service() -> None:
    assert COMPUTE.lines("2.79") == [
        "OpenStack-API-Version: compute 2.79",
        "X-OpenStack-Nova-API-Version: 2.79",
    ]
    assert VOLUME.lines("3.60") == ["OpenStack-API-Version: volume 3.60"]


def test_an_answer_says_which_version_it_is_and_that_caches_must_tell_it_apart() -> None:
    assert COMPUTE.fields("2.79") == [
        ("OpenStack-API-Version", "compute 2.79"),
        ("Vary", "OpenStack-API-Version"),
        ("X-OpenStack-Nova-API-Version", "2.79"),
        ("Vary", "X-OpenStack-Nova-API-Version"),
    ]
    assert VOLUME.fields("3.60") == [
        ("OpenStack-API-Version", "volume 3.60"),
        ("Vary", "OpenStack-API-Version"),
    ]
