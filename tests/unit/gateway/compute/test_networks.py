"""Ids of networks, subnets, security groups and ports in bodies: the top's for clients, else the site's."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.gateway.office import GLOBAL_ID, A, B, Office, Opening, document, says
from tests.unit.gateway.walker import HANDLERS
from tests.unit.sites.wire import json_answer

from tricircle.errors import BadRequest, DatabaseUnavailable, SiteUnavailable
from tricircle.gateway.answers import SITE_REQUEST_ID
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.compute.networks import ShowsServers
from tricircle.gateway.compute.places import Place
from tricircle.realise.definition import Definition, DefinitionState, Known, Realisation
from tricircle.routing.route import Route
from tricircle.sites.site import Site
from tricircle.sites.transport import NoAnswer

ID = "9168b536-cd40-4630-b43f-b259807c6e87"
ROW = "/servers/{server_id}"


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


NET, SUBNET, GROUP, PORT = uuid(1), uuid(2), uuid(3), uuid(4)
"""What the top calls them."""
OTHER_NET = uuid(5)
"""A network of the top that no site has."""
NET_IN_A, SUBNET_IN_A, GROUP_IN_A, PORT_IN_A, OTHER_NET_IN_A = (uuid(16 + number) for number in range(1, 6))
STRANGE = uuid(99)
"""What only the site knows."""


@dataclass
class Networks:
    """Stands in for the networks of the top: what site `a` calls what it has, and what else is at the top."""

    is_there: bool = True
    is_away: bool = False
    """Whether the database cannot be reached."""
    ids: dict[tuple[str, str], str] = field(
        default_factory=lambda: {
            ("network", NET): NET_IN_A,
            ("subnet", SUBNET): SUBNET_IN_A,
            ("security_group", GROUP): GROUP_IN_A,
            ("port", PORT): PORT_IN_A,
        }
    )
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Security groups at the top that the user may see; what is not here is not found."""
    is_top_away: bool = False
    owned: list[str] = field(default_factory=list)
    prepared: list[tuple[str, list[str], list[str], dict[str, Any]]] = field(default_factory=list)
    looked_up: int = 0

    def in_site(self, kind: str, top_id: str, site_id: str) -> str | None:
        self._look()
        return self.ids.get((kind, top_id)) if site_id == A.id else None

    def at_top(self, kind: str, site_id: str, site_resource_id: str) -> str | None:
        self._look()
        found = (
            key for (known, key), value in self.ids.items() if (known, value) == (kind, site_resource_id)
        )
        return next(found, None) if site_id == A.id else None

    @property
    def top(self) -> "Networks":
        return self

    def show(self, kind: str, key: str, *, token: str, request_id: str) -> dict[str, Any] | None:
        assert (kind, token, request_id) == ("security_group", "user", GLOBAL_ID)
        if self.is_top_away:
            raise SiteUnavailable("The network service cannot be reached.", site="Central")
        return self.groups.get(key)

    def own(self, project_id: str, token: str, *, request_id: str) -> list[str]:
        assert (project_id, token, request_id) == ("blue", "user", GLOBAL_ID)
        return self.owned

    def prepare(self, site: Site, networks: list[str], groups: list[str], **more: Any) -> list[Known]:
        self.prepared.append((site.name, networks, groups, more))
        if self.is_away:
            raise DatabaseUnavailable("The database cannot be reached.")
        self.ids["network", OTHER_NET] = OTHER_NET_IN_A
        asked = [("network", networks), ("security_group", groups), ("port", more["ports"])]
        keys = [(kind, key) for kind, keys in asked for key in keys if (kind, key) in self.ids]
        return [self._known(*key, site) for key in keys]

    def _known(self, kind: str, key: str, site: Site) -> Known:
        realised = Realisation(site.id, self.ids[kind, key], 1, None)
        definition = Definition(key, kind, key, "", "blue", {}, 1, DefinitionState.ACTIVE, None)
        return Known(definition, {site.id: realised})

    def _look(self) -> None:
        self.looked_up += 1
        if self.is_away:
            raise DatabaseUnavailable("The database cannot be reached.")


PREPARED_FOR = {
    "project_id": "blue",
    "token": "user",
    "count": 1,
    "request_id": GLOBAL_ID,
    "ports": [],
    "addresses": [],
}


