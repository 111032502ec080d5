"""Flavors, with extra specs and access. Their key is their id, which is the same in every site.

Source: Compute API reference, "Flavors", "Flavors access", "Flavors extra-specs".
"""

from typing import Any

from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.kinds.kind import Kind, changed, quoted
from tricircle.realise.site_view import SiteView

# What Nova calls each field when it shows one and when it makes one.
_FIELDS = {
    "id": "id",
    "name": "name",
    "ram": "ram",
    "vcpus": "vcpus",
    "disk": "disk",
    "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
    "swap": "swap",
    "rxtx_factor": "rxtx_factor",
    "is_public": "os-flavor-access:is_public",
}


class Flavor(Kind):
    """A flavor."""

    name = "flavor"
    service_type = "compute"
    # 2.55 brings descriptions, 2.61 shows extra specs, 2.75 shows no swap as 0. From 2.86 on Nova checks
    # extra specs against a list of its own, another in each release; 2.102 has no rxtx_factor.
    version = "2.75"
    not_found = "Flavor {name} could not be found."
    fixed = frozenset(_FIELDS)

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by its id."""
        answer = view.get(_path(sought.key))
        if answer is None:
            return None
        item: dict[str, Any] = answer["flavor"]
        body: Body = {field: item[shown] for field, shown in _FIELDS.items()}
        body["description"] = item["description"]
        body["extra_specs"] = item["extra_specs"]
        body["access"] = [] if body["is_public"] else self._access(view, sought.key)
        return Found(item["id"], item["name"], body)

    @staticmethod
    def _access(view: SiteView, key: str) -> list[str]:
        answer = view.get(f"{_path(key)}/os-flavor-access")
        return sorted(entry["tenant_id"] for entry in (answer or {}).get("flavor_access", ()))

    def make(self, view: SiteView, body: Body) -> None:
        """Make it with its id."""
        wanted = {shown: body[field] for field, shown in _FIELDS.items()}
        wanted["description"] = body["description"]
        view.change(f"flavor {body['id']} made", "POST", "/v2.1/flavors", {"flavor": wanted})

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change description, extra specs and access."""
        path, there = _path(shown.site_resource_id), shown.body
        if there["description"] != body["description"]:
            view.change("description", "PUT", path, {"flavor": {"description": body["description"]}})
        to_set, to_unset = changed(there["extra_specs"], body["extra_specs"])
        if to_set:
            view.change("extra specs set", "POST", f"{path}/os-extra_specs", {"extra_specs": to_set})
        for name in to_unset:
            view.change("extra spec unset", "DELETE", f"{path}/os-extra_specs/{quoted(name)}", fine={404})
        for project in sorted(set(body["access"]) - set(there["access"])):
            action = {"addTenantAccess": {"tenant": project}}
            view.change("access given", "POST", f"{path}/action", action, fine={409})
        for project in sorted(set(there["access"]) - set(body["access"])):
            action = {"removeTenantAccess": {"tenant": project}}
            view.change("access taken", "POST", f"{path}/action", action, fine={404})

    def remove(self, view: SiteView, shown: Found) -> None:
        """Delete it; servers that have it keep what they got."""
        view.change("flavor deleted", "DELETE", _path(shown.site_resource_id), fine={404})


def _path(identifier: str) -> str:
    return f"/v2.1/flavors/{quoted(identifier)}"
