"""What a site's Neutron answers about security groups and address groups."""

import uuid
from typing import Any

import pytest
from tests.contract.neutron import UNKNOWN, Item, Neutron

GROUP = {
    *("id", "name", "description", "project_id", "tenant_id", "stateful", "security_group_rules", "tags"),
    *("shared", "created_at", "updated_at", "revision_number"),
}
RULE = {
    *("id", "security_group_id", "project_id", "tenant_id", "direction", "ethertype", "protocol"),
    *("port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id", "remote_address_group_id"),
    *("description", "normalized_cidr", "created_at", "updated_at", "revision_number"),
}
RULES = "security-group-rules"


@pytest.fixture
def group(neutron: Neutron) -> Item:
    """A group of the member's project."""
    return neutron.make("security_group", name="contract", project_id=neutron.projects["member"])


def rule(group: Item, **fields: Any) -> Item:
    """A rule of a group, that lets something in."""
    wanted = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    return {"security_group_id": group["id"], **wanted, **fields}


def matching(found: Item) -> tuple[Any, ...]:
    """What a rule is about."""
    return found["direction"], found["ethertype"], found["protocol"], found["remote_ip_prefix"]


class TestGroups:
    def test_life(self, neutron: Neutron, group: Item) -> None:
        assert set(group) >= GROUP
        assert (group["stateful"], group["description"], group["tags"]) == (True, "", [])
        assert {matching(each) for each in group["security_group_rules"]} == {
            ("egress", "IPv4", None, None),
            ("egress", "IPv6", None, None),
        }
        assert all(set(each) >= RULE for each in group["security_group_rules"])
        shown = neutron.show("security_group", group["id"])
        assert shown["name"] == "contract"
        changed = neutron.change("security_group", group["id"], name="other", description="tricircle:x")
        assert changed.json["security_group"]["name"] == "other"
        found = neutron.list("security_group", description="tricircle:x", project_id=group["project_id"])
        assert [each["id"] for each in found] == [group["id"]]
        assert neutron.delete("security_group", group["id"]).status == 204
        for reply in (
            neutron.call("GET", f"security-groups/{group['id']}"),
            neutron.delete("security_group", group["id"]),
        ):
            message = f"Security group {group['id']} does not exist"
            assert reply.neutron_error == (404, "SecurityGroupNotFound", message)

    def test_that_is_stateless(self, neutron: Neutron) -> None:
        made = neutron.make("security_group", name="contract", stateful=False)
        assert made["stateful"] is False
        assert neutron.change("security_group", made["id"], stateful=True).json["security_group"]["stateful"]

    def test_a_projects_default_is_made_when_it_is_looked_for(self, neutron: Neutron) -> None:
        project = uuid.uuid4().hex
        query = {"project_id": project, "name": "default"}
        (found,) = neutron.list("security_group", **query)
        assert (found["project_id"], found["description"]) == (project, "Default security group")
        assert len(found["security_group_rules"]) == 4
        remote = {each["remote_group_id"] for each in found["security_group_rules"]}
        assert remote == {None, found["id"]}
        assert neutron.list("security_group", **query)[0]["id"] == found["id"]
        again = neutron.ask("security_group", name="default", project_id=project)
        assert again.neutron_error[:2] == (409, "SecurityGroupDefaultAlreadyExists")
        renamed = neutron.change("security_group", found["id"], name="other")
        assert renamed.neutron_error[:2] == (409, "SecurityGroupCannotUpdateDefault")
        assert neutron.delete("security_group", found["id"]).status == 204  # an administrator may

    def test_the_own_default_stays(self, neutron: Neutron) -> None:
        (found,) = neutron.list("security_group", who="member", name="default")
        reply = neutron.delete("security_group", found["id"], who="member")
        assert reply.neutron_error[:2] == (409, "SecurityGroupCannotRemoveDefault")

    def test_in_use(self, neutron: Neutron, group: Item) -> None:
        network, _ = neutron.network()
        neutron.make("port", network_id=network["id"], security_groups=[group["id"]])
        reply = neutron.delete("security_group", group["id"])
        assert reply.neutron_error[:2] == (409, "SecurityGroupInUse")
        assert group["id"] in reply.neutron_error[2]

    def test_tags(self, neutron: Neutron, group: Item) -> None:
        path = f"security-groups/{group['id']}/tags"
        assert neutron.call("PUT", path, {"tags": ["a"]}).json == {"tags": ["a"]}
        assert neutron.show("security_group", group["id"])["tags"] == ["a"]


