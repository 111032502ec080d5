"""One case's network with subnets, group and QoS policy: at the real top, and needed in the second site."""

from typing import Any

import sqlalchemy as sa
from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.order import Arranged

from tricircle.jobs.types import FOLLOW, REPLICATE, ReplicateParameters
from tricircle.realise.definition import Definition, DefinitionState
from tricircle.realise.kinds import NEUTRON_KINDS
from tricircle.realise.top_definitions import Shown, with_parts
from tricircle.sites.site import Site

Item = dict[str, Any]


class SpanningGround:
    """A network that has one subnet of each IP version, and a policy."""

    def __init__(self, case: Arrangement) -> None:
        self.case = case
        self._top: Site = case.engine.networks.top.site
        policy = self._make("qos/policies", "policy", {})
        self._made("qos_policy", policy)
        self._call(
            "POST",
            f"/v2.0/qos/policies/{policy['id']}/dscp_marking_rules",
            {"dscp_marking_rule": {"dscp_mark": 26}},
        )
        network = self._make("networks", "network", {"qos_policy_id": policy["id"]})
        self.network_id = self._made("network", network)
        self.policy_id: str = policy["id"]
        self.add_subnet("10.9.0.0/24", 4)
        self.add_subnet("2001:db8:9::/64", 6, ipv6_address_mode="slaac", ipv6_ra_mode="slaac")
        self.define()

    # -- at the top ------------------------------------------------------------------------------------------

    def add_subnet(self, cidr: str, version: int, **fields: str) -> None:
        """Give the network one more subnet."""
        wanted = {"network_id": self.network_id, "cidr": cidr, "ip_version": version, **fields}
        self._made("subnet", self._make("subnets", "subnet", wanted))

    def rename(self) -> None:
        """Give the network another name."""
        self._call("PUT", f"/v2.0/networks/{self.network_id}", {"network": {"name": f"{self.case.mark}-new"}})

    def delete(self) -> None:
        """Delete the network."""
        self._call("DELETE", f"/v2.0/networks/{self.network_id}", None)

    # -- in the case's top -----------------------------------------------------------------------------------

    def define(self) -> None:
        """Define all as it is at the top, and have the second site need it."""
        for kind, item in self._shown():
            self._define(kind, item)

    def realise(self, kind: str = "network") -> None:
        """Have the second site have it, with what it needs."""
        replicas = self.case.engine.replicas
        replicas.realiser.realise(self._definition(kind).id, self.case.second)
        for _, key, _, known_as in replicas.store.realised.names(NEUTRON_KINDS):
            self.case.names[known_as] = f"{self.case.names[key]} in the second site"

    def leave(self) -> None:
        """Have the second site need it no more."""
        realised, network = self.case.engine.replicas.store.realised, self._definition("network")
        site_id = self.case.second.id
        self.case.engine.database.transact(
            lambda connection: realised.want_no_more(connection, network.id, site_id)
        )

    def replicate(self, kind: str = "network") -> Arranged:
        """Ask for the job that brings it to the second site, or takes it from there."""
        definition_id = self._definition(kind).id
        return self.case.ask(REPLICATE, kind, definition_id, self.case.second, ReplicateParameters())

    def follow(self) -> Arranged:
        """Ask for the job that takes over what has become of the network at the top."""
        return self.case.ask(FOLLOW, "network", self.network_id, None)

    def _shown(self) -> list[Shown]:
        top = self.case.engine.networks.top
        network, policy = top.show("network", self.network_id), top.show("qos_policy", self.policy_id)
        assert network is not None
        assert policy is not None
        return [
            ("qos_policy", policy),
            *with_parts(network, top.list("subnet", network_id=self.network_id), []),
        ]

    def _define(self, kind: str, item: Item) -> None:
        store, site_id = self.case.engine.replicas.store, self.case.second.id

        def work(connection: sa.Connection) -> Definition:
            definition, _ = store.define_as_shown(
                connection,
                kind,
                item["id"],
                name=item["name"],
                project_id=item["project_id"],
                body=NEUTRON_KINDS[kind].define(item),
            )
            store.realised.want(connection, definition.id, site_id)
            return definition

        definition = self.case.engine.database.transact(work)
        self.case.names[definition.id] = f"the definition of {self.case.names[item['id']]}"

    def _definition(self, kind: str) -> Definition:
        key = {"network": self.network_id, "qos_policy": self.policy_id}[kind]
        known = self.case.engine.replicas.store.find(kind, key)
        assert known is not None
        assert known.definition.state is DefinitionState.ACTIVE
        return known.definition

    # -- calls -----------------------------------------------------------------------------------------------

    def _make(self, collection: str, member: str, fields: Item) -> Item:
        wanted = {"name": self.case.mark, "project_id": self.case.things.project_id, **fields}
        made: Item = self._call("POST", f"/v2.0/{collection}", {member: wanted})[member]
        return made

    def _made(self, kind: str, item: Item) -> str:
        """Name what was made at the top; return its id."""
        made: str = item["id"]
        self.case.names[made] = " ".join(["the", kind, item.get("cidr", "")]).strip()
        return made

    def _call(self, method: str, target: str, body: Item | None) -> Item:
        return self.case.engine.sites.call(self._top, "network", method, target, body).document
