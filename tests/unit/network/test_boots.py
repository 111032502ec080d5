"""A network stays while a site makes a server on it."""

import threading
from unittest import mock

from oslo_utils import uuidutils
from tests.unit.clock import Clock
from tests.unit.network.base import SITE, TricircleTestCase

from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.job import Request
from tricircle.jobs.requester import JobRequester
from tricircle.jobs.types import ADOPT, INTENT, AdoptParameters, IntentParameters
from tricircle.network import boots as module
from tricircle.network.boots import Boots
from tricircle.network.top import Top


class BootsTestCase(TricircleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.network_id = self._make_network(self.fmt, "blue", True)["network"]["id"]

    def ask(self, kind: str, *uses: str) -> str:
        """Ask for a job that stands for a boot; return its id."""
        parameters = {
            INTENT.name: IntentParameters("x", 1, "2026-01-31T12:00:00", {}, uses),
            ADOPT.name: AdoptParameters(uses),
        }[kind]
        server = uuidutils.generate_uuid()
        (job,) = JobRequester(self.database).request(
            Request(kind, "server", server, f"id-{SITE}", parameters=parameters)
        )
        return job.id

    def end(self, job_id: str) -> None:
        with self.database.write() as connection:
            assert JobRequester(self.database).complete(connection, job_id)

    def test_it_is_in_use_until_its_last_boot_is_known(self) -> None:
        for kind in (INTENT.name, ADOPT.name):
            job_id = self.ask(kind, uuidutils.generate_uuid(), self.network_id)
            refused = self.call("DELETE", f"networks/{self.network_id}", status=409)
            assert refused["NeutronError"]["type"] == "NetworkInUse"
            assert "A server is being made on it" in refused["NeutronError"]["message"]
            self.call("GET", f"networks/{self.network_id}")
            self.end(job_id)
        self.call("DELETE", f"networks/{self.network_id}", status=204)

    def test_boots_on_others_do_not_matter(self) -> None:
        self.ask(INTENT.name, uuidutils.generate_uuid())
        self.ask(ADOPT.name)
        self.call("DELETE", f"networks/{self.network_id}", status=204)

    def test_while_the_database_is_away_it_goes_all_the_same(self) -> None:
        away = DatabaseUnavailable("The database cannot be reached.")
        with mock.patch.object(Top, "sites_of_boots_on", side_effect=away):
            self.call("DELETE", f"networks/{self.network_id}", status=204)

    def test_a_database_that_hangs_is_not_waited_for_and_not_asked_again_for_a_while(self) -> None:
        clock, released = Clock(), threading.Event()
        self.addCleanup(released.set)
        boots = Boots(self.top, clock=clock)
        self.ask(INTENT.name, self.network_id)
        with (
            mock.patch.object(module, "PATIENCE", 0.05),
            mock.patch.object(Top, "sites_of_boots_on", side_effect=lambda _: released.wait(10)) as look,
        ):
            assert not boots.are_under_way(self.network_id)
            assert not boots.are_under_way(self.network_id)
            assert look.call_count == 1
        clock.time += module.PAUSE + 1
        assert boots.are_under_way(self.network_id)
