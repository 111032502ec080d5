"""Ids of networks, subnets, security groups and ports in answers: clients see the top's."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.gateway.compute.desk import (
    AT_TOP,
    GROUP,
    GROUP_IN_A,
    ID,
    IN_A,
    INTERFACES,
    NET,
    NET_IN_A,
    PORT,
    PORT_IN_A,
    PORT_ROW,
    STRANGE,
    SUBNET,
    SUBNET_IN_A,
    Desk,
    Networks,
    interface,
    server,
    told,
    uuid,
)
from tests.unit.gateway.office import A, B, Opening, document
from tests.unit.gateway.walker import HANDLERS

from tricircle.gateway.answers import SITE_REQUEST_ID
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.compute.networks import ShowsServers
from tricircle.gateway.compute.places import Place
from tricircle.routing.route import Route


class TestPlace:
    @staticmethod
    def shouted(path: str, body: Any) -> Any:
        Place(path, "x").replace(body, lambda _, value: value.upper())
        return body

    @pytest.mark.parametrize(
        ("path", "body", "expected"),
        [
            ("a", {"a": "x", "b": "x"}, {"a": "X", "b": "x"}),
            ("a.b", {"a": {"b": "x", "c": "x"}, "b": "x"}, {"a": {"b": "X", "c": "x"}, "b": "x"}),
            ("a.*.b", {"a": [{"b": "x"}, {"b": "y"}, 1]}, {"a": [{"b": "X"}, {"b": "Y"}, 1]}),
            ("a.*", {"a": ["x", 1, None, ["x"]]}, {"a": ["X", 1, None, ["x"]]}),
            ("*.b", {"a": {"b": "x"}, "c": {"b": "y"}}, {"a": {"b": "X"}, "c": {"b": "Y"}}),
        ],
    )
    def test_it_says_what_is_replaced(self, path: str, body: Any, expected: Any) -> None:
        assert self.shouted(path, body) == expected

    @pytest.mark.parametrize("body", [None, 1, "a", [], ["a"], {}, {"a": None}, {"a": [1]}, {"a": {"b": 1}}])
    def test_what_is_not_there_is_no_defect(self, body: Any) -> None:
        assert Place("a.b", "x").replace(body, lambda *_: "new") == 0
        assert Place("a.*.b", "x").replace(body, lambda *_: "new") == 0

    def test_it_counts_what_is_otherwise_now(self) -> None:
        body = {"a": ["x", "y", "Z"]}
        assert Place("a.*", "x").replace(body, lambda _, value: None if value == "y" else value.upper()) == 1


class TestInterfaces:
    def test_in_a_list_they_are_the_tops(self, desk: Callable[..., Desk]) -> None:
        own = interface(STRANGE, uuid(100), uuid(101))
        asked = desk(told({"interfaceAttachments": [IN_A, own]}))
        assert document(asked(f"GET {INTERFACES}")) == {"interfaceAttachments": [AT_TOP, own]}

    def test_one_is_found_by_the_tops_id(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        assert document(asked(f"GET {PORT_ROW}", port_id=PORT)) == {"interfaceAttachment": AT_TOP}
        assert asked.office.asked == [("a", "GET", f"/v2.1/servers/{ID}/os-interface/{PORT_IN_A}")]

    def test_one_that_the_site_made_has_the_same_id(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({"interfaceAttachment": interface(NET_IN_A, STRANGE, SUBNET_IN_A)}))
        shown = document(asked(f"GET {PORT_ROW}", port_id=STRANGE))
        assert shown == {"interfaceAttachment": interface(NET, STRANGE, SUBNET)}
        assert asked.office.asked == [("a", "GET", f"/v2.1/servers/{ID}/os-interface/{STRANGE}")]

    def test_looking_at_them_changes_nothing(self, desk: Callable[..., Desk], networks: Networks) -> None:
        asked = desk(told({"interfaceAttachments": [IN_A]}))
        asked(f"GET {INTERFACES}")
        asked(f"GET {PORT_ROW}", port_id=PORT)
        assert asked.followed == networks.prepared == []

    def test_while_the_database_is_away_ids_that_are_not_known_stay(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        networks.is_away = True
        asked = desk(told({"interfaceAttachments": [IN_A]}))
        assert document(asked(f"GET {INTERFACES}")) == {"interfaceAttachments": [IN_A]}


def at_top(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a security group as the top's Neutron shows it."""
    bare = {"id": GROUP, "name": "web", "project_id": "blue", "description": ""}
    return {**bare, "security_group_rules": list(rules), **fields}


def rule(number: int, **fields: Any) -> dict[str, Any]:
    """Return a rule as the top's Neutron shows it."""
    names = ("protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id")
    return {"id": uuid(number), "direction": "ingress", **dict.fromkeys(names), **fields}


