"""The jobs about ports, against a whole Neutron with our plugin at the top."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from oslo_config import cfg
from tests.unit.network.base import TricircleTestCase
from tests.unit.xjob import neutrons
from tests.unit.xjob.neutrons import SERVER, A, Item, Neutrons, Office, port

from tricircle.db.engine import Database
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.outcome import Failed, Outcome, Succeeded
from tricircle.jobs.store import JobFilters
from tricircle.jobs.types import ADOPT, AFTER_DELETE, PORTS
from tricircle.sites.service_calls import SiteAnswer
from tricircle.sites.site import Site
from tricircle.xjob import adopt as module
from tricircle.xjob.adopt import adopt
from tricircle.xjob.after_delete import drop_route
from tricircle.xjob.engine import make_engine
from tricircle.xjob.port_sweep import sweep
from tricircle.xjob.task import Handler

pytestmark = pytest.mark.filterwarnings("ignore")


class Split(Neutrons):
    """The site is in memory, the top is a test case's Neutron."""

    def __init__(self, case: "PortsTestCase") -> None:
        super().__init__(page=200)
        self._case = case

    def answer(self, site: Site, method: str, path: str, query_string: str, body: Any) -> SiteAnswer:
        """Do a request."""
        if site.name != "top":
            return super().answer(site, method, path, query_string, body)
        target = f"{urlsplit(path).path.removeprefix('/v2.0/')}?{query_string}"
        return SiteAnswer(*self._case.ask(method, target, body), None)


