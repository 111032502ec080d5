"""Security groups with their rules. A project's default group is there in every site by itself.

A rule that names a remote group lets in, in a site, the members that this has there. Where the site has an
address group of its members elsewhere (`remote_members`) the rule stands once more, for those.

Source: Networking API v2.0 reference, "Security groups", "Security group rules"; that a project's default
group is made when groups are listed with its project_id: Neutron, `get_security_groups`.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from tricircle.realise.definition import Body, Found, Sought, differences
from tricircle.realise.kinds.kind import IdOf
from tricircle.realise.kinds.neutron import Item, NeutronKind, error_type, tags_of
from tricircle.realise.site_view import SiteView
from tricircle.sites.service_calls import SiteRefused

DEFAULT = "default"

_FIELDS = (
    *("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix"),
    *("remote_group_id", "remote_address_group_id"),
)
_REFERENCES = {"remote_group_id": "security_group", "remote_address_group_id": "address_group"}

Rule = dict[str, Any]


class SecurityGroup(NeutronKind):
    """A security group."""

    name = "security_group"
    collection = "security-groups"
    not_found = "Security group {name} not found."
    if_possible = ("stateful",)
    knowledge = frozenset({"sharing"})

    def read(self, item: Item) -> Body:
        """Return what must be the same."""
        return {
            "name": item["name"],
            "stateful": item.get("stateful", True),
            "tags": tags_of(item),
            "rules": _sorted(_matching(rule) for rule in item["security_group_rules"]),
        }

    def define(self, item: Item) -> Body:
        """Return the definition's body of a group of the top.

        :param item: with `sharing` besides, where that was read: ids of policies, and the project that each
            shares it with.
        """
        return {**super().define(item), "sharing": sorted(item.get("sharing", ()))}

    def found(self, item: Item, marked: str | None, copies: list[str]) -> Found:
        """Describe what a site has, with the rules' own ids."""
        found = super().found(item, marked, copies)
        rules = {_text(_matching(rule)): rule["id"] for rule in item["security_group_rules"]}
        return Found(found.site_resource_id, found.name, found.body | {"rule_ids": rules})

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by its mark; a default group as its project's own."""
        if sought.name != DEFAULT or sought.project_id is None:
            return super().find(view, sought)
        query = urlencode({"project_id": sought.project_id, "name": DEFAULT})
        answer = view.get(f"/v2.0/{self.collection}?{query}") or {}
        item = next(iter(answer["security_groups"]), None)
        return None if item is None else self.found(item, sought.key, [])

    def parts(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return the groups whose members its rules are about, and with whom it is shared."""
        named = {
            (kind, rule[field])
            for rule in body["rules"]
            for field, kind in _REFERENCES.items()
            if rule[field] is not None
        }
        policies = [("rbac_policy", policy_id) for policy_id, _ in body.get("sharing", ())]
        return [*sorted(named - {(self.name, body["id"])}), *policies]

    def in_site(self, body: Body, id_of: IdOf) -> Body:
        """Return a body whose rules name groups as the site does, without those that it lacks."""
        rules = [_translated(rule, id_of) for rule in body["rules"]]
        rules += [_for_members_elsewhere(rule, id_of) for rule in body["rules"]]
        return super().in_site(body, id_of) | {"rules": _sorted(rule for rule in rules if rule is not None)}

    def first(self, body: Body) -> Item:
        """Return what a new one is made with; its rules follow."""
        return {} if body["stateful"] else {"stateful": False}

    def may_wait(self, shown: Found, body: Body) -> bool:
        """Say whether nothing is let through that must not be: what rules are missing for is shut out."""
        follows = {name: shown.body[name] for name in ("rules", "tags")}
        wanted = {_text(rule) for rule in body["rules"]}
        return not differences(shown.body, body | follows) and shown.body["rule_ids"].keys() <= wanted

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what differs; what is to be let through is, before something else no longer is."""
        super().change(view, shown, body)
        there: Mapping[str, str] = shown.body["rule_ids"]
        wanted = {_text(rule): rule for rule in body["rules"]}
        self._add(view, shown, [rule for text, rule in wanted.items() if text not in there])
        for text in sorted(there.keys() - wanted.keys()):
            view.change("rule deleted", "DELETE", f"/v2.0/security-group-rules/{there[text]}", fine={404})

    @staticmethod
    def _add(view: SiteView, group: Found, rules: list[Rule]) -> None:
        target = "/v2.0/security-group-rules"
        # Else they were of the project of whoever makes them, and counted there.
        place = {"security_group_id": group.site_resource_id, "project_id": group.body["project_id"]}
        bodies = [
            place | {field: value for field, value in rule.items() if value is not None} for rule in rules
        ]
        if not bodies:
            return
        done = view.change("rules made", "POST", target, {"security_group_rules": bodies}, fine={409})
        if done.status != 409:
            return
        for body in bodies:  # somebody else has made some of them just now, and Neutron takes all or none
            answer = view.change("rule made", "POST", target, {"security_group_rule": body}, fine={409})
            if answer.status == 409 and error_type(answer) != "SecurityGroupRuleExists":
                words = f"Site {view.site.name} refuses a rule: {answer.words}"
                raise SiteRefused(words, site=view.site.name, request_id=answer.request_id, status=409)


def _matching(rule: Item) -> Rule:
    return {field: rule.get(field) for field in _FIELDS}


def _text(rule: Rule) -> str:
    return "|".join("" if rule[field] is None else str(rule[field]) for field in _FIELDS)


def _sorted(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(rules, key=_text)


def _for_members_elsewhere(rule: Rule, id_of: IdOf) -> Rule | None:
    """Return a rule that names a remote group for its members in other sites; None where none is needed."""
    group = rule["remote_group_id"]
    members = None if group is None else id_of("remote_members", group)
    return None if members is None else rule | {"remote_group_id": None, "remote_address_group_id": members}


def _translated(rule: Rule, id_of: IdOf) -> Rule | None:
    named = {
        field: id_of(kind, rule[field]) for field, kind in _REFERENCES.items() if rule[field] is not None
    }
    return None if None in named.values() else rule | named
