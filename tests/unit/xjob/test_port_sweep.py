"""The ports of a site are compared with those that the top has of it."""

import pytest
from tests.unit.xjob.neutrons import SUBNET, A, Office, port, row

from tricircle.errors import SiteUnavailable
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Failed, Postponed, Succeeded
from tricircle.jobs.types import FOLLOW, PORTS
from tricircle.sites.service_calls import SiteRefused
from tricircle.xjob.port_sweep import sweep


def request() -> Request:
    return Request(PORTS.name, "site", A.id, A.id)


def test_what_is_new_changed_or_gone_is_found(office: Office) -> None:
    office.put(port(1), port(2, name="out of band"), port(3))
    office.put_rows(row(2), row(3), row(4))
    outcome, _ = office.do(sweep, request())
    assert outcome == Succeeded("1 networks: 1 adopted, 1 changed, 1 removed.")
    assert office.neutrons.rows == {"port-1": row(1), "port-2": row(2, name="out of band"), "port-3": row(3)}
    assert office.routed() == {"port-1", "port-2", "port-3"}


def test_where_nothing_differs_nothing_is_changed(office: Office) -> None:
    office.put(*(port(number) for number in range(1, 6)))
    office.put_rows(*(row(number) for number in range(1, 6)))
    office.do(sweep, request())
    assert office.effects() == []


def test_each_network_that_the_site_has_is_compared(office: Office) -> None:
    office.realise("network", "top-second", "a-second")
    office.put(port(1, network_id="a-second"), port(2), port(3, network_id="own"))
    office.put_rows(row(4, network_id="top-second"))
    outcome, job = office.do(sweep, request())
    assert outcome == Succeeded("2 networks: 2 adopted, 1 removed.")
    assert sorted(office.neutrons.rows) == ["port-1", "port-2"]
    assert job.progress["of"] == 2


@pytest.mark.parametrize("owner", ["network:dhcp", "network:distributed", ""])
def test_ports_with_addresses_of_the_block_are_known(office: Office, owner: str) -> None:
    office.put(port(1, device_owner=owner, device_id="x"))
    office.do(sweep, request())
    assert office.neutrons.rows["port-1"]["device_owner"] == owner
    assert office.neutrons.rows["port-1"]["fixed_ips"] == [{"subnet_id": SUBNET, "ip_address": "10.0.0.1"}]


@pytest.mark.parametrize(
    "owner", ["network:router_interface", "network:router_gateway", "network:floatingip"]
)
def test_ports_of_routers_are_left_alone(office: Office, owner: str) -> None:
    office.put(port(1, device_owner=owner))
    office.do(sweep, request())
    assert office.neutrons.rows == {}


def test_what_has_changed_since_is_not_taken_back(office: Office) -> None:
    """It became ACTIVE, and another job told the top, after the site was asked."""
    office.put(port(1, status="DOWN"))
    office.put_rows(row(1, status="DOWN", name="old"))

    def before(site: str, method: str, path: str) -> None:
        if (site, method) == ("top", "GET") and ("a", "GET", "/v2.0/ports") in office.neutrons.asked:
            office.neutrons.ports["port-1"] = port(1)
            office.neutrons.rows["port-1"] = row(1)

    office.neutrons.before = before
    office.do(sweep, request())
    assert office.neutrons.rows == {"port-1": row(1)}
    assert office.effects() == []


def test_a_port_without_a_route_gets_one(office: Office) -> None:
    """Who adopted it was killed before that was written down."""
    office.put(port(1))
    office.neutrons.rows["port-1"] = row(1)
    office.do(sweep, request())
    assert office.routed() == {"port-1"}


def test_a_port_that_somebody_deleted_at_the_top_is_not_adopted_anew(office: Office) -> None:
    office.put(port(1))
    office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))
    office.do(sweep, request())
    assert office.neutrons.rows == {}


@pytest.mark.parametrize("told_by", ["journal", "job"])
def test_one_that_is_deleted_while_it_is_compared_is_not_adopted_anew(office: Office, told_by: str) -> None:
    """The row is gone, and what tells why is still in the plugin's journal, or comes out of it just now."""
    office.put(port(1))
    office.put_rows(row(1))
    office.neutrons.rows.clear()

    def before(site: str, method: str, path: str) -> None:
        if (site, method) == ("top", "POST") and told_by == "journal":
            words = "Port port-1 cannot be adopted: its deletion is on its way to the site."
            raise SiteRefused(words, site="top", request_id=None, status=409)
        if (site, method) == ("top", "POST"):
            office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))

    office.neutrons.before = before
    assert office.do(sweep, request())[1].state is JobState.SUCCEEDED
    assert office.neutrons.rows == {}
    assert office.routed() == {"port-1"}


def test_one_that_the_top_has_lost_is_adopted_anew(office: Office) -> None:
    """Its database was restored from an older state: nobody asked for anything to be deleted."""
    office.put(port(1))
    office.put_rows(row(1))
    office.neutrons.rows.clear()
    office.do(sweep, request())
    assert office.neutrons.rows == {"port-1": row(1)}


def test_ports_made_at_the_top_are_left_alone(office: Office) -> None:
    office.realise("port", "top-port", "port-1")
    office.put(port(1))
    office.do(sweep, request())
    assert office.neutrons.rows == {}


def test_complaints_come_last_and_not_all_of_them(office: Office) -> None:
    office.put(*(port(number) for number in range(1, 10)))
    for number in range(2, 10):
        office.neutrons.others[f"other-{number}"] = row(number) | {"id": f"other-{number}"}
    outcome, job = office.do(sweep, request())
    assert isinstance(outcome, Failed)
    assert job.state is JobState.FAILED
    assert outcome.cause.endswith("So with 3 more.")
    assert sorted(office.neutrons.rows) == ["port-1"]


def test_a_site_that_is_away_is_compared_later(office: Office) -> None:
    office.put(port(1))
    office.put_rows(row(2))
    office.neutrons.away.add("a")
    with pytest.raises(SiteUnavailable):
        office.do(sweep, request())
    assert sorted(office.neutrons.rows) == ["port-2"]


def test_the_top_is_waited_for(office: Office) -> None:
    office.put(port(1))
    office.put_rows(row(2))
    office.neutrons.away.add("top")
    outcome, job = office.do(sweep, request())
    assert isinstance(outcome, Postponed)
    assert job.attempts == 0
    office.neutrons.away.clear()
    assert isinstance(office.do(sweep)[0], Succeeded)
    assert sorted(office.neutrons.rows) == ["port-1"]


def test_a_site_that_does_not_show_everything_is_not_believed(office: Office) -> None:
    office.put_rows(row(1))
    office.neutrons.is_administrator = False
    with pytest.raises(SiteRefused):
        office.do(sweep, request())
    assert sorted(office.neutrons.rows) == ["port-1"]


def test_a_top_without_a_network_service_has_nothing_to_compare(office: Office) -> None:
    office.networks.is_there = False
    office.do(sweep, request())
    assert office.neutrons.asked == []