class Desk:
    """One server of site `a`, and what is asked about it."""

    def __init__(self, office: Office, networks: Networks) -> None:
        self.office = office
        self.networks = networks
        office.engine.replicas.networks = networks  # type: ignore[misc,assignment]
        office.index.sites["server", ID] = A

    def __call__(self, line: str, body: object = None, **more: Any) -> Reply:
        """Ask. The line is a method and what stands behind the server's path, parameters with their names."""
        method, _, tail = line.partition(" ")
        row = more.pop("row", ROW + tail)
        for name, value in more.items():
            tail = tail.replace(f"{{{name}}}", value)
        call = self.office.call(f"{method} /servers/{ID}{tail}", body, row=row, server_id=ID, **more)
        handler: Callable[[Call], Reply] = HANDLERS[method, row]  # type: ignore[assignment]
        return handler(call)

    @property
    def sent(self) -> Any:
        """What the site got, parsed."""
        return json.loads(self.office.wire.requests[-1].body or b"null")

    @property
    def followed(self) -> list[tuple[str, str, str, str | None]]:
        """The jobs that were asked for."""
        requests = self.office.desk.requests
        return [(each.type, each.resource_type, each.resource_id, each.site_id) for each in requests]


def told(thing: object, status: int = 200) -> Any:
    """Make a site's answer, with the id that Nova gives every request."""
    return says(thing, status, x_openstack_request_id="req-1")


ADOPT = ("adopt", "server", ID, A.id)


@pytest.fixture
def networks() -> Networks:
    return Networks()


@pytest.fixture
def desk(compute: Opening, networks: Networks) -> Callable[..., Desk]:
    return lambda answer: Desk(compute(a=answer), networks)


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


def interface(net: str, port: str, subnet: str) -> dict[str, Any]:
    return {
        "net_id": net,
        "port_id": port,
        "mac_addr": "fa:16:3e:00:00:01",
        "port_state": "ACTIVE",
        "fixed_ips": [{"ip_address": "10.0.0.3", "subnet_id": subnet}],
        "tag": NET_IN_A,
    }


IN_A = interface(NET_IN_A, PORT_IN_A, SUBNET_IN_A)
AT_TOP = interface(NET, PORT, SUBNET)
INTERFACES = "/os-interface"
PORT_ROW = "/os-interface/{port_id}"


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


