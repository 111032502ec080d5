"""Sites as agents and availability zones, and ports on their nodes."""

import inspect
from typing import Any
from unittest import mock

import pytest
from neutron import policy
from neutron.db.agents_db import AgentDbMixin
from neutron.tests.common import test_db_base_plugin_v2 as stock
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.db import api as db_api
from neutron_lib.exceptions import agent
from neutron_lib.policy import _engine as roles
from tests.unit.network.base import OTHER, SITE, ZONE, TricircleTestCase

from tricircle.errors import DatabaseUnavailable
from tricircle.network import site_views
from tricircle.network.top import Top
from tricircle.sites.node_store import NodeStore
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import SiteState
from tricircle.sites.store import SiteStore
from tricircle.sites.zone_store import Place, ZoneStore

SORTS_AGENTS = "sorts" in inspect.signature(AgentDbMixin.get_agents).parameters
"""Since Neutron 29."""


class SiteViewsTestCase(stock.DbOperationBoundMixin, TricircleTestCase):
    def agents(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"agents?{query}")["agents"]
        return found

    def hosts(self, query: str = "") -> list[str]:
        return [row["host"] for row in self.agents(query)]

    def page(self, **how: Any) -> list[str]:
        return [row["host"] for row in self.core.get_agents(self.admin, **how)]

    def a_network(self, **body: Any) -> dict[str, Any]:
        network: dict[str, Any] = self.call("POST", "networks", {"network": body})["network"]
        return network

    def away(self) -> Any:
        """Be a process that has never read the sites, and cannot."""
        away = mock.PropertyMock(side_effect=DatabaseUnavailable("Away."))
        return mock.patch.multiple(Top, snapshot=away, at_hand=None)

    def test_a_site_is_an_agent_on_its_node(self) -> None:
        ZoneStore(self.database).put("az-two", "", [Place(SITE, "nova"), Place(OTHER, "nova")])
        one, two = sorted(self.agents(), key=lambda row: str(row["host"]))
        expected = {
            "id": f"id-{SITE}",
            "host": SITE,
            "agent_type": "Tricircle site",
            "binary": "tricircle-xjob",
            "availability_zone": f"{ZONE}, az-two",
            "alive": True,
            "admin_state_up": True,
        }
        assert {name: one[name] for name in expected} == expected
        assert (two["host"], two["alive"], two["availability_zone"]) == (OTHER, False, "az-two")
        assert self.call("GET", f"agents/id-{SITE}")["agent"] == one
        NodeStore(self.database).set_state(f"id-{SITE}", up=False, cause="gone")
        SiteStore(self.database).update(SITE, state=SiteState.CORDONED)
        one = self.call("GET", f"agents/id-{SITE}")["agent"]
        assert (one["alive"], one["admin_state_up"]) == (False, False)

    def test_agents_are_filtered(self) -> None:
        assert sorted(self.hosts()) == [SITE, OTHER]
        assert self.hosts("alive=true") == [SITE]
        assert self.hosts("alive=false") == [OTHER]
        assert self.hosts(f"availability_zone={ZONE}") == [SITE]
        assert self.hosts(f"host={OTHER}&binary=tricircle-xjob") == [OTHER]
        assert self.hosts("binary=neutron-dhcp-agent") == []
        assert self.agents("fields=host&alive=true") == [{"host": SITE}]

    def test_agents_are_sorted_and_paged(self) -> None:
        ascending = [("host", True)]
        assert self.page(sorts=ascending) == [SITE, OTHER]
        assert self.page(sorts=[("host", False)]) == [OTHER, SITE]
        assert self.page(sorts=ascending, limit=1) == [SITE]
        assert self.page(sorts=ascending, limit=1, marker=f"id-{SITE}") == [OTHER]
        assert self.page(sorts=ascending, limit=1, marker=f"id-{OTHER}", page_reverse=True) == [SITE]
        with pytest.raises(agent.AgentNotFound):
            self.page(limit=1, marker="nobody")

    @pytest.mark.skipif(not SORTS_AGENTS, reason="this Neutron's API neither sorts nor pages agents")
    def test_a_user_sorts_and_pages_agents(self) -> None:
        assert self.hosts("sort_key=host&sort_dir=asc") == [SITE, OTHER]
        assert self.hosts("sort_key=host&sort_dir=desc") == [OTHER, SITE]
        assert self.hosts("limit=1&sort_key=host&sort_dir=asc") == [SITE]
        assert self.hosts(f"limit=1&sort_key=host&sort_dir=asc&marker=id-{SITE}") == [OTHER]
        assert self.hosts(f"limit=1&marker=id-{OTHER}&page_reverse=True&sort_key=host&sort_dir=asc") == [SITE]
        self.call("GET", "agents?limit=1&marker=nobody", status=404)

    def test_a_site_is_not_changed_here(self) -> None:
        path = f"agents/id-{SITE}"
        self.call("PUT", path, {"agent": {"admin_state_up": False}}, status=400)
        self.call("DELETE", path, status=400)
        for method, body in (("GET", None), ("PUT", {"agent": {"description": "x"}}), ("DELETE", None)):
            self.call(method, "agents/nobody", body, status=404)

    def test_the_zones_are_the_top_s(self) -> None:
        ZoneStore(self.database).put("az-two", "", [Place(OTHER, "nova")])
        zones = self.call("GET", "availability_zones", who=self.as_tenant())["availability_zones"]
        shown = {(zone["name"], zone["resource"], zone["state"]) for zone in zones}
        assert shown == {
            (name, resource, state)
            for name, state in ((ZONE, "available"), ("az-two", "unavailable"))
            for resource in ("network", "router")
        }
        found = self.call("GET", f"availability_zones?name={ZONE}&resource=network")["availability_zones"]
        assert [zone["name"] for zone in found] == [ZONE]

    def test_hints_name_zones_of_the_top(self) -> None:
        assert self.a_network(availability_zone_hints=[ZONE])["availability_zone_hints"] == [ZONE]
        body = {"network": {"availability_zone_hints": ["atlantis"]}}
        self.call("POST", "networks", body, status=404)

    def test_a_network_is_in_the_zones_of_its_blocks(self) -> None:
        network = self._make_network(self.fmt, "blue", True)
        network_id = network["network"]["id"]
        subnet = self._make_subnet(self.fmt, network, "10.0.0.1", "10.0.0.0/28")["subnet"]

        def zones() -> list[str]:
            found: list[str] = self.call("GET", f"networks/{network_id}")["network"]["availability_zones"]
            return found

        assert zones() == []
        self.delegate(subnet["id"], 1)
        self.delegate(subnet["id"], 1, OTHER)
        assert zones() == [ZONE]
        SiteStore(self.database).update(OTHER, name="dos")
        ZoneStore(self.database).put("az-two", "", [Place("dos", "nova")])
        assert zones() == [ZONE, "az-two"]

    def test_no_transaction_of_neutrons_waits_for_another_database(self) -> None:
        """What its objects are made of is read within one."""
        network_id = self.a_network()["id"]
        subnet = {"network_id": network_id, "cidr": "10.0.0.0/28", "ip_version": 4}
        self.delegate(self.call("POST", "subnets", {"subnet": subnet})["subnet"]["id"], 1)
        port_id = self.call("POST", "ports", {"port": {"network_id": network_id}})["port"]["id"]
        asked: list[bool] = []

        def look(top: Top) -> Snapshot:
            asked.append(db_api.is_session_active(self.admin.session))
            return top._parts.registry.snapshot

        with mock.patch.object(Top, "snapshot", property(look)):
            body = {"name": "red", "tenant_id": self._project_id, "admin_state_up": True, "shared": False}
            made = self.core.create_network(
                self.admin, {"network": body | {"availability_zone_hints": [ZONE]}}
            )
            self.core.update_port(self.admin, port_id, {"port": {"name": "new"}})
            with db_api.CONTEXT_WRITER.using(self.admin):
                assert self.core.get_network(self.admin, network_id)["availability_zones"] == [ZONE]
                assert SITE in {row["host"] for row in self.core.get_agents(self.admin)}
        assert made["availability_zone_hints"] == [ZONE]
        assert set(asked) == {False}

    def test_a_longer_list_costs_no_more_queries(self) -> None:
        def make() -> Any:
            network = self._make_network(self.fmt, "net", True)
            subnet = self._make_subnet(self.fmt, network, "10.0.0.1", "10.0.0.0/28")
            block = {"subnet_id": subnet["subnet"]["id"], "site": SITE, "size": 2}
            self.tricircle.create_address_block(self.admin, {"address_block": block})
            return network

        self._assert_object_list_queries_constant(make, "networks")

    def test_without_tricircle_the_rest_goes_on(self) -> None:
        network = self._make_network(self.fmt, "blue", True)
        subnet = self._make_subnet(self.fmt, network, "10.0.0.1", "10.0.0.0/28")["subnet"]
        block = self.delegate(subnet["id"], 4)
        with self.away():
            assert self.agents() == []
            self.call("GET", f"agents/id-{SITE}", status=404)
            assert self.call("GET", "availability_zones")["availability_zones"] == []
            assert len(self.call("GET", "networks")["networks"]) == 1
            self.a_network()
            self.a_network(availability_zone_hints=[])
            self.call("POST", "networks", {"network": {"availability_zone_hints": [ZONE]}}, status=503)
            self.delegate(subnet["id"], 4, status=503)
            self.call("GET", f"address-blocks?site={SITE}", status=503)
            shown = self.call("GET", "address-blocks")["address_blocks"]
            assert [(each["id"], each["site"]) for each in shown] == [(block["id"], f"id-{SITE}")]
            self.call("DELETE", f"address-blocks/{block['id']}")

    def test_a_port_of_the_top_is_bound_to_a_node_and_to_nothing_else(self) -> None:
        network_id = self.a_network()["id"]

        def bound(host: str) -> tuple[str, str]:
            body = {"port": {"network_id": network_id, "binding:host_id": host}}
            port = self.call("POST", "ports", body)["port"]
            return port["binding:vif_type"], port["status"]

        assert bound(SITE) == ("other", "ACTIVE")
        assert bound("nowhere") == ("binding_failed", "DOWN")
        with self.away():
            assert bound(SITE) == ("binding_failed", "DOWN")

    def test_a_process_begins_with_its_rules_and_views(self) -> None:
        policy.reset()
        roles._ROLE_ENFORCER = None
        for _ in range(2):
            registry.publish(resources.PROCESS, events.AFTER_INIT, None)
        assert policy._ENFORCER.registered_rules["create_adopted_port"]
        assert roles._ROLE_ENFORCER.registered_rules["context_is_admin"]
        assert isinstance(self.core.get_agents.__self__, site_views.SiteViews)
        assert self.hosts("alive=true") == [SITE]
