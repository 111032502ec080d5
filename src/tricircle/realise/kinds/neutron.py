"""What networks, subnets, ports, QoS policies, security groups and address groups have in common.

Their key is their id at the top's Neutron; in each site they have another one. Names say nothing, as many may
have the same: what a site's Neutron has for one of the top bears a mark in its description, given by the
request that makes it, by which it is found again whatever happens in between.

Two that make the same at the same time make it twice. Both see that when they look for the mark, and agree in
the database on one of the two; the other one goes, as it is empty.

Source: Networking API v2.0 reference. That it looks for descriptions is its extension
`standard-attr-description`.
"""

import re
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import urlencode

from tricircle.errors import Conflict
from tricircle.realise.definition import Body, Found, Known, Sought, differences
from tricircle.realise.kinds.kind import IdOf, Kind, NotOffered, quoted
from tricircle.realise.site_view import SiteView
from tricircle.sites.service_calls import SiteAnswer

Item = dict[str, Any]

_MARK = "tricircle:"
_MARKED = re.compile(_MARK + r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def tags_of(item: Item) -> list[str] | None:
    """Return the tags of an item; None where its Neutron has none."""
    return None if item.get("tags") is None else sorted(item["tags"])


def taken_over(tags: Iterable[str], there: Iterable[str] = ()) -> list[str]:
    """Return the tags that one side is to have so that it has those of the other.

    :param tags: the other side's. Such as begin like a mark are its own affair.
    :param there: what it has itself, of which just those stay.
    """
    its = {tag for tag in there if tag.startswith(_MARK)}
    return sorted(its.union(tag for tag in tags if not tag.startswith(_MARK)))


def mark_of(key: str) -> str:
    """Return the description of what a site has for something of the top."""
    return _MARK + key


def is_mark(description: str | None) -> bool:
    """Say whether a description is such a mark."""
    return description is not None and _MARKED.fullmatch(description) is not None


def error_type(answer: SiteAnswer) -> str | None:
    """Return which error of Neutron's an answer is, by the name of its class there."""
    said: str | None = answer.document.get("NeutronError", {}).get("type")
    return said


class NeutronKind(Kind):
    """A kind of resource of Neutron."""

    service_type = "network"
    everywhere = False
    is_doubled = True
    fixed = frozenset({"project_id"})
    collection: ClassVar[str]
    """What Neutron calls many in paths; in bodies it has `_` for `-`, and nothing before a `/`."""
    member: ClassVar[str]
    """What Neutron calls one in bodies."""
    changeable: ClassVar[tuple[str, ...]] = ("name",)
    """Fields that one request changes."""
    if_possible: ClassVar[tuple[str, ...]] = ()
    """Fields that some sites do not have, or not so: each is changed by itself, and what is refused stays."""
    where_had: ClassVar[tuple[str, ...]] = ("tags",)
    """Fields of extensions, None where a Neutron has none: what the top does not say no site needs."""
    knowledge: ClassVar[frozenset[str]] = frozenset()
    """Fields of a definition that no site shows."""

    def __init_subclass__(cls, **more: Any) -> None:
        """Take from the collection what one is called, where the kind does not say it."""
        super().__init_subclass__(**more)
        if "member" not in cls.__dict__:
            cls.member = cls.collection.removesuffix("s").replace("-", "_")

    @abstractmethod
    def read(self, item: Item) -> Body:
        """Return what must be the same of an item that a Neutron shows, the top's or a site's."""

    @abstractmethod
    def first(self, body: Body) -> Item:
        """Return what a new one is made with, besides mark and project."""

    def define(self, item: Item) -> Body:
        """Return the definition's body of an item of the top."""
        return {**self.read(item), "id": item["id"], "project_id": item["project_id"], "copies": []}

    def following(self, body: Body, before: Known | None) -> Body:  # noqa: ARG002  # ports need both
        """Return a definition's body that comes after another one: what tells what is not wanted any more."""
        return body

    def in_site(self, body: Body, id_of: IdOf) -> Body:
        """Return a body as a site should show it: without what only the top knows."""
        shown = super().in_site(body, id_of)
        return {
            field: value
            for field, value in shown.items()
            if field not in self.knowledge and not (field in self.where_had and value is None)
        }

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by its mark; by the site's id for it where somebody has changed its description."""
        items = self._marked(view, sought)
        known = next((item for item in items if item["id"] == sought.site_resource_id), None)
        if known is None and sought.site_resource_id is not None:
            known = self._known(view, sought.site_resource_id)
        item = known or next(iter(items), None)
        if item is None:
            return None
        copies = [other["id"] for other in items if other["id"] != item["id"]]
        return self.found(item, sought.key if item in items else None, copies)

    def found(self, item: Item, marked: str | None, copies: list[str]) -> Found:
        """Describe what a site has.

        :param marked: the key that its mark has.
        :param copies: ids of others with the same mark.
        """
        body = {**self.read(item), "id": marked, "project_id": item["project_id"], "copies": copies}
        return Found(item["id"], item["name"], body)

    def _marked(self, view: SiteView, sought: Sought) -> list[Item]:
        """Return what bears its mark and is its project's, the oldest first."""
        filters = [("description", mark) for mark in self.marks(sought.key)]
        if sought.project_id is not None:
            # Who may write into a site directly cannot have another project's taken for their own.
            filters.append(("project_id", sought.project_id))
        answer = view.get(f"/v2.0/{self.collection}?{urlencode(filters)}")
        if answer is None and self.optional:
            raise self._not_offered(view)
        items: list[Item] = (answer or {})[self.collection.rpartition("/")[2].replace("-", "_")]
        return sorted(items, key=lambda item: (item.get("created_at") or "", item["id"]))

    def _known(self, view: SiteView, identifier: str) -> Item | None:
        item: Item | None = (view.get(self.path(identifier)) or {}).get(self.member)
        return item

    def _not_offered(self, view: SiteView) -> NotOffered:
        site = view.site.name
        return NotOffered(f"Site {site} has no {self.name.replace('_', ' ')} at all.", site=site)

    def path(self, identifier: str) -> str:
        """Return the path of one."""
        return f"/v2.0/{self.collection}/{quoted(identifier)}"

    def make(self, view: SiteView, body: Body) -> Found | None:
        """Make it, with its mark."""
        answer = view.change(
            f"{self.name} {body['id']} made",
            "POST",
            f"/v2.0/{self.collection}",
            {
                self.member: {
                    **self.first(body),
                    "name": body["name"],
                    "project_id": body["project_id"],
                    "description": mark_of(body["id"]),
                }
            },
            fine={404} if self.optional else (),
        )
        if answer.status == 404:
            raise self._not_offered(view)
        return self.found(answer.document[self.member], body["id"], [])

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change what differs, and delete copies that are not in use."""
        for copy in shown.body["copies"]:
            view.change("copy deleted", "DELETE", self.path(copy), fine={404, 409})
        path = self.path(shown.site_resource_id)
        differing = differences(shown.body, body).keys()
        changes = {field: body[field] for field in self.changeable if field in differing}
        if "id" in differing:
            changes["description"] = mark_of(body["id"])
        if changes:
            revision = self.fence(shown, body, changes)
            what = f"{self.name} updated"
            view.change(what, "PUT", path, {self.member: changes}, revision=revision)
        for field in (*self.if_possible, *self.where_had):
            if field in differing:
                self._try(view, shown, field, body)

    def marks(self, key: str) -> tuple[str, ...]:
        """Return the descriptions that what a site has for something of the top may have."""
        return (mark_of(key),)

    def fence(self, shown: Found, body: Body, changes: Item) -> int | None:  # noqa: ARG002  # subnets need all
        """Return the revision that a change holds for, None for any; what has to change besides is added."""
        return None

    def _try(self, view: SiteView, shown: Found, field: str, body: Body) -> None:
        """Change a field that the site may not have, or not so; what is not done is told."""
        is_had = field not in self.where_had or shown.body.get(field) is not None
        is_done = is_had and self.set_field(view, shown, field, body[field])
        if not is_done and self.is_drift(field, shown.body, body):
            view.note(differences({field: shown.body.get(field)}, {field: body[field]})[field])

    def set_field(self, view: SiteView, shown: Found, field: str, value: Any) -> bool:
        """Change one field; say whether the site took it."""
        path = self.path(shown.site_resource_id)
        if field == "tags":
            answer = view.change("tags changed", "PUT", f"{path}/tags", {"tags": value}, fine={400})
        else:
            wanted = {self.member: {field: value}}
            answer = view.change(f"{field} changed", "PUT", path, wanted, fine={400})
        return answer.status != 400

    def remove(self, view: SiteView, shown: Found) -> None:
        """Delete it; Neutron refuses while it is in use.

        :raises Conflict: others are at work on a part of it.
        """
        for identifier in (*shown.body["copies"], shown.site_resource_id):
            answer = view.change(f"{self.name} deleted", "DELETE", self.path(identifier), fine={404})
            # The 404 may be of a subnet that went while Neutron was deleting it with its network.
            if answer.status == 404 and self._known(view, identifier) is not None:
                site = view.site.name
                raise Conflict(f"Site {site} still has {self.name} {identifier}.", site=site)
