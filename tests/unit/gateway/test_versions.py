"""Version documents."""

from typing import Any

import pytest
from tests.unit.gateway.office import TOP, Office, Opening, document, says
from tests.unit.sites.wire import json_answer

from tricircle.errors import SiteUnavailable


def nova(lowest: str, highest: str) -> Any:
    theirs = [{"rel": "self", "href": "http://site/v2.1/"}]
    current = {
        "id": "v2.1",
        "status": "CURRENT",
        "version": highest,
        "min_version": lowest,
        "updated": "2013-07-23T11:33:21Z",
        "links": theirs,
    }
    legacy = {"id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "", "links": []}
    return says({"versions": [legacy, current]})


def cinder(lowest: str, highest: str) -> Any:
    return says(
        {"versions": [{"id": "v3.0", "status": "CURRENT", "version": highest, "min_version": lowest}]}
    )


def shown(office: Office) -> Any:
    reply = office.engine.versions.index(TOP)
    (found,) = document(reply)["versions"]
    return found


def test_the_range_is_what_all_sites_have(compute: Opening) -> None:
    found = shown(compute(a=nova("2.1", "2.96"), b=nova("2.10", "2.103"), c=nova("2.9", "2.100")))
    assert (found["min_version"], found["version"]) == ("2.10", "2.96")


def test_the_rest_of_the_document_is_a_sites_and_its_links_are_the_tops(compute: Opening) -> None:
    assert shown(compute(a=nova("2.1", "2.96"))) == {
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.96",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{TOP}/v2.1/"}],
    }


def test_nova_shows_one_version_by_itself(compute: Opening) -> None:
    office = compute(a=nova("2.1", "2.96"))
    assert office.engine.versions.index(TOP).status == 200
    assert document(office.engine.versions.show(TOP)) == {"version": shown(office)}


def test_cinder_shows_one_version_in_a_list_and_leaves_the_choice(volume: Opening) -> None:
    office = volume(a=cinder("3.0", "3.70"), b=cinder("3.0", "3.71"))
    found = shown(office)
    assert (found["min_version"], found["version"]) == ("3.0", "3.70")
    assert office.engine.versions.index(TOP).status == 300
    assert document(office.engine.versions.show(TOP)) == {"versions": [found]}


@pytest.mark.parametrize(
    "other",
    [
        json_answer(b"<html>"),
        json_answer(b"[]"),
        json_answer(b"{}"),
        json_answer(b'{"versions": {}}'),
        json_answer(b'{"versions": ["2.1"]}'),
        says({"versions": [{"id": "v2.1"}]}),
        says({"versions": [{"id": "v2.1", "version": None, "min_version": None}]}),
        says({"versions": [{"id": "v3.0", "version": "3.1", "min_version": "3.0"}]}),
    ],
)
def test_a_site_that_tells_no_version_is_left_out(compute: Opening, other: Any) -> None:
    found = shown(compute(a=other, b=nova("2.1", "2.96")))
    assert (found["min_version"], found["version"]) == ("2.1", "2.96")


def test_without_any_site_there_is_no_version(compute: Opening) -> None:
    with pytest.raises(SiteUnavailable):
        shown(compute())
