"""QoS at the top: rules are made and used there, and the sites enforce them."""

from typing import Any

from neutron_lib.services.qos import constants
from oslo_config import cfg
from tests.unit.network.base import SITE, TricircleTestCase

RULES = {
    "bandwidth_limit": {"max_kbps": 1000, "direction": "egress"},
    "dscp_marking": {"dscp_mark": 10},
    "minimum_bandwidth": {"min_kbps": 100, "direction": "ingress"},
    "packet_rate_limit": {"max_kpps": 1000, "direction": "ingress"},
    "minimum_packet_rate": {"min_kpps": 10, "direction": "any"},
}


class QosTestCase(TricircleTestCase):
    def setup_config(self) -> None:
        super().setup_config()
        cfg.CONF.set_override("extension_drivers", ["qos"], group="ml2")

    def get_additional_service_plugins(self) -> dict[str, str]:
        return {**super().get_additional_service_plugins(), "qos": "qos"}

    def a_policy(self, **rules: Any) -> str:
        """Make a policy with rules, by their types."""
        made = self.call("POST", "qos/policies", {"policy": {"name": "slow"}})["policy"]
        for kind, rule in rules.items():
            self.call("POST", f"qos/policies/{made['id']}/{kind}_rules", {f"{kind}_rule": rule})
        identifier: str = made["id"]
        return identifier

    def used(self, collection: str, identifier: str, policy_id: str) -> str:
        """Have a policy used; return what is shown of that."""
        member = collection.removesuffix("s")
        body = {member: {"qos_policy_id": policy_id}}
        shown: str = self.call("PUT", f"{collection}/{identifier}", body)[member]["qos_policy_id"]
        return shown

    def test_users_see_every_type_of_rule(self) -> None:
        types = self.call("GET", "qos/rule-types", who=self.as_tenant())["rule_types"]
        assert {each["type"] for each in types} == {*RULES} == {*constants.VALID_RULE_TYPES}

    def test_a_network_and_its_ports_have_a_policy(self) -> None:
        policy_id = self.a_policy(**RULES)
        with self.network() as network, self.subnet(network=network), self.port() as port:
            assert self.used("networks", network["network"]["id"], policy_id) == policy_id
            assert self.used("ports", port["port"]["id"], policy_id) == policy_id

    def test_a_server_s_port_has_a_policy(self) -> None:
        policy_id = self.a_policy(**RULES)
        with self.network() as network:
            server = {"device_owner": "compute:nova", "device_id": "a-server", "binding:host_id": SITE}
            adopted = self.adopt(network_id=network["network"]["id"], site=SITE, **server)
            shown = self.call("GET", f"ports/{adopted['id']}")["port"]
            assert shown["binding:vif_type"] == "other"
            assert self.used("ports", adopted["id"], policy_id) == policy_id
