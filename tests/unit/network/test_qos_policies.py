"""Changes of QoS policies are journalled, and the top lets networks and ports have any rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from neutron_lib.services.qos import constants as qos
from oslo_config import cfg
from tests.unit.network.base import TricircleTestCase

from tricircle.network.forwarder import Forwarder
from tricircle.network.qos_driver import TricircleQosDriver


class QosPoliciesTestCase(TricircleTestCase):
    def setup_config(self) -> None:
        super().setup_config()
        cfg.CONF.set_override("extension_drivers", ["port_security", "qos"], group="ml2")

    def get_additional_service_plugins(self) -> dict[str, str]:
        return {**super().get_additional_service_plugins(), "qos": "qos"}

    def setUp(self) -> None:
        super().setUp()
        held = mock.patch.object(Forwarder, "after_change")
        held.start()
        self.addCleanup(held.stop)

    @contextmanager
    def journals(self, expected: tuple[str, str]) -> Iterator[None]:
        """See to it that just this is written down."""
        before = len(self.journal())
        yield
        assert set(self.journal()[before:]) == {expected}

    def make(self, collection: str, resource: str, **body: Any) -> str:
        made: str = self.call("POST", collection, {resource: body})[resource]["id"]
        return made

    def test_policies_and_their_rules(self) -> None:
        policy_id = self.make("qos/policies", "policy", name="gold")
        policy = ("qos_policy", policy_id)
        path = f"qos/policies/{policy_id}"
        assert self.journal() == []
        with self.journals(policy):
            self.call("PUT", path, {"policy": {"name": "silver"}})
        with self.journals(policy):
            rule = {"bandwidth_limit_rule": {"max_kbps": 1000}}
            made = self.call("POST", f"{path}/bandwidth_limit_rules", rule)["bandwidth_limit_rule"]
        with self.journals(policy):
            rule = {"bandwidth_limit_rule": {"max_kbps": 2000}}
            self.call("PUT", f"{path}/bandwidth_limit_rules/{made['id']}", rule)
        with self.journals(policy):
            self.call("DELETE", f"{path}/bandwidth_limit_rules/{made['id']}")
        with self.journals(policy):
            self.call("DELETE", path)

    def test_a_network_may_have_any_rule(self) -> None:
        policy_id = self.make("qos/policies", "policy", name="gold")
        for kind, rule in (
            ("bandwidth_limit", {"max_kbps": 1000, "direction": "ingress"}),
            ("dscp_marking", {"dscp_mark": 26}),
            ("packet_rate_limit", {"max_kpps": 10}),
        ):
            self.call("POST", f"qos/policies/{policy_id}/{kind}_rules", {f"{kind}_rule": rule})
        network_id = self.make("networks", "network", name="blue", qos_policy_id=policy_id)
        assert self.call("GET", f"networks/{network_id}")["network"]["qos_policy_id"] == policy_id


def test_ports_of_nodes_may_have_it() -> None:
    driver = TricircleQosDriver(lambda _: None)
    assert driver.is_vif_type_compatible("other")
    assert driver.is_vnic_compatible("normal")
    assert set(driver.supported_rules) == set(qos.VALID_RULE_TYPES)
