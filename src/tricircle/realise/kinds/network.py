"""Networks. One is complete in a site when its subnets are there, and who may use it at the top may there.

What one is in the fabric is each site's own, as addresses are (`tricircle.realise.reach`), and never changes.

Source: Networking API v2.0 reference, "Networks".
"""

from collections.abc import Iterable
from dataclasses import asdict
from urllib.parse import urlencode

from tricircle.realise.definition import Body, Definition, Found
from tricircle.realise.kinds.neutron import Item, NeutronKind, mark_of, tags_of
from tricircle.realise.kinds.rbac_policy import EVERYBODY
from tricircle.realise.segments import Segment, SegmentRefused, shown_segments
from tricircle.realise.site_view import SiteView
from tricircle.sites.service_calls import SiteRefused

_INVALID, _TAKEN = 400, 409


class Network(NeutronKind):
    """A network."""

    name = "network"
    collection = "networks"
    not_found = "Network {name} could not be found."
    fixed = frozenset({"project_id", "segment"})
    changeable = ("name", "admin_state_up", "port_security_enabled", "qos_policy_id")
    if_possible = ("mtu",)  # a site may have a smaller underlay
    where_had = ("dns_domain", "tags")
    references = {"qos_policy_id": "qos_policy"}  # noqa: RUF012  # read only, as its type says
    knowledge = frozenset({"subnets", "sharing", "external", "spare", "availability_zone_hints", "segments"})

    def read(self, item: Item) -> Body:
        """Return what must be the same; and, of a site's, its segment, which is the site's own."""
        segments = shown_segments(item)
        return {
            "name": item["name"],
            "admin_state_up": item["admin_state_up"],
            "port_security_enabled": item.get("port_security_enabled", True),
            "mtu": item.get("mtu"),
            "segment": segments[0] if len(segments) == 1 else None,
            "dns_domain": item.get("dns_domain"),
            "qos_policy_id": item.get("qos_policy_id"),
            "tags": tags_of(item),
        }

    def define(self, item: Item) -> Body:
        """Return the definition's body of a network of the top.

        :param item: with `spare` besides: how many addresses are always free in a site, None for any number;
            and `sharing` and `external`: ids of policies, and the project that each shares it with, or is to
            have it as an external one.
        """
        defined = super().define(item)
        del defined["segment"]
        return {
            **defined,
            "subnets": sorted(item["subnets"]),
            "sharing": sorted(item["sharing"]),
            "external": sorted(item["external"]),
            "spare": item["spare"],
            "availability_zone_hints": sorted(item.get("availability_zone_hints") or ()),
            "segments": [asdict(segment) for segment in shown_segments(item)],
        }

    def parts(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return its subnets, with whom it is shared, and to whom it is external."""
        subnets = [("subnet", subnet_id) for subnet_id in body["subnets"]]
        policies = [*body.get("sharing", ()), *body.get("external", ())]
        return subnets + [("rbac_policy", policy_id) for policy_id, _ in policies]

    def first(self, body: Body) -> Item:
        """Return what a new one is made with: what is as everywhere is not said, as not all sites know it."""
        first: Item = {"admin_state_up": body["admin_state_up"]}
        if not body["port_security_enabled"]:
            first["port_security_enabled"] = False
        if body.get("qos_policy_id") is not None:
            first["qos_policy_id"] = body["qos_policy_id"]
        segment: Segment | None = body.get("segment")
        return first if segment is None else {**first, **segment.attributes}

    def is_drift(self, field: str, there: Body, wanted: Body) -> bool:
        """Say whether a difference is to be told: how much goes through what a site makes as it likes is its
        own matter."""
        is_less = field == "mtu" and (there["mtu"] or 0) < (wanted["mtu"] or 0)
        return not is_less or "segment" in wanted

    def make(self, view: SiteView, body: Body) -> Found | None:
        """Make it, with its mark.

        :raises SegmentRefused: the site does not have what it is to be there, or has given that to something
            else.
        """
        try:
            return super().make(view, body)
        except SiteRefused as error:
            cure = "" if body.get("segment") is None else self._cure(view, body, error.site_status)
            if not cure:
                raise
            what = f"Network {body['id']} is to be {body['segment']} in site {view.site.name}."
            raise SegmentRefused(f"{what} {error.message} {cure}", error, body["id"]) from error

    def _cure(self, view: SiteView, body: Body, status: int) -> str:
        """Say what helps where a site has refused a network with a segment; nothing where that is not why."""
        if status == _INVALID:
            return "Have it configured there, or say with the site's physical_networks what the site has."
        holder = self._holder(view, body) if status == _TAKEN else None
        if holder is None:
            return ""
        return (
            f"Network {holder} of the site is that: it must go, or this one be made anew as another segment."
        )

    def _holder(self, view: SiteView, body: Body) -> str | None:
        """Return the site's id of another network that is the same segment; None where there is none."""
        segment: Segment = body["segment"]
        shown = view.get(f"/v2.0/{self.collection}?{urlencode(segment.attributes)}") or {}
        others = (each["id"] for each in shown["networks"] if each.get("description") != mark_of(body["id"]))
        return next(others, None)


def may_use(definition: Definition, project_id: str | None) -> bool:
    """Say whether a project may use a network or group: its own, or one that is shared with it."""
    targets = {target for _, target in definition.body.get("sharing", ())}
    return definition.project_id == project_id or not targets.isdisjoint({EVERYBODY, project_id})
