"""Handler of the security groups of a server, which are told as the top has them.

A site has rules that the top has not: those for members of remote groups in other sites, which Nova takes for
rules that let everybody in. And ids of rules are each Neutron's own. So a group that the top knows is told
with the top's rules, in the shape that Nova gives them. While the top's network service cannot be asked they
are told as the site has them.

Source: Compute API reference, "List Security Groups By Server"; Nova, `_format_security_group_rule` and
`_convert_to_nova_security_group_rule_format`.
"""

from collections.abc import Iterator
from typing import Any

import orjson
from oslo_log import log

from tricircle.errors import DatabaseUnavailable, TricircleError
from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.compute.networks import send, show
from tricircle.gateway.compute.places import NOTHING, SECURITY_GROUP
from tricircle.gateway.resource import Item
from tricircle.realise.kinds.neutron import is_mark
from tricircle.routing.homed import SERVER_TYPE
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_WITH_PORTS = frozenset({"tcp", "udp"})


class ServerSecurityGroups:
    """The handler."""

    summary = "forwarded to the site that holds it; groups and their rules are the top's"

    def __call__(self, call: Call) -> Reply:
        """Forward the request."""
        site = call.engine.locator.locate(SERVER_TYPE, call.params["server_id"], call.identity, call.token)
        reply = pass_back(call, site, send(call, site, call.body(), NOTHING))
        if reply.status >= 400 or not call.engine.networks.is_there:
            return show(call, site, reply, NOTHING)
        try:
            document = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            return reply
        groups = _Groups(call, site)
        for group in document.get("security_groups", ()):
            groups.tell(group)
        reply.body = orjson.dumps(document)
        return reply


class _Groups:
    """Groups of the top, as far as the user sees them, each read once."""

    def __init__(self, call: Call, site: Site) -> None:
        self._call = call
        self._site = site
        self._networks = call.engine.networks
        self._read: dict[str, Item | None] = {}

    def tell(self, group: Item) -> None:
        """Have a group of the site be as the top has it; what the top does not know stays as it is."""
        key = self._at_top(group["id"])
        item = None if key is None else self._item(key)
        if is_mark(group.get("description")):
            group["description"] = (item or {}).get("description") or ""
        if key is None:
            return
        group["id"] = key
        if item is not None:
            group["rules"] = list(self._rules(item))
        for rule in group.get("rules", ()):
            rule["parent_group_id"] = key

    def _rules(self, item: Item) -> Iterator[Item]:
        """Return what is let in, as Nova tells it; a rule whose remote group is gone is none."""
        for rule in item["security_group_rules"]:
            remote_id = rule["remote_group_id"]
            remote = None if remote_id is None else self._item(remote_id)
            if rule["direction"] != "ingress" or (remote is None and remote_id is not None):
                continue
            first, last = _ports(rule)
            yield {
                "id": rule["id"],
                "parent_group_id": item["id"],
                "ip_protocol": rule["protocol"],
                "from_port": first,
                "to_port": last,
                "group": {"name": remote["name"], "tenant_id": remote["project_id"]} if remote else {},
                "ip_range": {} if remote else {"cidr": rule["remote_ip_prefix"] or "0.0.0.0/0"},
            }

    def _at_top(self, group_id: str) -> str | None:
        try:
            return self._networks.at_top(SECURITY_GROUP, self._site.id, group_id)
        except DatabaseUnavailable:
            return None

    def _item(self, key: str) -> Item | None:
        """Read a group; nothing while the top cannot be asked."""
        if key not in self._read:
            call = self._call
            try:
                self._read[key] = self._networks.top.show(
                    SECURITY_GROUP, key, token=call.token, request_id=call.request_id
                )
            except TricircleError as error:
                LOG.warning("Security group %s is told as its site has it: %s", key, error.message)
                self._read[key] = None
        return self._read[key]


def _ports(rule: Item) -> tuple[Any, Any]:
    first, last = rule["port_range_min"], rule["port_range_max"]
    if not rule["protocol"] or first is not None or last is not None:
        return first, last
    return (1, 65535) if rule["protocol"].lower() in _WITH_PORTS else (-1, -1)
