"""Changes of QoS policies are journalled."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from oslo_config import cfg
from tests.unit.network.base import TricircleTestCase

from tricircle.network.forwarder import Forwarder


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
