"""QoS policies with their rules. What networks and ports refer to is there before them.

A policy has one rule of each type and direction. A site whose Neutron has no QoS has its networks and ports
without, which is told as drift of the policy; a rule that a site refuses is an error.

Source: Networking API v2.0 reference, "Quality of Service".
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from tricircle.realise.definition import Body, Found
from tricircle.realise.kinds.neutron import Item, NeutronKind
from tricircle.realise.site_view import SiteView

_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "bandwidth_limit": ("max_kbps", "max_burst_kbps", "direction"),
        "dscp_marking": ("dscp_mark",),
        "minimum_bandwidth": ("min_kbps", "direction"),
        "packet_rate_limit": ("max_kpps", "max_burst_kpps", "direction"),
        "minimum_packet_rate": ("min_kpps", "direction"),
    }
)
"""What each type of rule says."""

_REFUSED = frozenset({400, 409})

Rule = dict[str, Any]


class QosPolicy(NeutronKind):
    """A QoS policy."""

    name = "qos_policy"
    collection = "qos/policies"
    member = "policy"
    not_found = "QoS policy {name} could not be found."
    optional = True
    where_had = ()

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        rules = [_said(rule) for rule in item["rules"] if rule["type"] in _FIELDS]
        return {"name": item["name"], "rules": sorted(rules, key=_key)}

    def found(self, item: Item, marked: str | None, copies: list[str]) -> Found:
        """Describe what a site has, with the rules' own ids."""
        found = super().found(item, marked, copies)
        ids = {_key(rule): rule["id"] for rule in item["rules"] if rule["type"] in _FIELDS}
        return Found(found.site_resource_id, found.name, found.body | {"rule_ids": ids})

    def first(self, body: Body) -> Item:  # noqa: ARG002  # its rules follow
        """Return what a new one is made with."""
        return {}

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what differs."""
        super().change(view, shown, body)
        rules = _Rules(view, self.path(shown.site_resource_id), shown.body["rule_ids"])
        there = {_key(rule): rule for rule in shown.body["rules"]}
        wanted = {_key(rule): rule for rule in body["rules"]}
        rules.remove(there.keys() - wanted.keys())
        changed = [rule for key, rule in wanted.items() if there.get(key) != rule]
        # What is guaranteed may not be more than what is allowed: of the two one has to come first.
        later = [rule for rule in changed if not rules.put(rule, fine=_REFUSED)]
        for rule in later:
            rules.put(rule)


class _Rules:
    """The rules of a policy in a site.

    :param ids: what the site calls those that it has.
    """

    def __init__(self, view: SiteView, path: str, ids: Mapping[tuple[str, str], str]) -> None:
        self._view = view
        self._path = path
        self._ids = ids

    def put(self, rule: Rule, *, fine: Iterable[int] = ()) -> bool:
        """Make a rule, or change the one that there is; say whether the site took it."""
        kind, identifier = rule["type"], self._ids.get(_key(rule))
        body = {f"{kind}_rule": {name: value for name, value in rule.items() if name != "type"}}
        target = f"{self._path}/{kind}_rules"
        if identifier is None:
            answer = self._view.change(f"{kind} made", "POST", target, body, fine=frozenset(fine))
        else:
            answer = self._view.change(
                f"{kind} changed", "PUT", f"{target}/{identifier}", body, fine=frozenset(fine)
            )
        return answer.status not in _REFUSED

    def remove(self, keys: Iterable[tuple[str, str]]) -> None:
        """Delete rules."""
        for key in sorted(keys):
            target = f"{self._path}/{key[0]}_rules/{self._ids[key]}"
            self._view.change(f"{key[0]} deleted", "DELETE", target, fine={404})


def _said(rule: Item) -> Rule:
    return {"type": rule["type"], **{name: rule[name] for name in _FIELDS[rule["type"]]}}


def _key(rule: Rule) -> tuple[str, str]:
    return rule["type"], rule.get("direction") or ""
