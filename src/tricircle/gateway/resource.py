"""What the gateway must know of a resource's JSON: where it bears links and availability zones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as its service's API reference describes it.

    :param name: the key that one stands under: `server`.
    :param collection: the key that many stand under, and the path segment of their links: `servers`.
    :param id_field: the field that holds its id.
    :param linked: resources within it that bear links of their own: field and collection.
    :param zone_fields: the fields that hold an availability zone's name.
    :param replicated: the fields that hold the id of a replicated resource that each site calls otherwise,
        with its kind.
    :param links_beside: its links stand beside it in the body, not within.
    """

    name: str
    collection: str
    id_field: str = "id"
    linked: Sequence[tuple[str, str]] = ()
    zone_fields: Sequence[str] = ()
    replicated: Sequence[tuple[str, str]] = ()
    links_beside: bool = False

    def rewrite(self, item: Item, root: str, prefix: str, zone: Callable[[str], str]) -> None:
        """Turn a site's representation into the top's, in place.

        Links are not translated but made: what they point at is known, and so no site's address can be
        left in one.

        :param root: the top's, for bookmarks.
        :param prefix: the root with the API version, for links to the resource itself.
        :param zone: gives the top's name of a site's availability zone.
        """
        _link(item, self.collection, self.id_field, root, prefix)
        for name, collection in self.linked:
            within = item.get(name)
            if isinstance(within, dict):
                _link(within, collection, "id", root, prefix)
        for name in self.zone_fields:
            site_az = item.get(name)
            if site_az:
                item[name] = zone(site_az)


def _link(item: Mapping[str, Any], collection: str, id_field: str, root: str, prefix: str) -> None:
    for link in item.get("links", ()):
        base = prefix if link.get("rel") == "self" else root
        link["href"] = f"{base}/{collection}/{item.get(id_field)}"
