"""Address pairs, port security and tags of a site's ports are at the top as they are in the site."""

from typing import Any

import pytest
from tests.unit.xjob.neutrons import GROUP, A, Item, Office, port, row

from tricircle.jobs.job import Request
from tricircle.jobs.outcome import Failed, Succeeded
from tricircle.jobs.types import FOLLOW, PORTS
from tricircle.xjob import membership, port_rows
from tricircle.xjob.engine import Engine
from tricircle.xjob.port_sweep import sweep
from tricircle.xjob.ports import OF_EXTENSIONS, carry

ITS_MAC = "fa:16:3e:00:00:01"
PAIRS = [
    {"ip_address": "10.0.0.8", "mac_address": "fa:16:3e:00:00:99"},
    {"ip_address": "10.0.0.9", "mac_address": ITS_MAC},
]
BARE = {"ip_address": "10.0.0.9"}
"""The second of them, as one may write it."""

OPEN: Item = {"port_security_enabled": False, "security_groups": []}

COMPARISON = Request(PORTS.name, "site", A.id, A.id)


def without(item: Item, *names: str) -> Item:
    """Return a port without some fields, as a Neutron without the extensions shows it."""
    return {name: value for name, value in item.items() if name not in names}


def test_a_port_is_adopted_with_them(office: Office) -> None:
    office.put(port(1, allowed_address_pairs=[BARE, PAIRS[0]], tags=["red", "blue"]), port(2, **OPEN))
    office.do(sweep, COMPARISON)
    assert office.neutrons.rows == {
        "port-1": row(1, allowed_address_pairs=PAIRS, tags=["blue", "red"]),
        "port-2": row(2, **OPEN),
    }
    office.effects()
    office.do(sweep, COMPARISON)
    assert office.effects() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"allowed_address_pairs": PAIRS},
        {"tags": ["blue", "red"]},
        OPEN,
        OPEN | {"name": "open", "tags": ["red"]},
    ],
    ids="-".join,
)
def test_what_changes_in_the_site_changes_at_the_top(office: Office, changes: Item) -> None:
    office.put(port(1, **changes), port(2))
    office.put_rows(row(1, revision_number=3), row(2, **changes, revision_number=3))
    office.do(sweep, COMPARISON)
    assert office.neutrons.rows == {
        "port-1": row(1, **changes, revision_number=4),
        "port-2": row(2, revision_number=4),
    }
    assert {"adopted_port": changes | {"revision_number": 3}} in office.neutrons.bodies
    office.effects()
    office.do(sweep, COMPARISON)
    assert office.effects() == []


def test_the_order_is_no_difference_nor_is_a_mac_address_that_is_not_said(office: Office) -> None:
    office.put(port(1, allowed_address_pairs=[BARE, PAIRS[0]], tags=["b", "a"]))
    office.put_rows(row(1, allowed_address_pairs=PAIRS, tags=["a", "b"]))
    office.do(sweep, COMPARISON)
    assert office.effects() == []


def test_what_the_sites_neutron_does_not_have_stays_as_it_is_at_the_top(office: Office) -> None:
    office.put(without(port(1, name="new"), *OF_EXTENSIONS), without(port(2), *OF_EXTENSIONS))
    its: dict[str, Any] = {"allowed_address_pairs": PAIRS, "tags": ["red"]}
    office.put_rows(row(1, **its))
    office.do(sweep, COMPARISON)
    assert office.neutrons.rows == {
        "port-1": row(1, **its, name="new"),
        "port-2": without(row(2), *OF_EXTENSIONS),
    }


def test_what_the_tops_neutron_does_not_have_is_not_told(office: Office) -> None:
    office.neutrons.unheard_of = {"port_security_enabled", "tags"}
    office.put(port(1, allowed_address_pairs=PAIRS, tags=["red"], **OPEN))
    office.put_rows(without(row(1), "port_security_enabled", "tags"))
    assert isinstance(office.do(sweep, COMPARISON)[0], Succeeded)
    expected = without(row(1, allowed_address_pairs=PAIRS, **OPEN), "port_security_enabled", "tags")
    assert office.neutrons.rows == {"port-1": expected}


