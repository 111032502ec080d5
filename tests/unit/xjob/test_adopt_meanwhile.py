"""What stands in the way of an adoption, or happens at the top beside it."""

from typing import Any

import pytest
from tests.unit.xjob.adopting import gone, refuse, request
from tests.unit.xjob.neutrons import GONE, NETWORK, SERVER, Office, port, row

from tricircle.errors import Conflict, SiteUnavailable
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Failed, Postponed, Succeeded
from tricircle.jobs.store import JobFilters
from tricircle.jobs.types import FOLLOW
from tricircle.sites.service_calls import SiteAnswer
from tricircle.xjob.adopt import adopt
from tricircle.xjob.after_delete import drop_route


@pytest.fixture(autouse=True)
def serve(office: Office) -> None:
    office.serve()


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
