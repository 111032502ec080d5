"""Ports made at the top first belong to the server that has them in their site."""

import pytest
from tests.unit.xjob.neutrons import SERVER, A, Office, port, row

from tricircle.jobs.job import Request
from tricircle.jobs.outcome import Succeeded
from tricircle.jobs.types import ADOPT, AFTER_DELETE, PORTS
from tricircle.xjob import adopt as module
from tricircle.xjob.adopt import adopt
from tricircle.xjob.after_delete import drop_route
from tricircle.xjob.engine import Engine
from tricircle.xjob.port_sweep import sweep

FREE = {"device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN"}
TAKEN = {"device_id": SERVER, "device_owner": "compute:nova", "binding:host_id": "a"}


@pytest.fixture
def office(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The site has port 1 of the top as port 7."""
    monkeypatch.setattr(module, "_NOTICE", -1.0)
    office = Office(engine)
    office.serve()
    office.realise("port", "port-1", "port-7")
    office.put(port(7, fixed_ips=port(1)["fixed_ips"]))
    office.neutrons.others["port-1"] = row(1, **FREE)
    return office


def ask(office: Office) -> None:
    assert isinstance(office.do(adopt, Request(ADOPT.name, "server", SERVER, A.id))[0], Succeeded)


def owner(office: Office) -> dict[str, str]:
    return {name: office.neutrons.others["port-1"][name] for name in TAKEN}


def test_a_server_that_takes_it_is_its_owner_at_the_top(office: Office) -> None:
    ask(office)
    assert owner(office) == TAKEN
    assert office.neutrons.rows == {}
    office.effects()
    ask(office)
    assert office.effects() == []


def test_its_status_is_as_the_site_says(office: Office) -> None:
    ask(office)
    assert office.neutrons.others["port-1"]["status"] == "ACTIVE"
    office.serve("SHUTOFF")
    for look in (ask, compare):
        for status, at_top in [("DOWN", "DOWN"), ("N/A", "DOWN"), ("ACTIVE", "ACTIVE")]:
            office.put(port(7, fixed_ips=port(1)["fixed_ips"], status=status))
            office.effects()
            look(office)
            look(office)
            assert office.neutrons.others["port-1"]["status"] == at_top
            assert len(office.effects()) == (status != "N/A")


def test_one_that_another_job_has_given_to_another_server_meanwhile_stays_that_ones(office: Office) -> None:
    ask(office)
    office.put(port(7, device_id="", device_owner=""))
    elsewhere = TAKEN | {"device_id": "another", "binding:host_id": "b"}

    def give(site: str, method: str, path: str) -> None:
        if (site, method, path) == ("top", "GET", "/v2.0/ports/port-1"):
            office.neutrons.others["port-1"] |= elsewhere

    office.neutrons.before = give
    office.do(adopt, Request(ADOPT.name, "server", SERVER, A.id))
    assert owner(office) == elsewhere


def test_one_that_was_let_go_since_the_first_look_is_not_given_to_the_server_again(office: Office) -> None:
    def let_go(site: str, method: str, path: str) -> None:
        if (site, method, path) == ("top", "GET", "/v2.0/ports/port-1"):
            office.put(port(7, device_id="", device_owner=""))

    office.neutrons.before = let_go
    office.neutrons.others["port-1"]["device_id"] = "what the first look has not seen"
    office.do(adopt, Request(ADOPT.name, "server", SERVER, A.id))
    assert not [path for _, method, path in office.neutrons.asked if method == "PUT"]


def test_nor_is_it_taken_from_one_that_has_got_it_just_before_that_is_written(office: Office) -> None:
    ask(office)
    office.put(port(7, device_id="", device_owner=""))
    office.neutrons.others["port-1"]["revision_number"] = 4
    elsewhere = TAKEN | {"device_id": "another", "binding:host_id": "b"}

    def give(step: str) -> None:
        if step == "change the owner":
            office.neutrons.others["port-1"] |= elsewhere | {"revision_number": 5}

    office.before_step = give
    office.do(adopt, Request(ADOPT.name, "server", SERVER, A.id))
    assert owner(office) == elsewhere


def test_when_the_server_is_gone_it_is_nobodys(office: Office) -> None:
    ask(office)
    office.neutrons.servers.clear()
    office.put(port(7, device_id="", device_owner=""))
    office.do(drop_route, Request(AFTER_DELETE.name, "server", SERVER, A.id))
    assert owner(office) == dict.fromkeys(TAKEN, "")


def test_when_it_is_detached_it_is_nobodys(office: Office) -> None:
    office.put(port(2))
    ask(office)
    office.put(port(7, device_id="", device_owner=""))
    ask(office)
    assert owner(office) == dict.fromkeys(TAKEN, "")
    assert office.neutrons.rows == {"port-2": row(2)}


def test_a_port_that_is_taken_in_another_site_is_left_alone(office: Office) -> None:
    elsewhere = TAKEN | {"binding:host_id": "b"}
    office.neutrons.others["port-1"] = row(1, **elsewhere)
    office.put(port(7, device_id="", device_owner=""))
    ask(office)
    assert owner(office) == elsewhere


def test_a_port_that_is_deleted_at_the_top_is_left_to_its_deletion(office: Office) -> None:
    del office.neutrons.others["port-1"]
    ask(office)
    assert office.effects() == []


def compare(office: Office) -> None:
    assert isinstance(office.do(sweep, Request(PORTS.name, "site", A.id, A.id))[0], Succeeded)


def test_one_that_was_let_go_unseen_is_nobodys_after_the_next_comparison(office: Office) -> None:
    """Its server was deleted while the site's Neutron was down, or by the site's administrator."""
    office.neutrons.others["port-1"] |= TAKEN
    office.put(port(7, device_id="", device_owner=""))
    compare(office)
    assert owner(office) == dict.fromkeys(TAKEN, "")


def test_one_that_was_taken_unseen_is_its_servers_after_the_next_comparison(office: Office) -> None:
    compare(office)
    assert owner(office) == TAKEN
    office.effects()
    compare(office)
    assert office.effects() == []


def test_one_that_is_in_another_site_by_now_is_left_alone(office: Office) -> None:
    office.neutrons.others["port-1"] |= TAKEN | {"binding:host_id": "b"}
    office.put(port(7, device_id="", device_owner=""))
    compare(office)
    assert owner(office) == TAKEN | {"binding:host_id": "b"}
