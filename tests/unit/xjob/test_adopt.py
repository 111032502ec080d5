"""Ports of servers get their rows at the top, and lose them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from tests.unit.xjob.neutrons import GONE, NETWORK, SERVER, TOP, A, Office, port, row

from tricircle.db.timestamps import now
from tricircle.errors import Conflict, SiteUnavailable
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Failed, Postponed, Succeeded
from tricircle.jobs.store import JobFilters
from tricircle.jobs.types import ADOPT, AFTER_DELETE, FOLLOW, REPLICATE, AdoptParameters
from tricircle.sites.service_calls import SiteAnswer, SiteRefused
from tricircle.sites.zone_store import Place, ZoneStore
from tricircle.xjob import adopt as module
from tricircle.xjob.adopt import adopt
from tricircle.xjob.after_delete import drop_route
from tricircle.xjob.engine import Engine
from tricircle.xjob.task import Stopping


@pytest.fixture
def office(engine: Engine) -> Office:
    office = Office(engine)
    office.serve()
    return office


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no job wait because it is young."""
    monkeypatch.setattr(module, "_NOTICE", -1.0)


def request() -> Request:
    return Request(ADOPT.name, "server", SERVER, A.id, "blue")


def gone() -> Request:
    return Request(AFTER_DELETE.name, "server", SERVER, A.id, "blue")


def refuse() -> NoReturn:
    raise SiteRefused("said 409", site=TOP.name, request_id=None, status=409)


