"""What is there: in a case's top, read as plain rows, and in the sites, as these show it.

Two images can be compared whole: what differs from case to case by its nature (ids and times) is left out, or
stands by what it is the id of.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any

from tests.integration.clients import SiteAdmin
from tests.integration.conditions import side_by_side
from tests.integration.kill.order import Arranged, Folder

Item = dict[str, Any]

NOT_COMPARED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "definitions": frozenset({"created_at", "updated_at"}),
        "realisations": frozenset({"updated_at"}),
        "routes": frozenset({"recorded_at"}),
        "nodes": frozenset({"id", "refreshed_at"}),
        "job_requirements": frozenset(),
        # What happened on the way is compared by the events.
        "jobs": frozenset(
            {
                *("id", "cause", "progress", "attempts", "fence", "run_after", "created_at", "updated_at"),
                "request_id",
            }
        ),
    }
)
"""The tables that are compared, and their columns that are not."""


_OF_GROUP = ("id", "name", "description")

_OF_RULE = ("direction", "ethertype", "remote_group_id", "remote_address_group_id")

_OF_PORT = ("id", "name", "network_id", "device_id", "device_owner", "admin_state_up")


_OF_NETWORK = ("id", "name", "mtu", "qos_policy_id")

_OF_SUBNET = ("id", "name", "network_id", "cidr", "allocation_pools", "gateway_ip")


class TopImage:
    """All networks, security groups and QoS policies of the top, and the ports that it has adopted.

    Not blocks of addresses: those of networks that they do not know the workers of the real top take back.

    :param connection: an administrator's.
    """

    def __init__(self, connection: Any) -> None:
        self._network = connection.network
        fields = _fields((*_OF_PORT, "site", "binding:host_id", "status"))
        self.items = {
            "network": self._list("/networks?fields=id&fields=name", "networks"),
            "adopted_port": self._list(f"/adopted-ports?{fields}", "adopted_ports"),
            "security_group": self._list("/security-groups?fields=id&fields=name", "security_groups"),
            "qos_policy": self._list("/qos/policies?fields=id&fields=name", "policies"),
        }

    def marked(self, mark: str) -> dict[str, list[Item]]:
        """Return what bears a mark in its name."""
        return {kind: [item for item in items if mark in item["name"]] for kind, items in self.items.items()}

    def delete_marked(self, mark: str) -> None:
        """Delete it from the top."""
        marked = self.marked(mark)
        for path, kind in (
            ("/adopted-ports", "adopted_port"),
            ("/networks", "network"),
            ("/security-groups", "security_group"),
            ("/qos/policies", "qos_policy"),
        ):
            side_by_side(self._delete, [f"{path}/{item['id']}" for item in marked[kind]])

    def _delete(self, target: str) -> None:
        deleted = self._network.delete(target)
        assert deleted.status_code in {202, 204, 404}, f"{target}: {deleted.status_code} {deleted.text}"

    def _list(self, target: str, collection: str) -> list[Item]:
        found = self._network.get(target)
        assert found.status_code == 200, f"{target}: {found.status_code} {found.text}"
        items: list[Item] = found.json()[collection]
        return items


class SiteImage:
    """All flavors, keypairs, volume types, QoS specs and what is the network service's of a site.

    :param user_id: whose keypairs.
    """

    def __init__(self, admin: SiteAdmin, user_id: str) -> None:
        self._admin = admin
        self._user_id = user_id
        self.items = {
            "flavor": self._flavors(),
            "keypair": self._keypairs(),
            "qos_spec": self._list("block_storage", "/qos-specs?limit=1000", "qos_specs"),
            "volume_type": self._volume_types(),
            "qos_policy": [_policy(item) for item in self._list("network", "/qos/policies", "policies")],
            "network": self._list("network", f"/networks?{_fields(_OF_NETWORK)}", "networks"),
            "subnet": self._list("network", f"/subnets?{_fields(_OF_SUBNET)}", "subnets"),
            "port": self._list("network", f"/ports?{_fields(_OF_PORT)}", "ports"),
            "security_group": [_group(item) for item in self._list("network", *_SECURITY_GROUPS)],
            "address_group": [
                {name: item[name] for name in (*_OF_GROUP, "addresses")}
                for item in self._list("network", "/address-groups", "address_groups")
            ],
        }

    def marked(self, mark: str) -> dict[str, list[Item]]:
        """Return what bears a mark in its name."""
        return {kind: [item for item in items if mark in item["name"]] for kind, items in self.items.items()}

    def delete_marked(self, mark: str) -> None:
        """Delete it from the site."""
        marked = self.marked(mark)
        paths = [("compute", f"/flavors/{item['id']}") for item in marked["flavor"]]
        paths += [
            ("compute", f"/os-keypairs/{item['name']}?user_id={self._user_id}") for item in marked["keypair"]
        ]
        paths += [("block_storage", f"/types/{item['id']}") for item in marked["volume_type"]]
        paths += [("block_storage", f"/qos-specs/{item['id']}?force=true") for item in marked["qos_spec"]]
        paths += [("network", f"/ports/{item['id']}") for item in marked["port"]]
        side_by_side(self._delete, paths)
        for collection, kind in (
            ("networks", "network"),
            ("security-groups", "security_group"),
            ("address-groups", "address_group"),
            ("qos/policies", "qos_policy"),
        ):
            paths = [("network", f"/{collection}/{item['id']}") for item in marked[kind]]
            side_by_side(self._delete, paths)

    def _delete(self, path: tuple[str, str]) -> None:
        service, target = path
        deleted = self._service(service).delete(target, microversion="2.75" if service == "compute" else None)
        assert deleted.status_code in {202, 204, 404}, f"{target}: {deleted.status_code} {deleted.text}"

    def _flavors(self) -> list[Item]:
        flavors = self._list("compute", "/flavors/detail?is_public=None&limit=1000", "flavors")
        for flavor in flavors:
            del flavor["links"]
        return self._with_access(
            flavors,
            [flavor for flavor in flavors if not flavor["os-flavor-access:is_public"]],
            lambda flavor: ("compute", f"/flavors/{flavor['id']}/os-flavor-access", "flavor_access"),
            "tenant_id",
        )

    def _keypairs(self) -> list[Item]:
        target = f"/os-keypairs?user_id={self._user_id}&limit=1000"
        return [entry["keypair"] for entry in self._list("compute", target, "keypairs")]

    def _volume_types(self) -> list[Item]:
        kinds = self._list("block_storage", "/types?is_public=None&limit=1000", "volume_types")
        return self._with_access(
            kinds,
            [kind for kind in kinds if not kind["is_public"]],
            lambda kind: (
                "block_storage",
                f"/types/{kind['id']}/os-volume-type-access",
                "volume_type_access",
            ),
            "project_id",
        )

    def _with_access(self, items: list[Item], private: list[Item], where: Any, field: str) -> list[Item]:
        lists = side_by_side(lambda item: self._list(*where(item)), private)
        for item, entries in zip(private, lists, strict=True):
            item["access"] = sorted(entry[field] for entry in entries)
        return items

    def _list(self, service: str, target: str, collection: str) -> list[Item]:
        found = self._service(service).get(target, microversion="2.75" if service == "compute" else None)
        assert found.status_code == 200, f"{target}: {found.status_code} {found.text}"
        items: list[Item] = found.json()[collection]
        return items

    def _service(self, name: str) -> Any:
        return getattr(self._admin.connection, name)


_SECURITY_GROUPS = ("/security-groups", "security_groups")


def _fields(names: Iterable[str]) -> str:
    return "&".join(f"fields={name}" for name in names)


def _policy(item: Item) -> Item:
    rules = [{name: value for name, value in rule.items() if name != "id"} for rule in item["rules"]]
    return {"id": item["id"], "name": item["name"], "rules": rules}


def _group(item: Item) -> Item:
    rules = [{name: rule[name] for name in _OF_RULE} for rule in item["security_group_rules"]]
    return {
        **{name: item[name] for name in _OF_GROUP},
        "rules": sorted(rules, key=lambda rule: json.dumps(rule, sort_keys=True)),
    }


Images = Mapping[str, SiteImage | TopImage]


def look(admins: list[SiteAdmin], user_id: str, top: Any) -> Images:
    """See what is in the sites, and in the top's Neutron.

    :param user_id: whose keypairs.
    :param top: an administrator's connection.
    """
    images = side_by_side(lambda admin: SiteImage(admin, user_id), admins)
    seen = dict(zip((admin.site.name for admin in admins), images, strict=True))
    return {**seen, "the top": TopImage(top)}


def delete_marked(images: Images, mark: str) -> None:
    """Delete what bears a mark in its name, from the sites and from the top."""
    for image in images.values():
        image.delete_marked(mark)


def image_of(files: Folder, mark: str, arranged: Arranged, sites: Images) -> list[str]:
    """Return all that is there of a case, a line each.

    :param sites: and the top, by name.
    """
    rows = _rows(files)
    marked = {name: site.marked(mark) for name, site in sites.items()}
    names = dict(arranged.names)
    for row in rows["definitions"]:
        names[row["id"]] = f"id of {row['resource_type']} {row['name']}"
    for site, kinds in marked.items():
        for kind, items in kinds.items():
            for item in items:
                names[item.get("id", "")] = f"{site}'s {kind} {item['name']}"
    lines = [f"{table}: {_text(row)}" for table, found in rows.items() if table != "jobs" for row in found]
    # A job that is asked for again while it runs already is there twice, as it must be.
    lines += {f"jobs: {_text(row)}" for row in rows["jobs"]}
    lines += [
        f"{kind} in {site}: {_text(item)}"
        for site, kinds in marked.items()
        for kind, items in kinds.items()
        for item in items
    ]
    return sorted(_named(lines, mark, names))


def _rows(files: Folder) -> dict[str, list[Item]]:
    with closing(sqlite3.connect(f"file:{files.database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [
                {name: row[name] for name in row.keys() if name not in left_out}  # noqa: SIM118  # a row is no mapping
                for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608  # the names are ours
            ]
            for table, left_out in NOT_COMPARED.items()
        }


def _text(item: Item) -> str:
    """Write down fields, and those within JSON, in one order."""
    plain = {name: _read(value) for name, value in item.items()}
    return json.dumps(plain, sort_keys=True)


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        return json.loads(value, object_hook=_as_drawn)
    return value


def _as_drawn(item: Item) -> Item:
    """Leave out what the top draws anew for each network: the VLAN."""
    return {name: value for name, value in item.items() if name != "segmentation_id"}


def _named(lines: Iterable[str], mark: str, names: Mapping[str, str]) -> Iterable[str]:
    for line in lines:
        named = line
        for identifier, name in names.items():
            if len(identifier) == 36:  # a uuid; what is no uuid bears the mark
                named = named.replace(identifier, f"<{name}>")
        head, _, text = named.replace(mark, "MARK").partition(": ")
        yield f"{head}: {json.dumps(_in_order(json.loads(text)), sort_keys=True)}"


def _in_order(value: Any) -> Any:
    """Sort lists: those of ids that were drawn by lot come in any order."""
    if isinstance(value, dict):
        return {name: _in_order(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted(map(_in_order, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def events_of(files: Folder, job_id: str) -> list[str]:
    """Return what happened to a job, in order."""
    with closing(sqlite3.connect(f"file:{files.database}?mode=ro", uri=True)) as connection:
        query = "SELECT event FROM job_events WHERE job_id = ? ORDER BY id"
        return [event for (event,) in connection.execute(query, (job_id,))]


def states_of(files: Folder) -> set[str]:
    """Return the states that jobs are in."""
    with closing(sqlite3.connect(f"file:{files.database}?mode=ro", uri=True)) as connection:
        return {state for (state,) in connection.execute("SELECT DISTINCT state FROM jobs")}
