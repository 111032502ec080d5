"""Ids of networks, subnets, security groups and ports in what clients ask for: each site is told its own."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.gateway.compute.desk import (
    ACTION,
    ADOPT,
    AT_TOP,
    GROUP,
    GROUP_IN_A,
    ID,
    IN_A,
    INTERFACES,
    NET,
    NET_IN_A,
    OTHER_NET,
    OTHER_NET_IN_A,
    PORT,
    PORT_IN_A,
    PORT_ROW,
    PREPARED_FOR,
    ROW,
    STRANGE,
    Desk,
    Networks,
    server,
    told,
)
from tests.unit.gateway.office import A, document
from tests.unit.sites.wire import Outcome, json_answer

from tricircle.errors import BadRequest, DatabaseUnavailable, SiteUnavailable
from tricircle.routing.route import Route
from tricircle.sites.transport import NoAnswer
from tricircle.sites.transport import Request as Sent


class TestAttach:
    def test_a_network(self, desk: Callable[..., Desk], networks: Networks) -> None:
        asked = desk(told({"interfaceAttachment": IN_A}))
        wanted = {"net_id": NET, "fixed_ips": [{"ip_address": "10.0.0.3"}], "tag": NET}
        reply = asked(f"POST {INTERFACES}", {"interfaceAttachment": wanted})
        assert asked.sent == {"interfaceAttachment": wanted | {"net_id": NET_IN_A}}
        assert document(reply) == {"interfaceAttachment": AT_TOP}
        assert networks.prepared == [
            ("a", [NET], ["default"], PREPARED_FOR | {"addresses": [(NET, "10.0.0.3")]})
        ]
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

    def test_an_administrator_is_given_what_the_servers_project_has(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        networks.owner, networks.owned = "green", [OTHER_NET]
        asked = desk(told({"interfaceAttachment": IN_A}))
        asked.office.index.routes.append(Route(ID, "server", A.id, ID, "green", None))
        asked(f"POST {INTERFACES}", {"interfaceAttachment": {}})
        assert asked.sent == {"interfaceAttachment": {"net_id": OTHER_NET_IN_A}}
        asked(f"POST {INTERFACES}", {"interfaceAttachment": {"port_id": PORT}})
        green = PREPARED_FOR | {"project_id": "green"}
        assert networks.prepared == [
            ("a", [OTHER_NET], ["default"], green),
            ("a", [], [], green | {"ports": [PORT]}),
        ]
        jobs = [*asked.office.desk.intents, *asked.office.desk.requests]
        assert {job.project_id for job in jobs} == {"green"}

    def test_an_administrator_names_security_groups_of_the_own_project(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        asked = desk(json_answer(b"", 202))
        asked.office.index.routes.append(Route(ID, "server", A.id, ID, "green", None))
        asked(ACTION, {"addSecurityGroup": {"name": "web"}})
        assert networks.prepared == [("a", [], ["web"], PREPARED_FOR)]

    @pytest.mark.parametrize("owned", [[NET], [NET, OTHER_NET]])
    def test_for_an_address_the_network_must_be_named(
        self, desk: Callable[..., Desk], networks: Networks, owned: list[str]
    ) -> None:
        networks.owned = owned
        refusal = {"badRequest": {"code": 400, "message": "Must input network_id when request IP address"}}
        asked = desk(told(refusal, 400))
        wanted = {"interfaceAttachment": {"fixed_ips": [{"ip_address": "10.0.0.3"}]}}
        assert document(asked(f"POST {INTERFACES}", wanted)) == refusal
        assert asked.sent == wanted
        assert networks.prepared == []

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
        def answer(_: Sent) -> Outcome:
            asked.office.desk.is_away = True
            return told({"interfaceAttachment": IN_A})

        asked = desk(answer)
        reply = asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}})
        assert (reply.status, document(reply)) == (200, {"interfaceAttachment": AT_TOP})
        assert asked.followed == []


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

    def test_a_group_that_the_server_has_already_is_named_as_the_top_does(
        self, desk: Callable[..., Desk]
    ) -> None:
        words = "Invalid input for security_groups. Reason: Duplicate items in the list: '{}'."
        asked = desk(told({"badRequest": {"code": 400, "message": words.format(GROUP_IN_A)}}, 400))
        reply = asked(ACTION, {"addSecurityGroup": {"name": "web"}})
        assert document(reply)["badRequest"]["message"] == words.format(GROUP)

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

    def test_a_lost_answer_is_told_as_ever_and_followed(self, desk: Callable[..., Desk]) -> None:
        asked = desk(NoAnswer("x"))
        with pytest.raises(Exception, match="answer"):
            asked(ACTION, {"addSecurityGroup": {"name": GROUP}})
        assert asked.followed == [ADOPT]


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