class TestSecurityGroups:
    def test_of_a_server(self, desk: Callable[..., Desk]) -> None:
        def group(identifier: str) -> dict[str, Any]:
            rule = {"id": GROUP_IN_A, "parent_group_id": identifier, "group": {"name": GROUP_IN_A}}
            return {"id": identifier, "name": "web", "description": GROUP_IN_A, "rules": [rule, rule]}

        asked = desk(told({"security_groups": [group(GROUP_IN_A), group(STRANGE)]}))
        shown = document(asked("GET /os-security-groups"))
        assert shown == {"security_groups": [group(GROUP), group(STRANGE)]}

    @pytest.mark.parametrize(
        ("theirs", "shown"),
        [
            ("what an administrator of the site wrote", "what an administrator of the site wrote"),
            (f"tricircle:{GROUP}", "for the web"),
            (f"tricircle:{GROUP} and more", f"tricircle:{GROUP} and more"),
            (f"tricircle:{STRANGE}", "for the web"),
            ("", ""),
            (None, None),
        ],
    )
    def test_our_mark_in_a_description_is_not_shown(
        self, desk: Callable[..., Desk], networks: Networks, theirs: str | None, shown: str | None
    ) -> None:
        networks.groups[GROUP] = at_top(description="for the web")
        asked = desk(told({"security_groups": [{"id": GROUP_IN_A, "description": theirs}]}))
        (group,) = document(asked("GET /os-security-groups"))["security_groups"]
        assert group == {"id": GROUP, "description": shown, "rules": []}

    def test_our_mark_is_not_shown_where_the_top_knows_it_no_more(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({"security_groups": [{"id": STRANGE, "description": f"tricircle:{STRANGE}"}]}))
        (group,) = document(asked("GET /os-security-groups"))["security_groups"]
        assert group == {"id": STRANGE, "description": ""}

    def test_rules_are_the_tops_as_nova_tells_them(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        other, gone = uuid(7), uuid(8)
        networks.groups[other] = at_top(id=other, name="db", project_id="green")
        networks.groups[GROUP] = at_top(
            rule(1, protocol="tcp", port_range_min=80, port_range_max=81, remote_ip_prefix="10.0.0.0/8"),
            rule(2, protocol="tcp"),
            rule(3, protocol="icmp"),
            rule(4, remote_group_id=GROUP),
            rule(5, protocol="UDP", remote_group_id=other),
            rule(6, remote_group_id=gone),
            rule(7, direction="egress"),
        )
        for_members_elsewhere = {"id": uuid(50), "parent_group_id": GROUP_IN_A, "group": {}}
        theirs = {"id": GROUP_IN_A, "description": "x", "name": "web", "rules": [for_members_elsewhere]}
        asked = desk(told({"security_groups": [theirs]}))
        (group,) = document(asked("GET /os-security-groups"))["security_groups"]
        assert {each["parent_group_id"] for each in group["rules"]} == {GROUP}
        names = ("id", "ip_protocol", "from_port", "to_port", "group", "ip_range")
        assert [tuple(each[name] for name in names) for each in group["rules"]] == [
            (uuid(1), "tcp", 80, 81, {}, {"cidr": "10.0.0.0/8"}),
            (uuid(2), "tcp", 1, 65535, {}, {"cidr": "0.0.0.0/0"}),
            (uuid(3), "icmp", -1, -1, {}, {"cidr": "0.0.0.0/0"}),
            (uuid(4), None, None, None, {"name": "web", "tenant_id": "blue"}, {}),
            (uuid(5), "UDP", 1, 65535, {"name": "db", "tenant_id": "green"}, {}),
        ]

    def test_while_the_top_cannot_be_asked_there_is_none(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        networks.is_top_away = True
        asked = desk(told({"security_groups": [{"id": GROUP_IN_A, "description": f"tricircle:{GROUP}"}]}))
        (group,) = document(asked("GET /os-security-groups"))["security_groups"]
        assert group == {"id": GROUP, "description": ""}


OTHER_ID = uuid(200)
FAULT = {"code": 500, "created": "2026-01-01T00:00:00Z"}


class TestServers:
    def test_a_group_without_a_name_is_shown_by_the_tops_id(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({"server": server("web", GROUP_IN_A, STRANGE)}))
        assert document(asked("GET")) == {"server": server("web", GROUP, STRANGE)}

    @pytest.mark.parametrize("others", [[], [server(GROUP_IN_A, id=OTHER_ID)]])
    def test_in_a_list_each_sites_ids_are_its_own(self, compute: Opening, others: list[Any]) -> None:
        answer_of_b = {"b": told({"servers": others})} if others else {}
        office = compute(a=told({"servers": [server(GROUP_IN_A, "web")]}), **answer_of_b)
        Desk(office, Networks())
        for identifier, site in ((ID, A), (OTHER_ID, B)):
            office.index.routes.append(Route(identifier, "server", site.id, identifier, "blue", None))
        handler: Callable[[Call], Reply] = HANDLERS["GET", "/servers/detail"]  # type: ignore[assignment]
        shown = {
            each["id"]: each for each in document(handler(office.call("GET /servers/detail")))["servers"]
        }
        assert shown == {each["id"]: each for each in (server(GROUP, "web"), *others)}

    @pytest.mark.parametrize(
        ("words", "shown"),
        [
            ("No fixed IP addresses available for network: {}", NET),
            ("Network {} could not be found.", NET),
            ("networks. Value: [{{'uuid': '{}'}}]. Additional", NET),
            ("Value: {{'net_id': '{}'}}.", NET),
            ("Port {} is still in use.", PORT),
            ("Port id {} could not be found.", PORT),
            (f"Instance {ID} does not have a port with id {{}}", PORT),
            ("Failed to delete binding for port(s) {} on host x", PORT),
            ("vhostuser_sock_path not present in vif_details for vif {}", PORT),
            ("Port UUID {} is not there", PORT),
            (f"is not supported for instance {ID}. (Network ID is {{}})", NET),
            (f"Network {STRANGE}, {{}} could not be found.", NET),
            (f"Network {{}}, {STRANGE} could not be found.", NET),
            ("Security group {} not found.", GROUP),
            ("Security group {} not found for project blue.", GROUP),
            ("Unable to find security_group with name or id '{}'", GROUP),
            ("Invalid input for security_groups. Reason: Duplicate items in the list: '{}'.", GROUP),
            (f"security_groups. Reason: Duplicate items in the list: '{STRANGE}, {{}}'.", GROUP),
            ("Invalid input for tags. Reason: Duplicate items in the list: '{}'.", None),
            ("Unable to update port on subnet {} with failure", SUBNET),
            ("Network " + STRANGE + " and volume {}", None),
        ],
    )
    def test_why_one_is_broken_is_told_with_the_tops_ids(
        self, desk: Callable[..., Desk], words: str, shown: str | None
    ) -> None:
        theirs = {NET: NET_IN_A, PORT: PORT_IN_A, GROUP: GROUP_IN_A, SUBNET: SUBNET_IN_A, None: NET_IN_A}[
            shown
        ]
        fault = FAULT | {"message": words.format(theirs)}
        asked = desk(told({"server": server(fault=fault, status="ERROR")}))
        fault = FAULT | {"message": words.format(shown or theirs)}
        assert document(asked("GET")) == {"server": server(fault=fault, status="ERROR")}

    def test_of_several_ids_each_is_the_tops(self, desk: Callable[..., Desk]) -> None:
        words = "Failed to bind ports ['{}', '{}'] on networks {}, {}."
        theirs = words.format(PORT_IN_A, PORT_IN_A, NET_IN_A, NET_IN_A)
        asked = desk(told({"server": server(fault=FAULT | {"message": theirs})}))
        shown = document(asked("GET"))["server"]["fault"]["message"]
        assert shown == words.format(PORT, PORT, NET, NET)

    def test_a_new_one_shows_the_groups_that_were_asked_for(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({}))
        body = json.dumps({"server": {"id": ID, "security_groups": [{"name": GROUP_IN_A}]}}).encode()
        made = Reply(202, body, [(SITE_REQUEST_ID, "a req-1")])
        reply = ShowsServers(lambda _: made)(asked.office.call("POST /servers"))
        assert document(reply)["server"]["security_groups"] == [{"name": GROUP}]

    def test_why_none_was_made_is_told_with_the_tops_ids(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({}))
        words = "Fixed IP 10.0.0.3 is not a valid ip address for network {}."
        body = json.dumps({"badRequest": {"code": 400, "message": words.format(NET_IN_A)}}).encode()
        refused = Reply(400, body, [(SITE_REQUEST_ID, "a req-1")])
        reply = ShowsServers(lambda _: refused)(asked.office.call("POST /servers"))
        assert document(reply)["badRequest"]["message"] == words.format(NET)

    def test_an_id_that_the_client_has_named_by_itself_is_repeated(self, desk: Callable[..., Desk]) -> None:
        """Whose network it is, and what it is called at the top, is not told."""
        asked = desk(told({}))
        body = json.dumps({"badRequest": {"code": 400, "message": f"Network {NET_IN_A} not found."}}).encode()
        refused = Reply(400, body, [(SITE_REQUEST_ID, "a req-1")])
        wanted = {"server": {"networks": [{"uuid": NET_IN_A}]}}
        reply = ShowsServers(lambda _: refused)(asked.office.call("POST /servers", wanted))
        assert reply.body == body

    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_what_can_hold_none_is_passed_as_it_came(
        self, desk: Callable[..., Desk], networks: Networks, method: str
    ) -> None:
        asked = desk(told({"server": {"id": ID, "security_groups": [{"name": "web"}]}}))
        asked(method, {"server": {}} if method == "PUT" else None)
        assert networks.looked_up == 0

    def test_what_an_action_died_of_is_told_with_the_tops_ids(self, desk: Callable[..., Desk]) -> None:
        def action(net: str) -> dict[str, Any]:
            events = [{"event": "x", "details": f"Network {net} could not be found."}, {"event": "y"}]
            return {"instanceAction": {"action": "create", "message": None, "events": events}}

        asked = desk(told(action(NET_IN_A)))
        row = "/os-instance-actions/{request_id}"
        assert document(asked(f"GET {row}", request_id="req-1")) == action(NET)
