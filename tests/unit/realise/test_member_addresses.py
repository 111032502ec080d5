"""Which addresses of members of a security group a site is told of."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.unit.sites.register import Register
from tests.unit.sites.wire import StandInUser, Wire, endpoints_of, json_answer, site

from tricircle.realise.member_addresses import MemberAddresses
from tricircle.realise.top_network import TopNetwork
from tricircle.sites.client import SiteClient
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.transport import Answer, Request

A, B = site("a"), site("b")

Item = dict[str, Any]


class Ports:
    """Stands in for the ports of the top."""

    def __init__(self, *ports: Item) -> None:
        self.ports = ports

    def walk(self, kind: str, fields: Sequence[str], **filters: str) -> Iterator[Item]:
        assert (kind, filters) == ("port", {"security_groups": "group"})
        return ({name: port[name] for name in fields if name in port} for port in self.ports)


def port(host: str, *addresses: str, pairs: Sequence[str] = ()) -> Item:
    return {
        "id": f"port with {addresses}",
        "binding:host_id": host,
        "fixed_ips": [{"subnet_id": "subnet", "ip_address": each} for each in addresses],
        "allowed_address_pairs": [{"ip_address": each, "mac_address": "fa:16:3e:0:0:1"} for each in pairs],
    }


def elsewhere(*ports: Item) -> list[str]:
    top: Any = Ports(*ports)
    register: Any = Register([A, B])
    return MemberAddresses(top, register).elsewhere("group", A)


def test_those_of_other_sites_count_in_both_versions() -> None:
    there = elsewhere(port("b", "10.0.0.2", "2001:db8::2"), port("c", "10.0.0.3"))
    assert there == ["10.0.0.2/32", "10.0.0.3/32", "2001:db8::2/128"]


def test_those_of_the_site_itself_and_of_no_site_do_not_count() -> None:
    assert elsewhere(port("a", "10.0.0.2"), port("", "10.0.0.3")) == []


def test_address_pairs_count_also_of_many_addresses() -> None:
    pairs = ["10.1.0.7/16", "10.0.0.2", "2001:db8:1::5/64"]
    there = elsewhere(port("b", "10.0.0.2", pairs=pairs))
    assert there == ["10.0.0.2/32", "10.1.0.0/16", "2001:db8:1::/64"]


def test_a_port_without_the_extension_for_pairs_counts() -> None:
    plain = port("b", "10.0.0.2")
    del plain["allowed_address_pairs"]
    assert elsewhere(plain) == ["10.0.0.2/32"]


def test_all_pages_are_read(conf: Any) -> None:
    first = b'{"ports": [{"id": "1"}, {"id": "2"}], "ports_links": [{"rel": "next", "href": "x"}]}'
    last = b'{"ports": [{"id": "3"}]}'

    def answer(request: Request) -> Answer:
        assert "security_groups=group" in request.url
        return json_answer(last if "marker=2" in request.url else first)

    wire = Wire({"http://top.internal/network": answer})
    user: Any = StandInUser(endpoints_of("top", service_type="network"))
    client = SiteClient(Endpoints(user, conf), user, HealthBoard(conf), wire, conf)
    top = TopNetwork(client, ServiceCalls(client, user), "region-top")
    found = [item["id"] for item in top.walk("port", ["fixed_ips"], security_groups="group")]
    assert found == ["1", "2", "3"]
    assert len(wire.requests) == 2


@pytest.mark.parametrize("pair", ["0.0.0.0/0", "::/0"])
def test_a_pair_of_all_addresses_lets_in_all(pair: str) -> None:
    assert elsewhere(port("b", pairs=[pair])) == [pair]