class TestAttach:
    def test_a_network(self, desk: Callable[..., Desk], networks: Networks) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        wanted = {"net_id": NET, "fixed_ips": [{"ip_address": "10.0.0.3"}], "tag": NET}
        reply = asked(f"POST {INTERFACES}", {"interfaceAttachment": wanted})
        assert asked.sent == {"interfaceAttachment": wanted | {"net_id": NET_IN_A}}
        assert document(reply) == {"interfaceAttachment": AT_TOP}
        assert networks.prepared == [("a", [NET], [], PREPARED_FOR | {"addresses": [(NET, "10.0.0.3")]})]
        assert asked.followed == [ADOPT]

    def test_a_network_that_the_site_has_not_got_is_made_there_before(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": OTHER_NET}})
        assert asked.sent == {"interfaceAttachment": {"net_id": OTHER_NET_IN_A}}

    def test_a_network_that_only_the_site_knows_is_left_to_it(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": STRANGE}})
        assert asked.sent == {"interfaceAttachment": {"net_id": STRANGE}}

    def test_a_port(self, desk: Callable[..., Desk], networks: Networks) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        asked(f"POST {INTERFACES}", {"interfaceAttachment": {"port_id": PORT}})
        assert asked.sent == {"interfaceAttachment": {"port_id": PORT_IN_A}}
        assert networks.prepared == [("a", [], [], PREPARED_FOR | {"ports": [PORT]})]

    @pytest.mark.parametrize("body", [{"interfaceAttachment": {}}, {}])
    def test_without_either_the_projects_only_network_is_meant(
        self, desk: Callable[..., Desk], networks: Networks, body: Any
    ) -> None:
        networks.owned = [OTHER_NET]
        asked = desk(told({"interfaceAttachment": IN_A}))
        asked(f"POST {INTERFACES}", body)
        assert asked.sent == {"interfaceAttachment": {"net_id": OTHER_NET_IN_A}}

    def test_of_several_networks_one_must_be_named(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        networks.owned = [NET, OTHER_NET]
        asked = desk(told({"interfaceAttachment": IN_A}))
        with pytest.raises(BadRequest, match="Multiple possible networks found"):
            asked(f"POST {INTERFACES}", {"interfaceAttachment": {}})
        assert asked.office.asked == []

    @pytest.mark.parametrize(
        "body",
        [b"{not json", b"", b"[]", b'"x"', b'{"interfaceAttachment": null}', b'{"interfaceAttachment": [1]}',
         b'{"interfaceAttachment": {"net_id": 7} }', b'{"interfaceAttachment": {"net_id": "x"} }',
         b'{"interfaceAttachment": {"fixed_ips": [{"ip_address": "10.0.0.1"}]} }'],
    )  # fmt: skip
    def test_what_makes_no_sense_goes_on_as_it_came(
        self, desk: Callable[..., Desk], networks: Networks, body: bytes
    ) -> None:
        asked = desk(told({"badRequest": {"code": 400, "message": "no"}}, 400))
        assert asked(f"POST {INTERFACES}", body).status == 400
        assert (asked.office.wire.requests[-1].body or b"") == body
        assert asked.followed == networks.prepared == []

    def test_a_refusal_speaks_of_the_tops_network(self, desk: Callable[..., Desk]) -> None:
        refusal = {"code": 400, "message": f"Network {NET_IN_A} requires a subnet in order to boot on."}
        asked = desk(told({"badRequest": refusal}, 400))
        reply = asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}})
        assert document(reply)["badRequest"] == refusal | {
            "message": refusal["message"].replace(NET_IN_A, NET)
        }
        assert asked.followed == []

    def test_nothing_is_sent_while_the_database_is_away(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        networks.is_away = True
        asked = desk(told({"interfaceAttachment": IN_A}))
        with pytest.raises(DatabaseUnavailable):
            asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}})
        assert asked.office.asked == []

    def test_what_the_site_has_done_is_told_though_nobody_can_be_asked_to_follow(
        self, desk: Callable[..., Desk]
    ) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        asked.office.desk.is_away = True
        reply = asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}})
        assert (reply.status, document(reply)) == (200, {"interfaceAttachment": AT_TOP})


class TestDetach:
    def test_by_the_tops_id(self, desk: Callable[..., Desk]) -> None:
        asked = desk(json_answer(b"", 202))
        assert asked(f"DELETE {PORT_ROW}", port_id=PORT).status == 202
        assert asked.office.asked == [("a", "DELETE", f"/v2.1/servers/{ID}/os-interface/{PORT_IN_A}")]
        assert asked.followed == [ADOPT]

    def test_a_refusal_is_not_followed_and_speaks_of_the_tops_port(self, desk: Callable[..., Desk]) -> None:
        words = {"code": 404, "message": f"Port id {PORT_IN_A} could not be found."}
        asked = desk(told({"itemNotFound": words}, 404))
        reply = asked(f"DELETE {PORT_ROW}", port_id=PORT)
        assert document(reply)["itemNotFound"]["message"] == f"Port id {PORT} could not be found."
        assert asked.followed == []


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


ACTION = "POST /action"


