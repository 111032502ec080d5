"""One case's security group: at the real top with a member in the first real site, and in the second site."""

from typing import Any

import sqlalchemy as sa
from tests.integration.kill.arrangement import Arrangement
from tests.integration.kill.network_ground import NetworkGround
from tests.integration.kill.order import Arranged

from tricircle.jobs.types import MEMBERS
from tricircle.realise.definition import Body, Definition
from tricircle.realise.kinds import REMOTE_MEMBERS, SECURITY_GROUP
from tricircle.realise.kinds.remote_members import RemoteMembers
from tricircle.sites.site import Site

Item = dict[str, Any]

ADDRESS, BEFORE = "192.0.2.7", "192.0.2.8"
"""What the member has, and what it had before."""


class GroupGround:
    """The group, which lets in its own members, and a member."""

    def __init__(self, case: Arrangement) -> None:
        self.case = case
        self._top: Site = case.engine.networks.top.site
        fields = {"name": case.mark, "project_id": case.things.project_id}
        self._shown = self._call("POST", "/v2.0/security-groups", {"security_group": fields})[
            "security_group"
        ]
        self.group_id: str = self._shown["id"]
        case.names[self.group_id] = "the group"
        own = {"direction": "ingress", "ethertype": "IPv4", "remote_group_id": self.group_id}
        self._define(own)
        self._realise()
        self._have_member()

    def know_of_members(self) -> None:
        """Have the second site let in the member, with the address that it had before."""
        store = self.case.engine.replicas.store
        known = store.find(SECURITY_GROUP.name, self.group_id)
        assert known is not None
        definition = self._keep(REMOTE_MEMBERS.name, RemoteMembers.of(known.definition))
        realiser, site = self.case.engine.replicas.realiser, self.case.second
        realiser.realise(definition.id, site, own={"addresses": [f"{BEFORE}/32"]}, with_parts=False)
        self._realise()
        assert realiser.complete(definition.id, site)

    def name_no_group(self) -> None:
        """Have no rule name the group any more; the second site has not heard of that."""
        self._define()

    def ask(self) -> Arranged:
        """Ask for the job."""
        return self.case.ask(MEMBERS, SECURITY_GROUP.name, self.group_id, self.case.second)

    def _have_member(self) -> None:
        port_id = NetworkGround(self.case).row("member", groups=[self.group_id])
        pairs = {"port": {"allowed_address_pairs": [{"ip_address": ADDRESS}]}}
        self._call("PUT", f"/v2.0/ports/{port_id}", pairs)

    def _define(self, *rules: Item) -> None:
        item = {**self._shown, "security_group_rules": [*self._shown["security_group_rules"], *rules]}
        self._keep(SECURITY_GROUP.name, SECURITY_GROUP.define(item))

    def _realise(self) -> None:
        replicas = self.case.engine.replicas
        known = replicas.store.find(SECURITY_GROUP.name, self.group_id)
        assert known is not None
        replicas.realiser.realise(known.definition.id, self.case.second)

    def _keep(self, kind: str, body: Body) -> Definition:
        store, project_id = self.case.engine.replicas.store, self.case.things.project_id

        def work(connection: sa.Connection) -> Definition:
            definition, _ = store.define_as_shown(
                connection, kind, self.group_id, name=self.case.mark, project_id=project_id, body=body
            )
            store.realised.want(connection, definition.id, self.case.second.id)
            return definition

        definition = self.case.engine.database.transact(work)
        self.case.names[definition.id] = f"definition of {kind}"
        return definition

    def _call(self, method: str, target: str, body: Item) -> Item:
        return self.case.engine.sites.call(self._top, "network", method, target, body).document
