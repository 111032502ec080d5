"""A network stays, with its subnets, while a site makes a server on it; so does a group."""

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

    def ask(self, kind: str, *uses: str, groups: tuple[str, ...] = (), project_id: str | None = None) -> str:
        """Ask for a job that stands for a boot; return its id."""
        parameters = {
            INTENT.name: IntentParameters("web", 1, "2026-01-31T12:00:00", {}, uses, groups),
            ADOPT.name: AdoptParameters(uses, groups),
        }[kind]
        server = uuidutils.generate_uuid()
        (job,) = JobRequester(self.database).request(
            Request(kind, "server", server, f"id-{SITE}", project_id, parameters)
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

    def test_so_are_its_subnets(self) -> None:
        body = {"network_id": self.network_id, "cidr": "10.0.0.0/24", "ip_version": 4}
        subnet_id = self.call("POST", "subnets", {"subnet": body})["subnet"]["id"]
        job_id = self.ask(INTENT.name, self.network_id)
        refused = self.call("DELETE", f"subnets/{subnet_id}", status=409)
        assert refused["NeutronError"]["type"] == "SubnetInUse"
        assert "A server is being made on its network" in refused["NeutronError"]["message"]
        self.call("GET", f"subnets/{subnet_id}")
        self.end(job_id)
        self.call("DELETE", f"subnets/{subnet_id}", status=204)

    def test_it_stays_shared_with_whom_it_is_made_for(self) -> None:
        stranger = uuidutils.generate_uuid(dashed=False)
        for target in (stranger, "*"):
            body = {"object_type": "network", "object_id": self.network_id, "action": "access_as_shared"}
            wanted = {"rbac_policy": body | {"target_tenant": target}}
            policy_id = self.call("POST", "rbac-policies", wanted)["rbac_policy"]["id"]
            policy = f"rbac-policies/{policy_id}"
            owner = self.call("GET", policy)["rbac_policy"]["project_id"]
            job_id = self.ask(INTENT.name, self.network_id, project_id=stranger)
            refused = self.call("DELETE", policy, status=409)
            assert refused["NeutronError"]["type"] == "RbacPolicyInUse"
            assert "A server is being made with it" in refused["NeutronError"]["message"]
            self.end(job_id)
            self.ask(INTENT.name, self.network_id, project_id=owner)
            self.call("DELETE", policy, status=204)

    def test_a_group_stays_while_a_server_is_made_in_it(self) -> None:
        """Whoever names it by its id; by its name only those of its project may."""
        body = {"security_group": {"name": "web", "project_id": self._project_id}}
        group = self.call("POST", "security-groups", body)["security_group"]
        path, stranger = f"security-groups/{group['id']}", uuidutils.generate_uuid(dashed=False)
        for kind in (INTENT.name, ADOPT.name):
            for name, whose in (("web", self._project_id), (group["id"], stranger)):
                job_id = self.ask(kind, self.network_id, groups=(name,), project_id=whose)
                refused = self.call("DELETE", path, status=409, who=self.as_tenant())["NeutronError"]
                assert refused["type"] == "SecurityGroupInUse"
                assert group["id"] in refused["message"]
                assert "A server is being made with it" in refused["message"]
                self.call("GET", path)
                self.end(job_id)
        self.ask(INTENT.name, self.network_id, groups=("web",), project_id=stranger)
        self.ask(INTENT.name, self.network_id, groups=("other",), project_id=self._project_id)
        self.call("DELETE", path, status=204, who=self.as_tenant())

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