@pytest.mark.usefixtures("old")
class TestAdopting:
    def test_a_port_is_at_the_top_as_the_site_shows_it_in_the_tops_ids(self, office: Office) -> None:
        office.put(port(1))
        _, job = office.do(adopt, request())
        assert job.state is JobState.SUCCEEDED
        assert office.neutrons.rows == {"port-1": row(1)}
        assert office.routed() == {"port-1"}

    def test_several_are_adopted_by_one_request(self, office: Office) -> None:
        office.put(*(port(number) for number in range(1, 6)))
        office.do(adopt, request())
        assert office.effects() == [("top", "POST", "/v2.0/adopted-ports")]
        assert sorted(office.neutrons.rows) == [f"port-{number}" for number in range(1, 6)]

    def test_networks_subnets_and_groups_of_the_sites_own_are_left_out(self, office: Office) -> None:
        addresses = [*port(1)["fixed_ips"], {"subnet_id": "own", "ip_address": "10.9.9.9"}]
        office.put(
            port(1, fixed_ips=addresses, security_groups=["own", "a-group"]), port(2, network_id="own")
        )
        office.do(adopt, request())
        assert office.neutrons.rows == {"port-1": row(1)}

    def test_so_are_groups_that_were_deleted_meanwhile(self, office: Office) -> None:
        office.realise("security_group", "late", "a-late")
        office.bury("security_group", "late")
        office.put(port(1, security_groups=["a-late", "a-group"]), port(2, security_groups=["a-late"]))
        office.put_rows(row(2, security_groups=[]))
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert office.neutrons.rows == {"port-1": row(1), "port-2": row(2, security_groups=[])}
        assert office.effects() == [("top", "POST", "/v2.0/adopted-ports")]

    def test_another_servers_ports_are_left_alone(self, office: Office) -> None:
        office.put(port(1), port(2, device_id="other"))
        office.put_rows(row(3, device_id="other"))
        office.do(adopt, request())
        assert sorted(office.neutrons.rows) == ["port-1", "port-3"]

    def test_done_twice_it_changes_nothing(self, office: Office) -> None:
        office.put(port(1), port(2))
        office.do(adopt, request())
        office.effects()
        office.do(adopt, request())
        assert office.effects() == []

    def test_room_is_made_for_the_next_where_ports_are_new(self, office: Office) -> None:
        office.put(port(1))
        office.do(adopt, request())
        office.put(port(1, name="changed"))
        office.do(adopt, request())
        assert office.roomy == [NETWORK]

    def test_that_no_room_can_be_made_harms_nobody(self, office: Office) -> None:
        office.put(port(1))
        office.networks.make_room = lambda *_: office.neutrons.call(A, "network", "DELETE", "/v2.0/ports/x")
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert office.neutrons.rows == {"port-1": row(1)}

    def test_only_what_differs_is_changed(self, office: Office) -> None:
        office.put(port(1, name="new", status="DOWN", security_groups=[]))
        office.put_rows(row(1))
        office.serve("SHUTOFF")
        office.do(adopt, request())
        assert office.neutrons.bodies == [
            {"adopted_port": {"name": "new", "security_groups": [], "status": "DOWN"}}
        ]

    def test_one_with_another_mac_address_gets_another_row(self, office: Office) -> None:
        office.put(port(1, mac_address="fa:16:3e:00:00:ff"))
        office.put_rows(row(1))
        office.do(adopt, request())
        assert office.neutrons.rows == {"port-1": row(1, mac_address="fa:16:3e:00:00:ff")}
        assert office.routed() == {"port-1"}

    def test_its_owner_names_the_tops_zone_and_stays_so(self, office: Office) -> None:
        ZoneStore(office.engine.database).put("east", "", [Place(A.name, "nova")])
        office.put(port(1), port(2))
        office.put_rows(row(2))  # as it was told before
        office.do(adopt, request())
        owners = [each["device_owner"] for each in office.neutrons.rows.values()]
        assert owners == ["compute:east"] * 2
        office.effects()
        office.do(adopt, request())
        assert office.effects() == []

    def test_its_owner_is_one_that_its_subnet_is_for(self, office: Office) -> None:
        ZoneStore(office.engine.database).put("east", "", [Place(A.name, "nova")])
        office.realise("subnet", "served", "a-served", service_types=["compute:nova"])
        office.put(port(1, fixed_ips=[{"subnet_id": "a-served", "ip_address": "10.0.0.1"}]))
        office.do(adopt, request())
        assert office.neutrons.rows["port-1"]["device_owner"] == "compute:nova"
        office.effects()
        office.do(adopt, request())
        assert office.effects() == []

    def test_a_status_that_the_top_does_not_know_is_down(self, office: Office) -> None:
        office.serve("SHUTOFF")
        office.put(port(1, status="N/A"))
        office.do(adopt, request())
        assert office.neutrons.rows["port-1"]["status"] == "DOWN"

    def test_a_port_that_was_made_at_the_top_is_not_adopted(self, office: Office) -> None:
        office.realise("port", "top-port", "port-1")
        office.put(port(1))
        office.do(adopt, request())
        assert office.neutrons.rows == {}

    def test_nor_is_one_of_which_that_is_not_noted_yet(self, office: Office) -> None:
        office.put(port(1, description="tricircle:9168b536-cd40-4630-b43f-b259807c6e87"))
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert office.neutrons.rows == {}

    def test_a_top_without_a_network_service_has_nothing_to_adopt(self, office: Office) -> None:
        office.networks.is_there = False
        office.put(port(1))
        assert office.do(adopt, request())[1].state is JobState.SUCCEEDED
        assert office.neutrons.asked == []


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


