"""What a site's Neutron answers about policies that share things, or have networks be external."""

from typing import Any

from tests.contract.neutron import UNKNOWN, Neutron

SHARED, EXTERNAL = "access_as_shared", "access_as_external"


def policy(neutron: Neutron, kind: str, item: dict[str, Any], action: str, target: str) -> dict[str, Any]:
    """Make a policy."""
    wanted = {"object_type": kind, "object_id": item["id"], "project_id": item["project_id"]}
    return neutron.make("rbac_policy", **wanted, action=action, target_tenant=target)


def sees(neutron: Neutron, kind: str, item: dict[str, Any], who: str) -> bool:
    """Say whether somebody sees something."""
    return [each["id"] for each in neutron.list(kind, id=item["id"], who=who)] == [item["id"]]


class TestExternal:
    def test_a_network_is_external_as_long_as_a_policy_says_so(self, neutron: Neutron) -> None:
        stranger = neutron.projects["stranger"]
        network = neutron.make("network", name="contract", project_id=neutron.projects["member"])
        assert network["router:external"] is False
        made = [policy(neutron, "network", network, EXTERNAL, target) for target in (stranger, "*")]
        for each in made:
            assert neutron.show("network", network["id"])["router:external"] is True
            assert sees(neutron, "network", network, "stranger")
            assert neutron.show("network", network["id"], who="stranger")["shared"] is False
            assert neutron.delete("rbac_policy", each["id"]).status == 204
        assert neutron.show("network", network["id"])["router:external"] is False
        assert not sees(neutron, "network", network, "stranger")

    def test_one_that_is_made_external_has_a_policy_for_everybody(self, neutron: Neutron) -> None:
        network = neutron.make("network", name="contract", **{"router:external": True})
        found = neutron.list("rbac_policy", object_type="network", object_id=network["id"])
        assert [(each["action"], each["target_tenant"]) for each in found] == [(EXTERNAL, "*")]
        wanted = {name: found[0][name] for name in ("object_type", "object_id", "action", "target_tenant")}
        assert neutron.ask("rbac_policy", **wanted).status == 409
        assert neutron.change("network", network["id"], **{"router:external": False}).status == 200
        assert neutron.list("rbac_policy", object_id=network["id"]) == []

    def test_of_a_network_that_is_not_there(self, neutron: Neutron) -> None:
        wanted = {"object_type": "network", "object_id": UNKNOWN, "action": SHARED, "target_tenant": "*"}
        assert neutron.ask("rbac_policy", **wanted).neutron_error[:2] == (400, "InvalidInput")


class TestGroups:
    def test_one_that_is_shared_is_shown_and_used(self, neutron: Neutron) -> None:
        member, stranger = neutron.projects["member"], neutron.projects["stranger"]
        group = neutron.make("security_group", name="contract", project_id=member)
        assert not sees(neutron, "security_group", group, "stranger")
        made = policy(neutron, "security_group", group, SHARED, stranger)
        assert made["project_id"] == member
        assert sees(neutron, "security_group", group, "stranger")
        shared = neutron.list("security_group", who="stranger", shared="True", name="contract")
        assert [each["id"] for each in shared] == [group["id"]]
        network, _ = neutron.network(project_id=stranger)
        fields = {"network_id": network["id"], "project_id": stranger, "security_groups": [group["id"]]}
        port = neutron.make("port", **fields)
        in_use = neutron.delete("rbac_policy", made["id"])
        assert in_use.neutron_error[:2] == (409, "RbacPolicyInUse")
        assert neutron.delete("port", port["id"]).status == 204
        assert neutron.delete("rbac_policy", made["id"]).status == 204
        assert not sees(neutron, "security_group", group, "stranger")

    def test_one_that_goes_takes_its_policies_along(self, neutron: Neutron) -> None:
        group = neutron.make("security_group", name="contract")
        made = policy(neutron, "security_group", group, SHARED, neutron.projects["stranger"])
        assert neutron.delete("security_group", group["id"]).status == 204
        assert neutron.call("GET", f"rbac-policies/{made['id']}").status == 404
