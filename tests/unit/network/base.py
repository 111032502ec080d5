"""A whole Neutron with the plugin in it: its API, policy and ML2, on an SQLite in memory.

Neutron's own base for tests of plugins makes it; the tables of all models that are imported are there without
a migration. Tricircle's database is a file beside it, as `[tricircle] config_file` names it.
"""

from pathlib import Path
from typing import Any

import pytest
from neutron import policy
from neutron.tests.unit import testlib_api
from neutron.tests.unit.plugins.ml2 import test_plugin
from neutron_lib import context
from neutron_lib.plugins import directory
from oslo_config import cfg
from oslo_utils import uuidutils
from tests.unit.sites import register
from tests.unit.sites.wire import site

from tricircle.db.engine import Database
from tricircle.db.tables import jobs
from tricircle.jobs.store import JobStore
from tricircle.network import options, site_views, top
from tricircle.network.db.models import JournalEntry
from tricircle.sites.node import Figures
from tricircle.sites.node_store import NodeStore
from tricircle.sites.zone_store import Place, ZoneStore

SITE, OTHER, ZONE = "one", "two", "az-one"
NO_FIGURES = Figures(0, 0, 0, 0, 0, 0, 0, 0)


class WithOurDrivers:
    """Mixed in before a test case of Neutron's, which then runs with our drivers and service plugin.

    Two sites are registered, `one` and `two`; the first is up, and in the zone `az-one`.
    """

    @pytest.fixture(autouse=True)
    def _tricircle(self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # No thread is to read a database that has gone with its test.
        monkeypatch.setattr(top, "in_background", lambda work: work())
        self.database = database
        register.write(database, site(SITE), site(OTHER))
        ZoneStore(database).put(ZONE, "", [Place(SITE, "nova")])
        NodeStore(database).put(f"id-{SITE}", SITE, NO_FIGURES)
        NodeStore(database).set_state(f"id-{SITE}", up=True, cause=None)
        self.config_file = tmp_path / "tricircle.conf"
        self.config_file.write_text(
            f"[database]\nconnection = {database.engine.url}\nsqlite_synchronous = false\n"
            "[sites]\nrefresh_interval = 0\n"
        )

    def setup_config(self) -> None:
        """Configure Neutron as an operator does."""
        super().setup_config()  # type: ignore[misc]
        options.register(cfg.CONF)
        cfg.CONF.set_override("ipam_driver", "tricircle")
        cfg.CONF.set_override("config_file", [str(self.config_file)], group="tricircle")
        self.addCleanup(top.forget)  # type: ignore[attr-defined]

    def get_additional_service_plugins(self) -> dict[str, str]:
        """Name the service plugins."""
        return {**super().get_additional_service_plugins(), "tricircle": "tricircle"}  # type: ignore[misc]


class TricircleTestCase(WithOurDrivers, test_plugin.Ml2PluginV2TestCase):
    """A test of the plugin."""

    _mechanism_drivers = ["tricircle"]  # noqa: RUF012  # Neutron's name and way

    def get_additional_service_plugins(self) -> dict[str, str]:
        """Name the service plugins: ours, and of those that each Neutron loads unasked what ours looks at."""
        return {**super().get_additional_service_plugins(), "revisions": "revisions", "tag": "tag"}

    def setUp(self) -> None:
        """Bring the process up."""
        super().setUp()
        policy.init()
        self.admin = context.get_admin_context()
        self.core = directory.get_plugin()
        self.tricircle = directory.get_plugin("tricircle")
        self.top = top.of()
        site_views.install(self.core, self.top)

    def call(
        self, method: str, path: str, body: Any = None, *, status: int | None = None, who: Any = None
    ) -> dict[str, Any]:
        """Send a request to the API.

        :param path: without the version.
        :param status: that the answer must have; None for a success.
        :param who: the context of the request; an administrator's unless it is given.
        """
        bare, _, query = path.partition("?")
        data = None if body is None else self.serialize(body)
        request = testlib_api.create_request(
            f"/{bare}.json", data, "application/json", method, query_string=query
        )
        request.environ["neutron.context"] = who or self.as_admin()
        response = request.get_response(self.api)
        if status is None:
            assert response.status_int < 300, response.text
        else:
            assert response.status_int == status, response.text
        answer: dict[str, Any] = response.json if response.body else {}
        return answer

    def as_admin(self) -> context.Context:
        """Be an administrator."""
        return context.Context("admin", self._project_id, is_admin=True, roles=["admin", "member", "reader"])

    def as_service(self) -> context.Context:
        """Be a service in a project of its own."""
        return context.Context("tricircle", "service", is_admin=False, roles=["service"])

    def as_tenant(self) -> context.Context:
        """Be a user of the project that the tests' resources belong to."""
        return context.Context("user", self._project_id, is_admin=False, roles=["member", "reader"])

    def delegate(self, subnet_id: str, size: int, where: str = SITE, **expected: Any) -> dict[str, Any]:
        """Ask for a block."""
        body = {"address_block": {"subnet_id": subnet_id, "site": where, "size": size}}
        answer = self.call("POST", "address-blocks", body, **expected)
        return answer.get("address_block", answer)

    def adopt(self, **port: Any) -> dict[str, Any]:
        """Adopt a port."""
        answer = self.call("POST", "adopted-ports", {"adopted_port": {**self.a_port(), **port}})
        adopted: dict[str, Any] = answer["adopted_port"]
        return adopted

    def a_port(self) -> dict[str, Any]:
        """Make a body that adopts a new port without addresses."""
        return {
            "id": uuidutils.generate_uuid(),
            "project_id": self._project_id,
            "site": SITE,
            "mac_address": f"fa:16:3e:{uuidutils.generate_uuid()[:2]}:00:{uuidutils.generate_uuid()[:2]}",
        }

    def journal(self) -> list[tuple[str, str]]:
        """What waits in the journal."""
        query = context.get_admin_context().session.query(JournalEntry).order_by(JournalEntry.id)
        return [(row.resource_type, row.resource_id) for row in query]

    def jobs(self) -> set[tuple[str, str]]:
        """What Tricircle has been asked to follow."""
        found = JobStore(self.database).page()
        return {(job.resource_type, job.resource_id) for job in found if job.type == "follow"}

    def forget_jobs(self) -> None:
        """Have the jobs that were asked for until now count no more."""
        with self.database.write() as connection:
            connection.execute(jobs.delete())


class AdoptingTestCase(TricircleTestCase):
    """A test of ports of a site, on a network whose addresses from 7 on are delegated to it."""

    def setUp(self) -> None:
        """Make the network."""
        super().setUp()
        network = self._make_network(self.fmt, "blue", True)
        self.subnet = self._make_subnet(self.fmt, network, "10.0.0.1", "10.0.0.0/28")["subnet"]
        self.network_id = self.subnet["network_id"]
        self.delegate(self.subnet["id"], 8)

    def at(self, *last: int) -> list[dict[str, str]]:
        """Name addresses of the subnet by their last numbers."""
        return [{"subnet_id": self.subnet["id"], "ip_address": f"10.0.0.{each}"} for each in last]

    def a_port(self) -> dict[str, Any]:
        """Make a body that adopts a new port at an address of the block."""
        return {
            **super().a_port(),
            "network_id": self.network_id,
            "device_id": "a-server",
            "device_owner": "compute:nova",
            "fixed_ips": self.at(10),
        }

    def post(self, port: dict[str, Any], status: int | None = None, who: Any = None) -> dict[str, Any]:
        """Say all of a port."""
        return self.call("POST", "adopted-ports", {"adopted_port": port}, status=status, who=who)

    def put(self, port_id: str, answer: int | None = None, **changes: Any) -> dict[str, Any]:
        """Say what has changed of a port."""
        return self.call("PUT", f"adopted-ports/{port_id}", {"adopted_port": changes}, status=answer)

    def port(self, port_id: str) -> dict[str, Any]:
        """Return the ordinary port."""
        found: dict[str, Any] = self.call("GET", f"ports/{port_id}")["port"]
        return found
