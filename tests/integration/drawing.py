"""What a user makes at the top's Neutron, how servers are asked for on it, and what sites have of it."""

import uuid
from ipaddress import ip_address, ip_network
from typing import Any

from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import eventually

Document = dict[str, Any]

_NAMELESS = frozenset({"security_group_rule", "rbac_policy"})


class Drawing:
    """Networks and security groups of one user at the top, made for a while."""

    def __init__(self, owner: Client, sites: list[SiteAdmin]) -> None:
        self.neutron: Any = owner.connection.network
        self.sites = sites
        self._made: list[tuple[str, str]] = []

    def network(self, cidr: str = "10.42.0.0/24", **more: Any) -> Document:
        """Make a network with a subnet."""
        network = self.make("networks", "network", **more)
        self.subnet(network, cidr)
        return network

    def subnet(self, network: Document, cidr: str, **more: Any) -> Document:
        """Make a subnet."""
        version = ip_network(cidr).version
        return self.make("subnets", "subnet", network_id=network["id"], ip_version=version, cidr=cidr, **more)

    def port(self, network: Document, **more: Any) -> Document:
        """Make a port."""
        return self.make("ports", "port", network_id=network["id"], **more)

    def change(self, collection: str, made: Document, **fields: Any) -> Document:
        """Change fields of something; return how it is then."""
        member = collection.removesuffix("s").replace("-", "_")
        answer = self.neutron.put(f"/{collection}/{made['id']}", json={member: fields})
        assert answer.status_code == 200, answer.text
        changed: Document = answer.json()[member]
        return changed

    def tag(self, collection: str, made: Document, *tags: str) -> None:
        """Have something bear tags and no others."""
        answer = self.neutron.put(f"/{collection}/{made['id']}/tags", json={"tags": tags})
        assert answer.status_code == 200, answer.text

    def shown(self, collection: str, made: Document) -> Document:
        """Return how something is now."""
        answer = self.neutron.get(f"/{collection}/{made['id']}")
        assert answer.status_code == 200, answer.text
        (shown,) = answer.json().values()
        found: Document = shown
        return found

    def make(self, collection: str, member: str, **fields: Any) -> Document:
        """Make something."""
        body = {member: {"name": f"{member}-{uuid.uuid4().hex[:8]}", **fields}}
        if member in _NAMELESS:
            del body[member]["name"]
        answer = self.neutron.post(f"/{collection}", json=body)
        assert answer.status_code == 201, answer.text
        made: Document = answer.json()[member]
        self._made.append((collection, made["id"]))
        return made

    def share(self, kind: str, made: Document, owner: Client) -> Document:
        """Share something with the project of somebody; return the policy."""
        return self.make(
            "rbac-policies",
            "rbac_policy",
            object_type=kind,
            object_id=made["id"],
            action="access_as_shared",
            target_tenant=owner.project_id,
        )

    def delete(self, collection: str, made: Document) -> None:
        """Delete something that may be gone already."""
        answer = self.neutron.delete(f"/{collection}/{made['id']}")
        assert answer.status_code in {204, 404}, answer.text

    def put_away(self) -> None:
        """Delete all of it, and see it gone from each site."""
        # A port goes from the top a moment after its server. What can go does, whatever else stays.
        eventually(lambda: not self._delete_all(), f"deleted at the top: {self._made}")
        for site in self.sites:
            for collection, identifier in self._made:
                if collection not in {"security-group-rules", "rbac-policies"}:
                    eventually(
                        lambda site=site, of=collection, its=identifier: not marked(site, of, its),
                        f"{collection} {identifier} gone from {site.site.name}",
                    )

    def _delete_all(self) -> list[tuple[str, str]]:
        """Delete what there still is; return what could not be deleted."""
        return [
            (collection, identifier)
            for collection, identifier in reversed(self._made)
            if self.neutron.delete(f"/{collection}/{identifier}").status_code not in {204, 404}
        ]

    def ports(self, **filters: str) -> list[Document]:
        """Return ports as the user sees them at the top."""
        ports: list[Document] = self.neutron.get("/ports", params=filters).json()["ports"]
        return ports


def marked(site: SiteAdmin, collection: str, identifier: str) -> list[Document]:
    """Return what a site has for something of the top."""
    marks = [f"tricircle:{identifier}"]
    if collection == "subnets":
        marks.append(f"{marks[0]}.")
    query = {"description": marks}
    answer = site.connection.network.get(f"/{collection}", params=query)
    assert answer.status_code == 200, answer.text
    found: list[Document] = answer.json()[collection.rpartition("/")[2].replace("-", "_")]
    return found


def on(network: Document) -> list[Document]:
    """Return what a server that is to be on a network is made with."""
    return [{"uuid": network["id"]}]


def adopted(drawing: Drawing, server: Any) -> Document:
    """Wait for the one port of a server to be at the top, and ACTIVE."""

    def look() -> Document | None:
        ports = drawing.ports(device_id=server.id)
        return ports[0] if len(ports) == 1 and ports[0]["status"] == "ACTIVE" else None

    return eventually(look, f"the port of {server.name} at the top")


def pools(site: SiteAdmin, network: Document) -> list[tuple[Any, Any]]:
    """Return the first and last addresses that a site hands out."""
    (there,) = marked(site, "networks", network["id"])
    found = site.connection.network.get("/subnets", params={"network_id": there["id"]}).json()["subnets"]
    return [
        (ip_address(pool["start"]), ip_address(pool["end"]))
        for subnet in found
        for pool in subnet["allocation_pools"]
    ]


def boot_body(owner: Client, name: str, zone: str, networks: Any, **more: Any) -> Document:
    """Return the body of a request for servers.

    :param networks: as Nova's API has them; None to say nothing of any.
    """
    facts = owner.facts
    wanted = {"name": name, "flavorRef": facts["flavor_ids"][0], "imageRef": facts["image_id"]}
    if networks is not None:
        wanted["networks"] = networks
    return {"server": wanted | {"availability_zone": zone} | more}


def shares(site: SiteAdmin, there: Document) -> list[Document]:
    """Return the policies that share a network of a site."""
    found = site.connection.network.get("/rbac-policies", params={"object_id": there["id"]})
    policies: list[Document] = found.json()["rbac_policies"]
    return policies
