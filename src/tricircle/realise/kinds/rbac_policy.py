"""With whom a network is shared: a policy for each project, or for all (`*`).

It belongs to its network, as a subnet does, and goes with it. It has no description to bear a mark; but there
is one policy at most of the same network, action and project, so that one which is there already is the one.

Source: Networking API v2.0 reference, "RBAC Policies".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from tricircle.errors import Conflict
from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.kinds.neutron import Item, NeutronKind
from tricircle.realise.site_view import SiteView

EVERYBODY = "*"

SHARED: Mapping[str, str] = MappingProxyType({"object_type": "network", "action": "access_as_shared"})
"""What those policies say that are carried to sites."""


class RbacPolicy(NeutronKind):
    """A policy."""

    name = "rbac_policy"
    collection = "rbac-policies"
    member = "rbac_policy"
    not_found = "RBAC policy of type network with ID {name} not found."
    fixed = frozenset({"project_id", "object_type", "object_id", "action"})
    changeable = ("target_tenant",)
    references = {"object_id": "network"}  # noqa: RUF012  # read only, as its type says

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        return {name: item[name] for name in ("object_type", "object_id", "action", "target_tenant")}

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
        answer = view.change(
            "rbac_policy made", "POST", f"/v2.0/{self.collection}", {self.member: wanted}, fine={409}
        )
        item = answer.document.get(self.member) or self._same(view, body)
        if item is None:
            said = answer.document.get("NeutronError", {}).get("message", "no words of its own")
            raise Conflict(f"Site {view.site.name} shares no network: {said}", site=view.site.name)
        return self.found(item, body["id"], [])

    def _same(self, view: SiteView, body: Body) -> Item | None:
        document = view.get(f"/v2.0/{self.collection}?{urlencode(self.first(body))}") or {}
        return next(iter(document["rbac_policies"]), None)
