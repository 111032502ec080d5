"""QoS specs. Their key is the id that the first site gave. Which volume types have one, those say themselves.

Source: Block Storage API v3 reference, "Quality of service (QoS) specifications".
"""

from typing import Any

from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.kinds.kind import Kind, changed, quoted, walk
from tricircle.realise.site_view import SiteView


class QosSpec(Kind):
    """A QoS spec."""

    name = "qos_spec"
    service_type = "block-storage"
    not_found = "No such QoS spec {name}."
    fixed = frozenset({"name"})
    is_named = True

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by the site's id for it, else by name."""
        item: dict[str, Any] | None = None
        if sought.site_resource_id is not None:
            item = (view.get(_path(sought.site_resource_id)) or {}).get("qos_specs")
        if item is None:
            every = walk(view, "/v3/qos-specs?sort=id", "qos_specs")
            item = next((each for each in every if each["name"] == sought.name), None)
        if item is None:
            return None
        body = {"name": item["name"], "consumer": item["consumer"], "specs": item["specs"]}
        return Found(item["id"], item["name"], body)

    def make(self, view: SiteView, body: Body) -> None:
        """Make it by its name."""
        wanted = {**body["specs"], "name": body["name"], "consumer": body["consumer"]}
        view.change(f"QoS spec {body['name']} made", "POST", "/v3/qos-specs", {"qos_specs": wanted})

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change consumer and specs."""
        path, there = _path(shown.site_resource_id), shown.body
        to_set, to_unset = changed(there["specs"], body["specs"])
        if there["consumer"] != body["consumer"]:
            to_set["consumer"] = body["consumer"]
        if to_set:
            view.change("specs set", "PUT", path, {"qos_specs": to_set})
        if to_unset:
            view.change("specs unset", "PUT", f"{path}/delete_keys", {"keys": to_unset})

    def remove(self, view: SiteView, shown: Found) -> None:
        """Delete it, also while volume types have it: those lose it, as they did in the first site."""
        view.change("QoS spec deleted", "DELETE", f"{_path(shown.site_resource_id)}?force=true", fine={404})


def _path(identifier: str) -> str:
    return f"/v3/qos-specs/{quoted(identifier)}"
