"""Ports of servers get their rows at the top, and lose them."""

import pytest
from tests.unit.xjob.adopting import gone, request
from tests.unit.xjob.neutrons import NETWORK, A, Office, port, row

from tricircle.jobs.job import JobState
from tricircle.jobs.outcome import Postponed, Succeeded
from tricircle.jobs.store import JobFilters
from tricircle.jobs.types import REPLICATE
from tricircle.sites.service_calls import SiteRefused
from tricircle.sites.zone_store import Place, ZoneStore
from tricircle.xjob.adopt import adopt
from tricircle.xjob.after_delete import drop_route
from tricircle.xjob.task import Stopping


@pytest.fixture(autouse=True)
def serve(office: Office) -> None:
    office.serve()


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
