"""A server whose site is asked about it, and the networks of the top beside it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.gateway.office import GLOBAL_ID, A, Office, says
from tests.unit.gateway.walker import HANDLERS

from tricircle.errors import DatabaseUnavailable, SiteUnavailable
from tricircle.gateway.call import Call, Reply
from tricircle.realise.definition import Definition, DefinitionState, Known, Realisation
from tricircle.sites.site import Site

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
    owner: str = "blue"
    """The project whose networks they are."""
    prepared: list[tuple[str, list[str], list[str], dict[str, Any]]] = field(default_factory=list)
    behind: set[str] = field(default_factory=set)
    """What the site has only as far as Nova needs it."""
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
        assert (project_id, token, request_id) == (self.owner, "user", GLOBAL_ID)
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
        realised = Realisation(site.id, self.ids[kind, key], 0 if key in self.behind else 1, None)
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
        office.engine.replicas.networks = networks
        office.index.sites["server", ID] = A

    def __call__(self, line: str, body: object = None, **more: Any) -> Reply:
        """Ask. The line is a method and what stands behind the server's path, parameters with their names."""
        method, _, tail = line.partition(" ")
        row = more.pop("row", ROW + tail)
        for name, value in more.items():
            tail = tail.replace(f"{{{name}}}", value)
        call = self.office.call(f"{method} /servers/{ID}{tail}", body, row=row, server_id=ID, **more)
        handler: Callable[[Call], Reply] = HANDLERS[method, row]
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

ACTION = "POST /action"


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