@pytest.mark.usefixtures("old")
class TestLetGo:
    def test_a_detached_port_goes(self, office: Office) -> None:
        office.put(port(1))
        office.put_rows(row(1), row(2))
        office.do(adopt, request())
        assert office.neutrons.rows == {"port-1": row(1)}
        assert office.routed() == {"port-1"}

    def test_a_detached_port_that_the_site_keeps_is_nobodys(self, office: Office) -> None:
        office.put(port(1), port(2, device_id="", device_owner="", status="DOWN"))
        office.put_rows(row(1), row(2))
        office.do(adopt, request())
        assert office.neutrons.rows["port-2"] == row(2, device_id="", device_owner="", status="DOWN")

    def test_the_ports_of_a_deleted_server_go_with_its_route(self, office: Office) -> None:
        office.neutrons.servers.clear()
        office.put_rows(row(1), row(2), row(3, device_id="other"))
        _, job = office.do(drop_route, gone())
        assert job.state is JobState.SUCCEEDED
        assert sorted(office.neutrons.rows) == ["port-3"]
        assert office.routed() == {"port-3"}

    @pytest.mark.parametrize("kind", ["network", "security_group"])
    def test_what_was_deleted_at_the_top_is_tried_again_when_the_server_is_gone(
        self, office: Office, kind: str
    ) -> None:
        office.neutrons.servers.clear()
        office.realise(kind, "late", "a-late")
        office.bury(kind, "late")
        office.do(drop_route, gone())
        (job,) = office.jobs.page(JobFilters(type=REPLICATE.name))
        assert (job.resource_type, job.site_id) == (kind, A.id)

    def test_while_the_server_is_there_its_ports_stay(self, office: Office) -> None:
        office.put_rows(row(1))
        assert isinstance(office.do(drop_route, gone())[0], Postponed)
        assert sorted(office.neutrons.rows) == ["port-1"]

    def test_a_route_goes_before_the_row(self, office: Office) -> None:
        """Else who looks between the two would take the port for one that is to go from its site."""
        office.put_rows(row(1))
        office.neutrons.servers.clear()
        routed = []
        office.neutrons.before = lambda site, method, path: routed.append(
            office.routed() if method == "DELETE" else 0
        )
        office.do(drop_route, gone())
        assert [ids for ids in routed if ids != 0] == [set()]

    def test_nothing_goes_where_the_service_user_does_not_see_everything(self, office: Office) -> None:
        office.put_rows(row(1))
        office.neutrons.is_administrator = False
        with pytest.raises(SiteRefused):
            office.do(adopt, request())
        assert sorted(office.neutrons.rows) == ["port-1"]
        assert office.routed() == {"port-1"}

    def test_a_row_that_has_just_gone_is_gone(self, office: Office) -> None:
        office.put_rows(row(1))

        def before(site: str, method: str, path: str) -> None:
            if method == "DELETE":
                office.neutrons.rows.clear()

        office.neutrons.before = before
        assert isinstance(office.do(adopt, request())[0], Succeeded)


