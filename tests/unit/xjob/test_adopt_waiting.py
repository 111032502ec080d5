"""A job that adopts ports looks until they are as they are to be."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.xjob.adopting import request
from tests.unit.xjob.neutrons import NETWORK, SERVER, Office, port, row

from tricircle.db.timestamps import now
from tricircle.jobs.outcome import Postponed, Succeeded
from tricircle.jobs.types import AdoptParameters
from tricircle.xjob import adopt as module
from tricircle.xjob.adopt import adopt


@pytest.fixture(autouse=True)
def serve(office: Office) -> None:
    office.serve()


class TestWaiting:
    def test_it_looks_until_the_ports_are_active_and_calls_the_top_for_what_is_new(
        self, office: Office
    ) -> None:
        office.serve("BUILD")
        looks = [{}, {"port-1": port(1, status="DOWN")}, {"port-1": port(1, status="DOWN")}]
        for ports in looks:
            office.neutrons.ports = ports
            outcome, job = office.do(adopt, request() if ports is looks[0] else None)
            assert isinstance(outcome, Postponed)
            assert job.attempts == 0
        assert office.effects() == [("top", "POST", "/v2.0/adopted-ports")]
        assert office.neutrons.rows["port-1"]["status"] == "DOWN"
        office.serve()
        assert isinstance(office.do(adopt)[0], Postponed)
        office.neutrons.ports = {"port-1": port(1)}
        assert isinstance(office.do(adopt)[0], Succeeded)
        assert office.effects() == [("top", "PUT", "/v2.0/adopted-ports/port-1")]
        assert office.neutrons.rows == {"port-1": row(1)}

    def test_what_changes_before_the_server_runs_is_told_once(self, office: Office) -> None:
        office.serve("BUILD")
        office.put(port(1, status="BUILD"))
        office.do(adopt, request())
        assert office.effects() == [("top", "POST", "/v2.0/adopted-ports")]
        for status in ("DOWN", "ACTIVE"):
            office.put(port(1, status=status))
            office.do(adopt)
        assert office.effects() == []
        office.put(port(2))
        office.do(adopt)
        assert sorted(office.neutrons.rows) == ["port-1", "port-2"]
        office.serve()
        assert isinstance(office.do(adopt)[0], Succeeded)
        assert office.neutrons.rows == {"port-1": row(1), "port-2": row(2)}

    @pytest.mark.parametrize(("age", "delay"), [(0, 0.4), (20, 0.4), (59, 0.4), (70, 1.6), (300, 5.0)])
    def test_looks_are_close_for_as_long_as_most_servers_take(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, age: float, delay: float
    ) -> None:
        office.serve("BUILD")
        office.put(port(1, status="DOWN"))
        (job,) = office.engine.requester.request(request())
        monkeypatch.setattr(module, "now", lambda: job.created_at + timedelta(seconds=age))
        outcome, _ = office.do(adopt)
        assert isinstance(outcome, Postponed)
        assert outcome.delay == pytest.approx(delay, abs=0.1)

    @pytest.mark.parametrize("status", ["ERROR", "SHUTOFF", "SHELVED_OFFLOADED"])
    @pytest.mark.usefixtures("old")
    def test_ports_of_a_server_that_does_not_run_need_not_be_active(
        self, office: Office, status: str
    ) -> None:
        office.serve(status)
        office.put(port(1, status="DOWN"))
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert sorted(office.neutrons.rows) == ["port-1"]

    @pytest.mark.usefixtures("old")
    def test_a_port_that_is_switched_off_is_not_waited_for(self, office: Office) -> None:
        office.put(port(1, status="DOWN", admin_state_up=False))
        assert isinstance(office.do(adopt, request())[0], Succeeded)

    def test_what_is_asked_of_a_server_that_is_there_shows_a_little_later(self, office: Office) -> None:
        """It is being detached: the site has the port still."""
        office.put(port(1), port(2))
        office.put_rows(row(1), row(2))
        assert isinstance(office.do(adopt, request())[0], Postponed)
        del office.neutrons.ports["port-2"]
        office.do(adopt)
        assert sorted(office.neutrons.rows) == ["port-1"]

    def test_ports_of_a_server_that_is_switched_off_are_seen_to_go_down(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nova is at it for a while, and the server's host tells the network service after that."""
        office.put(port(1))
        office.put_rows(row(1))
        (job,) = office.engine.requester.request(request())
        for age, status, task, port_status in [
            (0, "ACTIVE", "powering-off", "ACTIVE"),
            (60, "ACTIVE", "powering-off", "ACTIVE"),
            (61, "SHUTOFF", None, "ACTIVE"),
            (63, "SHUTOFF", None, "DOWN"),
        ]:
            monkeypatch.setattr(module, "now", lambda age=age: job.created_at + timedelta(seconds=age))
            office.serve(status, task)
            office.put(port(1, status=port_status))
            outcome, _ = office.do(adopt)
            assert isinstance(outcome, Postponed)
            assert outcome.delay >= (2.0 if task else 0.4)
        assert office.neutrons.rows["port-1"]["status"] == "DOWN"
        monkeypatch.setattr(module, "now", lambda: job.created_at + timedelta(seconds=67))
        assert isinstance(office.do(adopt)[0], Succeeded)

    @pytest.mark.usefixtures("old")
    def test_a_server_that_is_being_deleted_is_left_to_the_job_that_follows_that(
        self, office: Office
    ) -> None:
        """As long as this one is open, a port that was made first is moved nowhere."""
        office.serve("ACTIVE", "deleting")
        office.put(port(1, status="DOWN"))
        assert isinstance(office.do(adopt, request())[0], Succeeded)

    @pytest.mark.usefixtures("old")
    def test_a_port_that_is_to_go_is_waited_for(self, office: Office) -> None:
        """Also where a request for the same waits already, and in a site that is slow to take it off."""
        office.put(port(1), port(2))
        office.put_rows(row(1), row(2))
        office.engine.requester.request(request())
        detach = replace(request(), parameters=AdoptParameters(leaving=("port-2",)))
        assert isinstance(office.do(adopt, detach)[0], Postponed)
        assert isinstance(office.do(adopt)[0], Postponed)
        office.neutrons.ports["port-2"]["device_id"] = ""
        assert isinstance(office.do(adopt)[0], Succeeded)
        assert office.neutrons.rows["port-2"]["device_id"] == ""

    @pytest.mark.usefixtures("old")
    def test_so_is_an_address_that_is_to_go(self, office: Office) -> None:
        office.put(port(1))
        office.put_rows(row(1))
        (fixed,) = office.neutrons.ports["port-1"]["fixed_ips"]
        less = replace(request(), parameters=AdoptParameters(leaving=(fixed["ip_address"],)))
        assert isinstance(office.do(adopt, less)[0], Postponed)
        office.neutrons.ports["port-1"]["fixed_ips"] = []
        assert isinstance(office.do(adopt)[0], Succeeded)

    def test_one_that_the_site_does_not_take_off_is_not_waited_for_ever(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_PATIENCE", -1.0)
        office.put(port(1))
        detach = replace(request(), parameters=AdoptParameters(leaving=("port-1",)))
        assert isinstance(office.do(adopt, detach)[0], Succeeded)
        assert office.neutrons.rows == {"port-1": row(1)}

    @pytest.mark.parametrize("ports", [0, 1])
    def test_it_is_not_waited_for_ever(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, ports: int
    ) -> None:
        monkeypatch.setattr(module, "_PATIENCE", -1.0)
        office.serve("BUILD")
        office.put(*(port(1, status="DOWN") for _ in range(ports)))
        assert isinstance(office.do(adopt, request())[0], Succeeded)

    @pytest.mark.parametrize("ports", [0, 1])
    def test_one_of_a_crowd_is_waited_for_long(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, ports: int
    ) -> None:
        hence = now() + timedelta(minutes=9)
        monkeypatch.setattr(module, "now", lambda: hence)
        office.serve("BUILD")
        office.put(*(port(1, status="DOWN") for _ in range(ports)))
        assert isinstance(office.do(adopt, request())[0], Postponed)

    def test_one_that_is_being_built_is_not_shown_until_it_is_no_more(self, office: Office) -> None:
        """To show it costs a site a lot, and it is looked at often."""
        office.serve("BUILD")
        shown = ("a", "GET", f"/v2.1/servers/{SERVER}")
        boot = replace(request(), parameters=AdoptParameters((NETWORK,)))
        assert isinstance(office.do(adopt, boot)[0], Postponed)
        office.put(port(1))
        assert isinstance(office.do(adopt)[0], Postponed)
        assert office.neutrons.rows == {"port-1": row(1)}
        assert shown not in office.neutrons.asked
        office.serve("ACTIVE")
        assert isinstance(office.do(adopt)[0], Succeeded)
        assert shown in office.neutrons.asked

    def test_a_server_that_is_gone_is_not_waited_for(self, office: Office) -> None:
        office.neutrons.servers.clear()
        office.put_rows(row(1))
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert office.neutrons.rows == {}
