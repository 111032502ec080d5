"""Whatever becomes of a create's or delete's answer, or of its gateway: the routes are right in the end."""

from typing import Any

import pytest
from tests.fakes.cloud import HASTY, PROJECT, Cloud
from tests.fakes.faults import HalfBody, HangUp, Silence, Status, bad_gateway
from tests.fakes.site import Site
from tests.functional.api import IMAGE, Api
from tests.functional.gateway import GatewayClient
from tests.functional.hands import Hands

from tricircle.db.engine import Database
from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.job import JobState
from tricircle.routing.store import RouteStore
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.transport import CurlTransport

OPTIONS = HASTY

GRACE = 100.0
"""Seconds after which an intent that nobody ended is looked after."""


class Killed(BaseException):
    """The gateway's process has ended here."""


@pytest.fixture
def hands(cloud: Cloud) -> Hands:
    return Hands(cloud)


def routed(cloud: Cloud, api: Api) -> dict[str, str]:
    """Give what has a route: its id, and the name of its site."""
    store = RouteStore(cloud.database)
    sites = SiteStore(cloud.database).page()
    return {
        route.top_id: site.name for site in sites for route in store.page(PROJECT, api.item, site.id, None)
    }


class TestCreate:
    def test_leaves_nothing_to_do_when_all_goes_well(self, api: Api, cloud: Cloud, hands: Hands) -> None:
        reply = api.create(availability_zone="az1")
        assert reply.status == 202
        assert routed(cloud, api) == {reply.json[api.item]["id"]: "SiteOne"}
        assert hands.waiting() == []
        (intent,) = hands.jobs.page()
        assert (intent.type, intent.state) == ("intent", JobState.SUCCEEDED)
        assert intent.request_id == reply.header("X-OpenStack-Request-Id")

    @pytest.mark.parametrize(
        "fault", [Silence(performed=True), HangUp(performed=True), HalfBody(), bad_gateway()], ids=repr
    )
    def test_finds_what_was_made_though_the_answer_was_lost(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands, fault: Any
    ) -> None:
        api.service(site_one).faults.put(fault, method="POST", times=1)
        assert api.create(availability_zone="az1").status in {502, 504}
        made = api.made(site_one)
        (job,) = hands.work()
        if made:
            assert job.state is JobState.SUCCEEDED
        else:  # the proxy kept the request to itself
            assert job.state is JobState.WAITING
        assert routed(cloud, api) == dict.fromkeys(made, "SiteOne")

    def test_finds_nothing_where_nothing_was_made(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands
    ) -> None:
        cloud.configuration.set_override("intent_horizon", 1.0, group="xjob")
        api.add(site_one, 3)
        api.service(site_one).faults.put(HangUp(), method="POST")
        assert api.create(availability_zone="az1").status == 504
        job = hands.work()[0]
        while job.state is JobState.WAITING:
            (job,) = hands.work(later=GRACE)
        assert (job.state, job.cause) == (JobState.SUCCEEDED, "It was never made.")
        assert routed(cloud, api) == {}

    def test_takes_nothing_that_another_create_has_made(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands
    ) -> None:
        first = api.create(availability_zone="az1").json[api.item]["id"]
        api.service(site_one).faults.put(HangUp(), method="POST", times=1)
        assert api.create(availability_zone="az1").status == 504
        (job,) = hands.work()
        assert job.state is JobState.WAITING
        assert routed(cloud, api) == {first: "SiteOne"}

    @pytest.mark.parametrize("sent", [True, False])
    def test_a_gateway_that_is_killed_loses_nothing(
        self,
        api: Api,
        cloud: Cloud,
        site_one: Site,
        hands: Hands,
        *,
        monkeypatch: pytest.MonkeyPatch,
        sent: bool,
    ) -> None:
        perform = CurlTransport.perform

        def die(self: CurlTransport, request: Any) -> Any:
            if request.method == "POST":
                if sent:
                    perform(self, request)
                raise Killed
            return perform(self, request)

        with monkeypatch.context() as patched:
            patched.setattr(CurlTransport, "perform", die)
            with pytest.raises(Killed):
                api.create(availability_zone="az1")
        assert hands.work() == [], "the gateway might still be at it"
        (job,) = hands.work(later=GRACE)
        made = api.made(site_one)
        assert len(made) == sent
        assert job.state is (JobState.SUCCEEDED if sent else JobState.WAITING)
        assert routed(cloud, api) == dict.fromkeys(made, "SiteOne")

    def test_an_error_of_the_site_may_have_made_something(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands
    ) -> None:
        api.service(site_one).faults.put(Status(500), method="POST", times=1)
        assert api.create(availability_zone="az1").status == 500
        (job,) = hands.waiting()
        assert job.type == "intent"

    def test_a_refusal_has_made_nothing(self, api: Api, site_one: Site, hands: Hands) -> None:
        api.service(site_one).faults.put(Status(403), method="POST")
        assert api.create(availability_zone="az1").status == 403
        assert hands.waiting() == []

    def test_a_site_that_refuses_connections_has_made_nothing(
        self, api: Api, site_one: Site, hands: Hands
    ) -> None:
        api.service(site_one).stop()
        assert api.create(availability_zone="az1").status == 503
        assert hands.waiting() == []

    def test_without_the_database_nothing_is_sent(
        self, api: Api, cloud: Cloud, site_one: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert api.client.get(api.detail).status == 200

        def refuse(*_: object, **__: object) -> None:
            raise DatabaseUnavailable("The database cannot be reached.")

        monkeypatch.setattr(Database, "transact", refuse)
        assert api.create(availability_zone="az1").status == 503
        assert api.made(site_one) == {}

    def test_the_client_has_its_answer_though_the_database_is_gone_by_then(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        transact = Database.transact

        def once(self: Database, work: Any, **how: bool) -> Any:
            monkeypatch.setattr(Database, "transact", refuse)
            return transact(self, work, **how)

        def refuse(*_: object, **__: object) -> None:
            raise DatabaseUnavailable("The database cannot be reached.")

        api.client.get(api.detail)
        monkeypatch.setattr(Database, "transact", once)
        reply = api.create(availability_zone="az1")
        assert reply.status == 202
        made = reply.json[api.item]["id"]
        assert api.show(made).status == 200, "this process knows it"
        monkeypatch.setattr(Database, "transact", transact)
        assert routed(cloud, api) == {}
        hands.work(later=GRACE)
        assert routed(cloud, api) == {made: "SiteOne"}


def test_several_servers_of_one_request_are_all_found(
    compute: GatewayClient, cloud: Cloud, site_one: Site, hands: Hands
) -> None:
    body = {
        "server": {
            "name": "many",
            "flavorRef": "1",
            "imageRef": IMAGE,
            "availability_zone": "az1",
            "min_count": 3,
            "max_count": 3,
        }
    }
    assert compute.post("/v2.1/servers", body).status == 202
    made = set(site_one.compute.servers)
    hands.work()
    store = RouteStore(cloud.database)
    one = SiteStore(cloud.database).get("SiteOne")
    assert {route.top_id for route in store.page(PROJECT, "server", one.id, None)} == made
    assert len(made) == 3


class TestDelete:
    def test_drops_the_route_when_the_thing_is_gone(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands
    ) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]
        assert api.client.delete(f"{api.path}/{made}").status in {202, 204}
        api.made(site_one).pop(made, None)
        (job,) = hands.work(later=10)
        assert (job.type, job.state) == ("after_delete", JobState.SUCCEEDED)
        assert routed(cloud, api) == {}

    def test_so_does_one_by_force(self, api: Api, cloud: Cloud, site_one: Site, hands: Hands) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]
        action = {"forceDelete" if api.item == "server" else "os-force_delete": None}
        assert api.as_(cloud.admin).client.post(f"{api.path}/{made}/action", action).status == 202
        api.made(site_one).pop(made, None)
        (job,) = hands.work(later=10)
        assert (job.type, job.state) == ("after_delete", JobState.SUCCEEDED)
        assert routed(cloud, api) == {}

    def test_drops_it_at_once_when_somebody_has_seen_that_it_is_gone(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands
    ) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]
        assert api.client.delete(f"{api.path}/{made}").status in {202, 204}
        assert hands.work() == []
        api.made(site_one).pop(made, None)
        assert api.show(made).status == 404
        (job,) = hands.work()
        assert (job.type, job.state) == ("after_delete", JobState.SUCCEEDED)
        assert api.show(made).status == 404
        assert hands.work() == [], "who looks again has nothing done"

    def test_so_does_one_whose_gateway_was_killed(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]

        def die(*_: object) -> Any:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(CurlTransport, "perform", die)
            with pytest.raises(Killed):
                api.client.delete(f"{api.path}/{made}")
        api.made(site_one).pop(made)
        hands.work(later=10)
        assert routed(cloud, api) == {}

    def test_a_refused_one_leaves_the_route(
        self, api: Api, cloud: Cloud, site_one: Site, hands: Hands
    ) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]
        api.service(site_one).faults.put(Status(409), method="DELETE")
        assert api.client.delete(f"{api.path}/{made}").status == 409
        while done := hands.work(later=100):
            (job,) = done
        assert job.state is JobState.SUCCEEDED
        assert routed(cloud, api) == {made: "SiteOne"}

    def test_goes_on_without_the_database(
        self, api: Api, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = api.create(availability_zone="az1").json[api.item]["id"]

        def refuse(*_: object, **__: object) -> None:
            raise DatabaseUnavailable("The database cannot be reached.")

        monkeypatch.setattr(Database, "transact", refuse)
        assert api.client.delete(f"{api.path}/{made}").status in {202, 204}


def test_an_intent_in_a_site_that_is_disabled_meanwhile_is_an_error_that_says_so(
    api: Api, cloud: Cloud, site_one: Site, hands: Hands
) -> None:
    api.service(site_one).faults.put(HangUp(performed=True), method="POST", times=1)
    assert api.create(availability_zone="az1").status == 504
    SiteStore(cloud.database).update("SiteOne", state=SiteState.DISABLED)
    with pytest.raises(Exception, match="Site SiteOne is disabled"):
        hands.work()