class TestTopAway:
    @pytest.mark.parametrize(("handler", "asked"), [(adopt, request()), (drop_route, gone())])
    def test_it_is_waited_for(self, office: Office, handler: object, asked: Request) -> None:
        office.neutrons.servers.clear()
        office.put(port(1))
        office.neutrons.away.add("top")
        for _ in range(20):
            outcome, job = office.do(handler, asked)  # type: ignore[arg-type]
            assert isinstance(outcome, Postponed)
            assert 1.0 <= outcome.delay <= 60.0
        assert job.attempts == 0
        office.neutrons.away.clear()
        assert isinstance(office.do(handler)[0], Succeeded)  # type: ignore[arg-type]
        assert sorted(office.neutrons.rows) == ["port-1"]

    def test_the_route_of_a_deleted_server_does_not_wait(self, office: Office) -> None:
        office.routes.record([])
        office.neutrons.servers.clear()
        office.neutrons.away.add("top")
        office.do(drop_route, gone())
        assert office.routes.all(SERVER) == []

    def test_an_outage_of_days_is_for_the_operator(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tricircle.xjob.top_away.GIVEN_UP", -1.0)
        office.neutrons.away.add("top")
        assert office.do(adopt, request())[1].state is JobState.FAILED

    def test_a_site_that_is_away_is_a_failure(self, office: Office) -> None:
        office.neutrons.away.add("a")
        with pytest.raises(SiteUnavailable):
            office.do(adopt, request())

    @pytest.mark.usefixtures("old")
    def test_a_404_of_a_proxy_does_not_say_that_a_row_is_gone(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.put_rows(row(1))
        monkeypatch.setattr("tests.unit.xjob.neutrons.GONE", type(GONE)(404, {}, None))
        office.neutrons.before = lambda site, method, path: (
            office.neutrons.rows.clear() if method == "DELETE" else None
        )
        assert isinstance(office.do(adopt, request())[0], Postponed)


@pytest.mark.usefixtures("old")
class TestRefused:
    def test_of_several_only_the_one_that_is_refused_is_not_adopted(self, office: Office) -> None:
        office.put(port(1), port(2), port(3))
        office.neutrons.others["other"] = row(2) | {"id": "other", "binding:host_id": "b"}
        outcome, job = office.do(adopt, request())
        assert isinstance(outcome, Failed)
        assert job.state is JobState.FAILED
        assert sorted(office.neutrons.rows) == ["port-1", "port-3"]
        assert job.cause is not None
        for words in ("port-2", "fa:16:3e:00:00:02", "base_mac", "Port other of b"):
            assert words in job.cause

    def test_it_goes_on_to_look_at_the_others_first(self, office: Office) -> None:
        office.put(port(1), port(2, status="DOWN"))
        office.neutrons.others["other"] = row(1) | {"id": "other"}
        assert isinstance(office.do(adopt, request())[0], Postponed)
        office.put(port(2))
        assert isinstance(office.do(adopt)[0], Failed)
        assert office.neutrons.rows == {"port-2": row(2)}

    def test_what_a_former_port_left_at_the_top_is_not_in_the_way(self, office: Office) -> None:
        """The site gives an address and a MAC address to a new port before the top has heard of the end."""
        office.put(port(1), port(2), port(5, device_id="other", fixed_ips=port(9)["fixed_ips"]))
        office.put_rows(
            row(3, device_id="former", fixed_ips=row(1)["fixed_ips"]),
            row(4, device_id="former", mac_address=row(2)["mac_address"]),
            row(5, device_id="other", fixed_ips=[*row(1)["fixed_ips"], *row(2)["fixed_ips"]]),
        )
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        there = row(5, device_id="other", fixed_ips=row(9)["fixed_ips"])
        assert office.neutrons.rows == {"port-1": row(1), "port-2": row(2), "port-5": there}

    def test_a_server_on_a_network_that_is_gone_from_the_top_is_left_to_its_site(
        self, office: Office
    ) -> None:
        office.put(port(1), port(2))
        office.neutrons.gone.add(NETWORK)
        outcome, _ = office.do(adopt, request())
        assert outcome == Succeeded("2 ports. 2 on networks that are gone from the top.")
        assert office.neutrons.rows == {}
        assert office.routed() == set()

    @pytest.mark.parametrize("seen", [{}, {"status": "DOWN"}])
    def test_one_that_another_worker_adopts_at_the_same_time_is_adopted(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, seen: dict[str, str]
    ) -> None:
        """Also where that one has looked at another time."""
        office.put(port(1))

        def taken(_: object) -> SiteAnswer:
            office.put_rows(row(1, **seen))
            refuse()

        monkeypatch.setattr(office.neutrons, "_adopt", taken)
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert office.neutrons.rows == {"port-1": row(1)}
        assert office.routed() == {"port-1"}

    def test_one_that_another_worker_is_adopting_is_left_to_it(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It has a route already, as one that was deleted at the top has; and a user changes it."""
        office.put(port(1))
        known = office.routes.known

        def late(*about: Any) -> Any:
            office.put_rows(row(1))
            office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))
            return known(*about)

        monkeypatch.setattr(office.routes, "known", late)
        office.do(adopt, request())
        assert office.neutrons.rows == {"port-1": row(1)}
        assert office.routed() == {"port-1"}

    def test_one_whose_change_is_refused_keeps_its_row_and_its_route(self, office: Office) -> None:
        office.put(port(1, fixed_ips=port(2)["fixed_ips"]))
        office.put_rows(row(1))
        office.neutrons.before = lambda site, method, path: refuse() if method == "PUT" else None
        assert isinstance(office.do(adopt, request())[0], Failed)
        assert office.neutrons.rows == {"port-1": row(1)}
        assert office.routed() == {"port-1"}


@pytest.mark.usefixtures("old")
class TestChangedAtTheTop:
    def test_a_change_on_its_way_to_the_site_is_not_undone(self, office: Office) -> None:
        office.serve("SHUTOFF")
        office.put(port(1, status="DOWN"))
        office.put_rows(row(1, name="new", security_groups=[]))
        office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))
        office.do(adopt, request())
        assert office.neutrons.rows == {"port-1": row(1, name="new", security_groups=[], status="DOWN")}

    def test_one_that_is_carried_while_the_site_is_looked_at_is_not_undone_either(
        self, office: Office
    ) -> None:
        office.put(port(1))
        office.put_rows(row(1, name="new"))
        (follow,) = office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))
        looks: list[str] = []

        def carry(site: str, _method: str, path: str) -> None:
            looks.extend([path] if (site, path) == ("a", "/v2.0/ports") else [])
            if len(looks) == 2 and office.jobs.page(JobFilters(state=JobState.WAITING, type=FOLLOW.name)):
                office.jobs.cancel(follow.id)

        office.neutrons.before = carry
        office.do(adopt, request())
        assert len(looks) == 2
        assert office.neutrons.rows == {"port-1": row(1, name="new")}

    def test_one_that_comes_after_the_comparison_is_not_undone_either(self, office: Office) -> None:
        office.serve("SHUTOFF")
        office.put(port(1, status="DOWN"))
        office.put_rows(row(1, revision_number=3))

        def change(_site: str, method: str, _path: str) -> None:
            if method == "PUT" and office.neutrons.rows["port-1"]["revision_number"] == 3:
                office.put_rows(row(1, name="new", revision_number=4))
                office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))

        office.neutrons.before = change
        assert isinstance(office.do(adopt, request())[0], Succeeded)
        assert office.neutrons.rows == {"port-1": row(1, name="new", status="DOWN", revision_number=5)}

    def test_one_that_is_changed_again_and_again_is_left_for_later(self, office: Office) -> None:
        office.put(port(1))
        office.put_rows(row(1, name="old", revision_number=3))

        def change(_site: str, method: str, _path: str) -> None:
            office.neutrons.rows["port-1"]["revision_number"] += method == "PUT"

        office.neutrons.before = change
        with pytest.raises(Conflict):
            office.do(adopt, request())
        assert office.neutrons.rows["port-1"]["name"] == "old"
        assert len(office.effects()) == 2

    def test_a_port_that_is_to_go_is_not_adopted_anew(self, office: Office) -> None:
        office.put(port(1))
        office.engine.requester.request(Request(FOLLOW.name, "port", "port-1", delay=1000))
        office.do(adopt, request())
        assert office.neutrons.rows == {}

    def test_a_change_that_could_not_be_carried_is_tried_again(self, office: Office) -> None:
        office.engine.requester.request(Request(FOLLOW.name, "port", "port-1"))
        office.do(lambda task: Failed("no", is_final=True), Request(FOLLOW.name, "port", "port-1"))
        office.put(port(1))
        office.put_rows(row(1, name="new"))
        office.do(adopt, request())
        assert office.neutrons.rows["port-1"]["name"] == "new"
        assert office.jobs.page(JobFilters(type=FOLLOW.name), limit=1)[0].state is JobState.WAITING

    def test_a_change_that_was_carried_holds_nothing_up(self, office: Office) -> None:
        office.do(lambda task: Succeeded(), Request(FOLLOW.name, "port", "port-1"))
        office.put(port(1, name="out of band"))
        office.put_rows(row(1))
        office.do(adopt, request())
        assert office.neutrons.rows["port-1"]["name"] == "out of band"


@pytest.mark.usefixtures("old")
def test_killed_between_any_two_steps_it_comes_to_the_same_end(office: Office) -> None:
    def arrange() -> None:
        office.neutrons.rows.clear()
        office.neutrons.ports.clear()
        office.put(port(1), port(2, name="new"), port(4))
        office.put_rows(row(2), row(3))

    arrange()
    office.do(adopt, request())
    expected, routed, steps = dict(office.neutrons.rows), office.routed(), len(office.steps)
    assert steps >= 3
    for killed_at in range(1, steps + 1):
        arrange()
        office.steps.clear()

        def kill(_: str, at: int = killed_at) -> None:
            if len(office.steps) == at:
                raise Stopping

        office.before_step = kill
        with pytest.raises(Stopping):
            office.do(adopt, request())
        office.before_step = lambda _: None
        for job in office.jobs.page():
            if job.state is JobState.RUNNING:
                office.jobs.cancel(job.id)
        office.do(adopt, request())
        assert office.neutrons.rows == expected
        assert office.routed() == routed
    assert NETWORK in {item["network_id"] for item in expected.values()}
