"""With whom a network or security group is shared, and to whom a network is external.

There is a policy for each project, or one for all (`*`). It belongs to what it is about, as a subnet does to
its network, and goes with that. It has no description to bear a mark; but there is one policy at most of the
same object, action and project, so that one which is there already is the one.

Source: Networking API v2.0 reference, "RBAC Policies".
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from tricircle.errors import Conflict
from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.kinds.kind import IdOf
from tricircle.realise.kinds.neutron import Item, NeutronKind
from tricircle.realise.site_view import SiteView

EVERYBODY = "*"

SHAREABLE = frozenset({"network", "security_group"})
"""The kinds whose policies are carried."""

SHARED, EXTERNAL = "access_as_shared", "access_as_external"
"""What policies say, which is carried to sites. Neutron has a network be external by policies that say so."""


class RbacPolicy(NeutronKind):
    """A policy."""

    name = "rbac_policy"
    collection = "rbac-policies"
    is_doubled = False
    member = "rbac_policy"
    not_found = "RBAC policy with ID {name} not found."
    fixed = frozenset({"project_id", "object_type", "object_id", "action"})
    changeable = ("target_tenant",)

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        return {name: item[name] for name in ("object_type", "object_id", "action", "target_tenant")}

    def needs(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return what it is about, whose kind is Neutron's word for it."""
        return [(body["object_type"], body["object_id"])]

    def in_site(self, body: Body, id_of: IdOf) -> Body:
        """Return a body that names that as the site does."""
        return super().in_site(body, id_of) | {"object_id": id_of(body["object_type"], body["object_id"])}

    def first(self, body: Body) -> Item:
        """Return what a new one is made with."""
        return self.read(body)

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by its id there; one that is not noted is found when it is to be made."""
        if sought.site_resource_id is None:
            return None
        item = self._known(view, sought.site_resource_id)
        return None if item is None else self.found(item, sought.key, [])

    def found(self, item: Item, marked: str | None, copies: list[str]) -> Found:
        """Describe what a site has."""
        body = {**self.read(item), "id": marked, "project_id": item["project_id"], "copies": copies}
        return Found(item["id"], item["target_tenant"], body)

    def make(self, view: SiteView, body: Body) -> Found:
        """Make it, or take the one that is there.

        :raises Conflict: the site does not take it.
        """
        wanted: dict[str, Any] = {**self.first(body), "project_id": body["project_id"]}
        # To Neutron a network that has just gone is bad input.
        target, refusals = f"/v2.0/{self.collection}", {400, 409}
        answer = view.change("rbac_policy made", "POST", target, {self.member: wanted}, fine=refusals)
        item = answer.document.get(self.member) or self._same(view, body)
        if item is None:
            what = body["object_type"].replace("_", " ")
            raise Conflict(f"Site {view.site.name} shares no {what}: {answer.words}", site=view.site.name)
        return self.found(item, body["id"], [])

    def _same(self, view: SiteView, body: Body) -> Item | None:
        document = view.get(f"/v2.0/{self.collection}?{urlencode(self.first(body))}") or {}
        return next(iter(document["rbac_policies"]), None)
