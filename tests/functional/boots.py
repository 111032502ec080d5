"""Boots of servers on networks of the top."""

from typing import Any

from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.api import Api
from tests.functional.gateway import Reply


def boot(servers: Api, *networks: Document, zone: str | None = "az1", **fields: Any) -> Reply:
    """Boot a server on networks.

    :param zone: None leaves it to the top.
    """
    wanted = [{"uuid": network["id"]} for network in networks]
    where = {} if zone is None else {"availability_zone": zone}
    return servers.create(networks=wanted, **where, **fields)


def ports_of(site: Site, server_id: str) -> list[Document]:
    """Return the ports of a server."""
    return [port for port in site.network.ports.values() if port["device_id"] == server_id]