class TestRules:
    def test_one(self, neutron: Neutron, group: Item) -> None:
        wanted = rule(group, port_range_min=22, port_range_max=22, remote_ip_prefix="10.0.0.0/8")
        reply = neutron.call("POST", RULES, {"security_group_rule": wanted})
        assert reply.status == 201
        made = reply.json["security_group_rule"]
        assert set(made) >= RULE
        assert {name: made[name] for name in wanted} == wanted
        assert made["normalized_cidr"] == "10.0.0.0/8"
        again = neutron.call("POST", RULES, {"security_group_rule": wanted})
        assert again.neutron_error[:2] == (409, "SecurityGroupRuleExists")
        assert made["id"] in again.neutron_error[2]
        assert neutron.call("DELETE", f"{RULES}/{made['id']}").status == 204
        gone = neutron.call("DELETE", f"{RULES}/{made['id']}")
        message = f"Security group rule {made['id']} does not exist"
        assert gone.neutron_error == (404, "SecurityGroupRuleNotFound", message)

    def test_one_is_its_makers_projects_unless_that_is_said(self, neutron: Neutron, group: Item) -> None:
        wanted = [rule(group, protocol="udp"), rule(group, project_id=group["project_id"])]
        made = [neutron.call("POST", RULES, {"security_group_rule": each}) for each in wanted]
        assert [each.status for each in made] == [201, 201]
        owners = [each.json["security_group_rule"]["project_id"] for each in made]
        assert [owner == group["project_id"] for owner in owners] == [False, True]

    def test_of_many_all_are_made_or_none(self, neutron: Neutron, group: Item) -> None:
        wanted = [rule(group, port_range_min=port, port_range_max=port) for port in (22, 80)]
        assert neutron.call("POST", RULES, {"security_group_rules": wanted[:1]}).status == 201
        both = neutron.call("POST", RULES, {"security_group_rules": wanted})
        assert both.neutron_error[:2] == (409, "SecurityGroupRuleExists")
        assert len(neutron.show("security_group", group["id"])["security_group_rules"]) == 3
        wanted = [rule(group, port_range_min=port, port_range_max=port) for port in (80, 443)]
        made = neutron.call("POST", RULES, {"security_group_rules": wanted})
        assert (made.status, len(made.json["security_group_rules"])) == (201, 2)
        assert len(neutron.show("security_group", group["id"])["security_group_rules"]) == 5

    def test_that_name_a_group(self, neutron: Neutron, group: Item) -> None:
        other = neutron.make("security_group", name="other", project_id=group["project_id"])
        wanted = rule(group, remote_group_id=other["id"])
        made = neutron.call("POST", RULES, {"security_group_rule": wanted}).json["security_group_rule"]
        assert (made["remote_group_id"], made["remote_ip_prefix"]) == (other["id"], None)
        # They go with it.
        assert neutron.delete("security_group", other["id"]).status == 204
        assert len(neutron.show("security_group", group["id"])["security_group_rules"]) == 2
        unknown = neutron.call("POST", RULES, {"security_group_rule": rule(group, remote_group_id=UNKNOWN)})
        assert unknown.neutron_error[:2] == (404, "SecurityGroupNotFound")

    def test_that_name_two_things(self, neutron: Neutron, group: Item) -> None:
        wanted = rule(group, remote_group_id=group["id"], remote_ip_prefix="10.0.0.0/8")
        reply = neutron.call("POST", RULES, {"security_group_rule": wanted})
        assert reply.neutron_error[:2] == (400, "SecurityGroupMultipleRemoteEntites")

    def test_of_an_unknown_group(self, neutron: Neutron) -> None:
        reply = neutron.call("POST", RULES, {"security_group_rule": rule({"id": UNKNOWN})})
        assert reply.neutron_error[:2] == (404, "SecurityGroupNotFound")


class TestAddressGroups:
    def test_life(self, neutron: Neutron) -> None:
        made = neutron.make("address_group", name="contract", addresses=["10.0.0.0/24", "10.1.0.9/32"])
        assert sorted(made["addresses"]) == ["10.0.0.0/24", "10.1.0.9/32"]
        path = f"address-groups/{made['id']}"
        added = neutron.call("PUT", f"{path}/add_addresses", {"addresses": ["10.2.0.0/24"]})
        assert added.status == 200
        assert sorted(neutron.show("address_group", made["id"])["addresses"]) == [
            *("10.0.0.0/24", "10.1.0.9/32", "10.2.0.0/24"),
        ]
        for action, wanted, error in (
            ("add_addresses", "10.2.0.0/24", (400, "AddressesAlreadyExist")),
            ("remove_addresses", "10.9.0.0/24", (404, "AddressesNotFound")),
        ):
            reply = neutron.call("PUT", f"{path}/{action}", {"addresses": [wanted]})
            assert reply.neutron_error[:2] == error
        less = neutron.call("PUT", f"{path}/remove_addresses", {"addresses": ["10.1.0.9/32"]})
        assert less.status == 200
        assert sorted(neutron.show("address_group", made["id"])["addresses"]) == [
            "10.0.0.0/24",
            "10.2.0.0/24",
        ]
        assert (
            neutron.change("address_group", made["id"], name="other").json["address_group"]["name"] == "other"
        )
        assert neutron.delete("address_group", made["id"]).status == 204
        assert neutron.call("GET", path).neutron_error[:2] == (404, "AddressGroupNotFound")

    def test_are_found_by_description_and_project(self, neutron: Neutron) -> None:
        project = neutron.projects["member"]
        fields = {"name": "contract", "addresses": [], "description": "tricircle:contract"}
        made = neutron.make("address_group", project_id=project, **fields)
        found = neutron.list("address_group", description="tricircle:contract", project_id=project)
        assert [each["id"] for each in found] == [made["id"]]

    def test_in_a_rule(self, neutron: Neutron, group: Item) -> None:
        project = group["project_id"]
        made = neutron.make("address_group", name="contract", addresses=["10.0.0.0/24"], project_id=project)
        wanted = rule(group, remote_address_group_id=made["id"])
        reply = neutron.call("POST", RULES, {"security_group_rule": wanted})
        assert reply.json["security_group_rule"]["remote_address_group_id"] == made["id"]
        in_use = neutron.delete("address_group", made["id"])
        assert in_use.neutron_error[:2] == (409, "AddressGroupInUse")
        neutron.delete("security_group", group["id"])
        unknown = neutron.make("security_group", name="contract", project_id=project)
        wanted = rule(unknown, remote_address_group_id=UNKNOWN)
        reply = neutron.call("POST", RULES, {"security_group_rule": wanted})
        assert reply.neutron_error[:2] == (404, "AddressGroupNotFound")