def test_a_change_on_its_way_to_the_site_is_not_undone(office: Office) -> None:
    its: dict[str, Any] = {"allowed_address_pairs": PAIRS, "tags": ["mine"]}
    office.put(port(1, **OPEN, status="DOWN"), without(port(2, name="old"), "tags"))
    office.put_rows(row(1, **its), without(row(2, **its), "port_security_enabled"))
    for port_id in ("port-1", "port-2"):
        office.engine.requester.request(Request(FOLLOW.name, "port", port_id, delay=1000))
    office.do(sweep, COMPARISON)
    assert office.neutrons.rows == {
        "port-1": row(1, **its, status="DOWN"),
        "port-2": without(row(2, **its), "port_security_enabled"),
    }


def test_one_that_comes_after_the_comparison_is_not_undone_either(office: Office) -> None:
    office.put(port(1, allowed_address_pairs=PAIRS, status="DOWN"))
    office.put_rows(row(1, revision_number=3))

    def change(_site: str, method: str, _path: str) -> None:
        if method == "PUT" and office.neutrons.rows["port-1"]["revision_number"] == 3:
            office.put_rows(row(1, tags=["mine"], revision_number=4))
            office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))

    office.neutrons.before = change
    office.do(sweep, COMPARISON)
    assert office.neutrons.rows == {"port-1": row(1, tags=["mine"], status="DOWN", revision_number=5)}


def test_a_plugin_of_the_release_before_adopts_without_them(office: Office) -> None:
    office.neutrons.unheard_of = set(OF_EXTENSIONS)
    office.put(port(1, allowed_address_pairs=PAIRS, tags=["red"]), port(2), port(3))
    outcome, _ = office.do(sweep, COMPARISON)
    assert outcome == Succeeded("1 networks: 3 adopted.")
    assert list(office.neutrons.rows.values()) == [without(row(each), *OF_EXTENSIONS) for each in (1, 2, 3)]
    office.effects()
    office.do(sweep, COMPARISON)
    assert office.effects() == []
    # Once it is replaced, it shows them, and they are put right.
    office.neutrons.unheard_of.clear()
    office.put_rows(row(1), row(2), row(3))
    office.do(sweep, COMPARISON)
    assert office.neutrons.rows["port-1"] == row(1, allowed_address_pairs=PAIRS, tags=["red"])
    assert office.effects() == [("top", "PUT", "/v2.0/adopted-ports/port-1")]


def test_what_the_top_does_not_take_is_no_reason_to_be_without_a_row(office: Office) -> None:
    """It shows them, and does not agree with one of a value."""
    office.neutrons.unheard_of = {"tags"}
    office.put(port(1, tags=["red"]))
    office.do(sweep, COMPARISON)
    office.put_rows(row(1))
    outcome, _ = office.do(sweep, COMPARISON)
    assert isinstance(outcome, Failed)
    assert "port-1" in outcome.cause
    assert office.neutrons.rows == {"port-1": row(1)}


class TestTagsLikeOurMarks:
    def test_are_not_shown_at_the_top(self, office: Office) -> None:
        office.put(port(1, tags=["tricircle:x", "red"]), port(2, tags=["tricircle:x"]))
        office.put_rows(row(2))
        office.do(sweep, COMPARISON)
        assert office.neutrons.rows == {"port-1": row(1, tags=["red"]), "port-2": row(2)}
        office.effects()
        office.do(sweep, COMPARISON)
        assert office.effects() == []

    def test_stay_where_they_are(self, office: Office) -> None:
        office.put(port(1, tags=["red"]), port(2, tags=["tricircle:x"]))
        office.put_rows(row(1, tags=["tricircle:y"]))
        office.do(sweep, COMPARISON)
        assert office.neutrons.rows["port-1"]["tags"] == ["red", "tricircle:y"]
        carry(office.engine, row(2, tags=["blue", "tricircle:y"]), A)
        assert office.neutrons.ports["port-2"]["tags"] == ["blue", "tricircle:x"]
        office.effects()
        assert carry(office.engine, row(2, tags=["blue", "tricircle:y"]), A) == "It was so already."


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"allowed_address_pairs": PAIRS}, {GROUP}),
        ({"tags": ["red"]}, set()),
        ({"name": "new"}, set()),
    ],
)
def test_other_sites_hear_of_addresses_that_a_member_gets(
    office: Office, monkeypatch: pytest.MonkeyPatch, changes: Item, expected: set[str]
) -> None:
    told: set[str] = set()
    changing = membership.changing

    def note(engine: Engine, site: Any, groups: Any) -> Any:
        told.update(groups)
        return changing(engine, site, groups)

    monkeypatch.setattr(port_rows.membership, "changing", note)
    office.put(port(1, **changes))
    office.put_rows(row(1))
    office.do(sweep, COMPARISON)
    assert told == expected