class PortsTestCase(TricircleTestCase):
    @pytest.fixture(autouse=True)
    def _configured(self, conf: cfg.ConfigOpts, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        assert database is not None
        self.conf = conf
        monkeypatch.setattr(module, "_NOTICE", -1.0)
        monkeypatch.setattr(neutrons, "THERE", {})

    def setup_config(self) -> None:
        """Load port security, too."""
        super().setup_config()
        cfg.CONF.set_override("extension_drivers", ["port_security"], group="ml2")

    def setUp(self) -> None:
        """Bring the process up, with a network that the site has, too."""
        super().setUp()
        engine = make_engine(self.conf)
        self.addCleanup(engine.database.close)
        self.office = Office(engine, Split(self))
        self.office.serve()
        own = {"tenant_id": self._project_id}
        self.home = self._define("network", {"name": "blue", "admin_state_up": True, **own})
        range_ = {"network_id": self.home, "cidr": "10.0.0.0/24", "ip_version": 4, **own}
        self.subnet = self._define("subnet", range_)
        self.group = self._define("security_group", {"name": "web", **own})
        self.block = self.delegate(self.subnet, 4, "a")

    def _define(self, kind: str, fields: Item) -> str:
        made: str = self.call("POST", f"{kind.replace('_', '-')}s", {kind: fields})[kind]["id"]
        self.office.realise(kind, made, f"a-{kind.removeprefix('security_')}")
        return made

    def ask(self, method: str, target: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Send a request to the API, as a service; return status and body, whatever they are."""
        status = {"POST": 201, "DELETE": 204}.get(method, 200)
        try:
            return status, self.call(method, target, body, status=status)
        except AssertionError:
            refused = {409: 409, 404: 404, 400: 400, 403: 403}
            for other in refused:
                try:
                    return other, self.call(method, target, body, status=other)
                except AssertionError:
                    continue
            raise

    def port(self, number: int, **more: Any) -> Item:
        """Make a port as the site shows it, with an address of the block."""
        start, _, last = str(self.block["start"]).rpartition(".")
        fixed = {"subnet_id": "a-subnet", "ip_address": f"{start}.{int(last) + number}"}
        identity = {"id": f"00000000-0000-4000-8000-00000000000{number}", "project_id": self._project_id}
        return port(number, **{**identity, "fixed_ips": [fixed], **more})

    def rows(self) -> dict[str, Item]:
        """Return what the top has adopted."""
        return {item["id"]: item for item in self.call("GET", "adopted-ports")["adopted_ports"]}

    def do(self, handler: Handler, request: Request) -> Outcome:
        """Do a job; what the top's Neutron asks for itself is not done."""
        for job in self.office.jobs.page(JobFilters(JobState.WAITING)):
            self.office.jobs.cancel(job.id)
        return self.office.do(handler, request)[0]

    def adopt(self) -> None:
        """Have the server's ports adopted."""
        outcome = self.do(adopt, Request(ADOPT.name, "server", SERVER, A.id))
        assert isinstance(outcome, Succeeded), outcome

    def test_ports_come_change_and_go(self) -> None:
        first, second = self.port(0), self.port(1)
        self.office.put(first, second)
        self.adopt()
        rows = self.rows()
        assert sorted(rows) == [first["id"], second["id"]]
        shown = rows[first["id"]]
        assert (shown["network_id"], shown["binding:host_id"], shown["status"]) == (self.home, "a", "ACTIVE")
        assert shown["security_groups"] == [self.group]
        assert shown["fixed_ips"] == [{"subnet_id": self.subnet, "ip_address": self.block["start"]}]
        self.office.effects()
        self.adopt()
        assert self.office.effects() == []
        self.office.put(self.port(0, name="new", security_groups=[], admin_state_up=False, status="DOWN"))
        del self.office.neutrons.ports[second["id"]]
        self.adopt()
        (changed,) = self.rows().values()
        assert (changed["name"], changed["security_groups"], changed["status"]) == ("new", [], "DOWN")
        self.office.effects()
        self.adopt()
        assert self.office.effects() == []
        assert self.journal() == [entry for entry in self.journal() if entry[0] != "port"]
        self.office.neutrons.servers.clear()
        self.office.neutrons.ports.clear()
        self.do(drop_route, Request(AFTER_DELETE.name, "server", SERVER, A.id))
        assert self.rows() == {}

    def test_the_sweep_finds_dhcp_ports_and_comes_to_rest(self) -> None:
        owner = {"device_owner": "network:dhcp", "device_id": "dhcp-x"}
        owner |= {"security_groups": [], "port_security_enabled": False}
        self.office.put(self.port(0), self.port(1, **owner))
        sweeping = Request(PORTS.name, "site", A.id, A.id)
        outcome = self.do(sweep, sweeping)
        assert outcome == Succeeded("1 networks: 2 adopted.")
        self.office.effects()
        assert self.do(sweep, sweeping) == Succeeded("1 networks: nothing to do.")
        assert self.office.effects() == []

    def test_so_it_does_with_pairs_tags_and_ports_without_port_security(self) -> None:
        pairs = [{"ip_address": "10.0.0.9"}, {"ip_address": "2001:DB8::/64", "mac_address": "fa:16:3e:0:0:1"}]
        secure = {"allowed_address_pairs": pairs, "tags": ["red", "blue"]}
        exposed: dict[str, Any] = {
            "allowed_address_pairs": [],
            "security_groups": [],
            "tags": ["blue"],
            "port_security_enabled": False,
        }
        served = {"device_owner": "network:dhcp", "device_id": "dhcp-x", **exposed}
        sweeping = Request(PORTS.name, "site", A.id, A.id)
        for first, second in ((secure, exposed), (exposed, secure), (secure, exposed)):
            self.office.put(self.port(0, **first), self.port(1, **second), self.port(2, **served))
            assert isinstance(self.do(sweep, sweeping), Succeeded)
            rows = self.rows()
            assert len(rows) == 3
            for number, fields in enumerate((first, second, served)):
                shown = rows[self.port(number)["id"]]
                assert shown["port_security_enabled"] == (fields is secure)
                assert (len(shown["allowed_address_pairs"]) == 2) == (fields is secure)
                assert shown["security_groups"] == ([self.group] if fields is secure else [])
                assert sorted(shown["tags"]) == sorted(fields["tags"])
            self.office.effects()
            assert self.do(sweep, sweeping) == Succeeded("1 networks: nothing to do.")
            assert self.office.effects() == []
        assert "port" not in {kind for kind, _ in self.journal()}

    def test_of_several_only_the_one_with_a_mac_of_anothers_is_refused(self) -> None:
        self.office.put(self.port(0), self.port(1))
        mac = self.port(1)["mac_address"]
        fields = {"network_id": self.home, "mac_address": mac, "tenant_id": self._project_id}
        other = self.call("POST", "ports", {"port": fields})["port"]["id"]
        outcome = self.do(adopt, Request(ADOPT.name, "server", SERVER, A.id))
        assert isinstance(outcome, Failed)
        for words in (mac, other, "base_mac"):
            assert words in outcome.cause
        assert list(self.rows()) == [self.port(0)["id"]]