class TestActions:
    @pytest.mark.parametrize("action", ["addSecurityGroup", "removeSecurityGroup"])
    @pytest.mark.parametrize(("named", "sent"), [(GROUP, GROUP_IN_A), ("web", "web"), (STRANGE, STRANGE)])
    def test_a_security_group_is_named_or_has_the_sites_id(
        self, desk: Callable[..., Desk], action: str, named: str, sent: str
    ) -> None:
        asked = desk(json_answer(b"", 202))
        asked(ACTION, {action: {"name": named}})
        assert asked.sent == {action: {"name": sent}}
        assert asked.followed == [ADOPT]

    def test_a_group_that_is_added_is_in_the_site_before(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        asked = desk(json_answer(b"", 202))
        asked(ACTION, {"addSecurityGroup": {"name": "web"}})
        assert networks.prepared == [("a", [], ["web"], PREPARED_FOR)]
        asked(ACTION, {"removeSecurityGroup": {"name": "web"}})
        assert len(networks.prepared) == 1

    def test_an_address_more_on_a_network(self, desk: Callable[..., Desk], networks: Networks) -> None:
        asked = desk(json_answer(b"", 202))
        asked(ACTION, {"addFixedIp": {"networkId": NET}})
        assert asked.sent == {"addFixedIp": {"networkId": NET_IN_A}}
        assert networks.prepared == [("a", [NET], [], PREPARED_FOR)]
        assert asked.followed == [ADOPT]

    def test_an_address_less(self, desk: Callable[..., Desk]) -> None:
        asked = desk(json_answer(b"", 202))
        asked(ACTION, b'{"removeFixedIp": {"address": "10.0.0.3"} }')
        assert asked.office.wire.requests[-1].body == b'{"removeFixedIp": {"address": "10.0.0.3"} }'
        assert asked.followed == [ADOPT]

    @pytest.mark.parametrize(
        "body",
        [
            b'{"addFloatingIp": {"address": "10.0.0.3"} }',
            b'{"reboot" : {"type": "SOFT", "net_id": "%s"} }' % NET.encode(),
            b'{"createImage": {"name": "addFixedIp", "metadata": {"networkId": "%s"} } }' % NET.encode(),
            b'{"rebuild": {"metadata": {"addSecurityGroup": "%s"} } }' % GROUP.encode(),
            b'{"rebuild": {"user_data": "%s", "name": "%s"} }' % (NET.encode(), GROUP.encode()),
        ],
    )
    def test_what_users_write_goes_on_as_it_came(
        self, desk: Callable[..., Desk], networks: Networks, body: bytes
    ) -> None:
        asked = desk(json_answer(b"", 202))
        asked(ACTION, body)
        assert asked.office.wire.requests[-1].body == body
        assert networks.prepared == []

    def test_no_other_action_is_looked_into_or_followed(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        asked = desk(json_answer(b"", 202))
        asked(ACTION, b'{"reboot": {"type": "HARD"} }')
        assert (networks.looked_up, asked.followed) == (0, [])

    def test_a_lost_answer_is_told_as_ever(self, desk: Callable[..., Desk]) -> None:
        asked = desk(NoAnswer("x"))
        with pytest.raises(Exception, match="answer"):
            asked(ACTION, {"addSecurityGroup": {"name": GROUP}})
        assert asked.followed == []


def server(*groups: str, **more: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "name": GROUP_IN_A,
        "security_groups": [{"name": group} for group in groups],
        "metadata": {"name": GROUP_IN_A, "net_id": NET_IN_A, "words": f"network {NET_IN_A}"},
        "addresses": {NET_IN_A: [{"addr": "10.0.0.3"}]},
        "OS-EXT-SRV-ATTR:user_data": f"network {NET_IN_A}",
        **more,
    }


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
            ("Security group {} not found.", GROUP),
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


class TestWithoutANetworkService:
    @pytest.mark.parametrize(
        ("line", "body", "answer"),
        [
            (f"GET {INTERFACES}", None, {"interfaceAttachments": [IN_A]}),
            (f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}}, {"interfaceAttachment": IN_A}),
            (f"POST {INTERFACES}", {"interfaceAttachment": {}}, {"interfaceAttachment": IN_A}),
            (f"DELETE {INTERFACES}/{PORT}", None, {}),
            ("GET /os-security-groups", None, {"security_groups": [{"id": GROUP_IN_A}]}),
            (ACTION, {"addSecurityGroup": {"name": GROUP}}, {}),
            ("GET", None, {"server": server(GROUP_IN_A)}),
        ],
    )
    def test_everything_is_left_to_the_site(
        self, desk: Callable[..., Desk], networks: Networks, line: str, body: Any, answer: Any
    ) -> None:
        networks.is_there, networks.owned = False, [NET]
        asked = desk(told(answer))
        more = {"row": ROW + PORT_ROW, "port_id": PORT} if line.startswith("DELETE") else {}
        assert document(asked(line, body, **more)) == answer
        if body is not None:
            assert asked.sent == body
        assert asked.followed == networks.prepared == []
        assert networks.looked_up == 0


def test_a_site_that_is_away_is_told_as_ever(desk: Callable[..., Desk], networks: Networks) -> None:
    def refused(*_: object, **__: object) -> None:
        raise SiteUnavailable("Site a cannot be reached.", site="a")

    networks.prepare = refused  # type: ignore[method-assign]
    asked = desk(told({}))
    with pytest.raises(SiteUnavailable):
        asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}})
    assert asked.followed == []
