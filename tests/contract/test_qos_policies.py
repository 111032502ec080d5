"""What a site's Neutron answers about QoS policies."""

from typing import Any

import pytest
from tests.contract.neutron import UNKNOWN, Item, Neutron

POLICY = {
    *("id", "name", "description", "project_id", "tenant_id", "shared", "is_default", "rules", "tags"),
    *("created_at", "updated_at", "revision_number"),
}
RULES = (
    ("bandwidth_limit", {"max_kbps": 5000, "max_burst_kbps": 500, "direction": "egress"}, {"max_kbps": 9000}),
    ("minimum_bandwidth", {"min_kbps": 1000, "direction": "egress"}, {"min_kbps": 2000}),
    ("dscp_marking", {"dscp_mark": 26}, {"dscp_mark": 14}),
    ("packet_rate_limit", {"max_kpps": 50, "max_burst_kpps": 5, "direction": "egress"}, {"max_kpps": 60}),
    ("minimum_packet_rate", {"min_kpps": 10, "direction": "egress"}, {"min_kpps": 20}),
)


@pytest.fixture
def policy(neutron: Neutron) -> Item:
    """A policy of the member's project."""
    fields = {"description": "tricircle:contract", "project_id": neutron.projects["member"]}
    return neutron.make("policy", name="contract", **fields)


def path_of(policy: Item, kind: str) -> str:
    """Return the path of a policy's rules of a kind."""
    return f"qos/policies/{policy['id']}/{kind}_rules"


def add(neutron: Neutron, policy: Item, kind: str, fields: dict[str, Any]) -> Item:
    """Add a rule to a policy."""
    reply = neutron.call("POST", path_of(policy, kind), {f"{kind}_rule": fields})
    assert reply.status == 201, reply.text
    made: Item = reply.json[f"{kind}_rule"]
    return made


def test_life(neutron: Neutron, policy: Item) -> None:
    assert set(policy) >= POLICY
    assert (policy["shared"], policy["is_default"], policy["rules"]) == (False, False, [])
    found = neutron.list("policy", description="tricircle:contract", project_id=policy["project_id"])
    assert [each["id"] for each in found] == [policy["id"]]
    assert neutron.change("policy", policy["id"], name="other").json["policy"]["name"] == "other"
    assert neutron.delete("policy", policy["id"]).status == 204
    gone = neutron.call("GET", f"qos/policies/{policy['id']}")
    assert gone.neutron_error[:2] == (404, "QosPolicyNotFound")
    assert neutron.delete("policy", policy["id"]).neutron_error[:2] == (404, "QosPolicyNotFound")


@pytest.mark.parametrize(("kind", "fields", "change"), RULES)
def test_rules(
    neutron: Neutron, policy: Item, kind: str, fields: dict[str, Any], change: dict[str, Any]
) -> None:
    made = add(neutron, policy, kind, fields)
    assert made == {"id": made["id"], **fields}
    (shown,) = neutron.show("policy", policy["id"])["rules"]
    assert {name: shown[name] for name in ("id", "type", *fields)} == {
        "id": made["id"],
        "type": kind,
        **fields,
    }
    again = neutron.call("POST", path_of(policy, kind), {f"{kind}_rule": fields})
    assert again.neutron_error[:2] == (409, "QoSRulesConflict")
    changed = neutron.call("PUT", f"{path_of(policy, kind)}/{made['id']}", {f"{kind}_rule": change})
    assert (changed.status, changed.json[f"{kind}_rule"]) == (200, {**made, **change})
    assert neutron.call("DELETE", f"{path_of(policy, kind)}/{made['id']}").status == 204
    assert neutron.show("policy", policy["id"])["rules"] == []
    gone = neutron.call("DELETE", f"{path_of(policy, kind)}/{made['id']}")
    assert gone.neutron_error[:2] == (404, "QosRuleNotFound")


def test_rules_that_contradict_one_another(neutron: Neutron, policy: Item) -> None:
    limit = {"max_kbps": 5000, "direction": "egress"}
    add(neutron, policy, "bandwidth_limit", limit)
    add(neutron, policy, "bandwidth_limit", limit | {"direction": "ingress"})
    more = {"min_kbps": 6000, "direction": "egress"}
    reply = neutron.call("POST", path_of(policy, "minimum_bandwidth"), {"minimum_bandwidth_rule": more})
    assert reply.neutron_error[:2] == (409, "QoSRuleParameterConflict")


def test_networks_and_ports_have_one(neutron: Neutron, policy: Item) -> None:
    network = neutron.make("network", qos_policy_id=policy["id"])
    assert network["qos_policy_id"] == policy["id"]
    port = neutron.make("port", network_id=network["id"], qos_policy_id=policy["id"])
    assert neutron.show("port", port["id"])["qos_policy_id"] == policy["id"]
    in_use = neutron.delete("policy", policy["id"])
    assert in_use.neutron_error[:2] == (409, "QosPolicyInUse")
    cleared = neutron.change("port", port["id"], qos_policy_id=None)
    assert cleared.json["port"]["qos_policy_id"] is None
    cleared = neutron.change("network", network["id"], qos_policy_id=None)
    assert cleared.json["network"]["qos_policy_id"] is None
    assert neutron.delete("policy", policy["id"]).status == 204


def test_that_nobody_knows(neutron: Neutron) -> None:
    reply = neutron.ask("network", qos_policy_id=UNKNOWN)
    assert reply.neutron_error[:2] == (404, "QosPolicyNotFound")
