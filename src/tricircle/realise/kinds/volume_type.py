"""Volume types, with extra specs, access and QoS spec. Their key is the id that the first site gave.

Source: Block Storage API v3 reference, "Volume types", "Volume type access", "Quality of service (QoS)
specifications".
"""

from typing import Any
from urllib.parse import urlencode

from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.kinds.kind import Kind, changed, quoted, walk
from tricircle.realise.site_view import SiteView


class VolumeType(Kind):
    """A volume type."""

    name = "volume_type"
    service_type = "block-storage"
    not_found = "Volume type {name} could not be found."
    fixed = frozenset()
    is_named = True
    references = {"qos_spec": "qos_spec"}  # noqa: RUF012  # read only, as its type says

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by the site's id for it, else by name."""
        item = None
        if sought.site_resource_id is not None:
            item = (view.get(_path(sought.site_resource_id)) or {}).get("volume_type")
        if item is None:
            every = walk(view, "/v3/types?is_public=None", "volume_types")
            item = next((each for each in every if each["name"] == sought.name), None)
        return None if item is None else self._found(view, item)

    def _found(self, view: SiteView, item: dict[str, Any]) -> Found:
        is_public = item["is_public"]
        body: Body = {
            "name": item["name"],
            "description": item["description"] or "",
            "is_public": is_public,
            "extra_specs": item["extra_specs"],
            "access": [] if is_public else self._access(view, item["id"]),
            "qos_spec": item.get("qos_specs_id"),
        }
        return Found(item["id"], item["name"], body)

    @staticmethod
    def _access(view: SiteView, identifier: str) -> list[str]:
        answer = view.get(f"{_path(identifier)}/os-volume-type-access")
        return sorted(entry["project_id"] for entry in (answer or {}).get("volume_type_access", ()))

    def make(self, view: SiteView, body: Body) -> None:
        """Make it by its name."""
        wanted = {
            "name": body["name"],
            "os-volume-type-access:is_public": body["is_public"],
            "extra_specs": body["extra_specs"],
        }
        if body["description"]:
            wanted["description"] = body["description"]
        view.change(f"volume type {body['name']} made", "POST", "/v3/types", {"volume_type": wanted})

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what is to be changed, each part by its own request."""
        path, there = _path(shown.site_resource_id), shown.body
        named = {
            field: body[field]
            for field in ("name", "description", "is_public")
            if there[field] != body[field]
        }
        if named:
            view.change("volume type updated", "PUT", path, {"volume_type": named})
        to_set, to_unset = changed(there["extra_specs"], body["extra_specs"])
        if to_set:
            view.change("extra specs set", "POST", f"{path}/extra_specs", {"extra_specs": to_set})
        for name in to_unset:
            view.change("extra spec unset", "DELETE", f"{path}/extra_specs/{quoted(name)}", fine={404})
        self._change_access(view, path, there, body)
        self._change_qos(view, shown, body)

    @staticmethod
    def _change_access(view: SiteView, path: str, there: Body, body: Body) -> None:
        for project in sorted(set(body["access"]) - set(there["access"])):
            action = {"addProjectAccess": {"project": project}}
            view.change("access given", "POST", f"{path}/action", action, fine={409})
        for project in sorted(set(there["access"]) - set(body["access"])):
            action = {"removeProjectAccess": {"project": project}}
            view.change("access taken", "POST", f"{path}/action", action, fine={404})

    @staticmethod
    def _change_qos(view: SiteView, shown: Found, body: Body) -> None:
        before, wanted = shown.body["qos_spec"], body["qos_spec"]
        if before == wanted:
            return
        query = urlencode({"vol_type_id": shown.site_resource_id})
        # Cinder lets these two be GETs. A type that has another QoS spec takes no new one.
        if before is not None:
            target = f"/v3/qos-specs/{quoted(before)}/disassociate?{query}"
            view.change("QoS spec taken off", "GET", target, fine={404})
        if wanted is not None:
            view.change("QoS spec put on", "GET", f"/v3/qos-specs/{quoted(wanted)}/associate?{query}")

    def remove(self, view: SiteView, shown: Found) -> None:
        """Delete it; Cinder refuses while a volume has it."""
        view.change("volume type deleted", "DELETE", _path(shown.site_resource_id), fine={404})


def _path(identifier: str) -> str:
    return f"/v3/types/{quoted(identifier)}"
