"""The k-way merge: sites' sorted pages become one sorted stream, which asks for more where it runs dry."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from tricircle.gateway.ordering import Order
from tricircle.sites.site import Site


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a site's list, as far as merging looks at it.

    :param same_by: what it has in common with the same replicated resource in another site.
    :param key: where it stands in the list.
    :param values: what the key was made of.
    :param raw: its JSON, untouched.
    """

    site: Site
    id: str
    same_by: str
    key: tuple[Any, ...]
    values: list[Any]
    project_id: str | None
    created: str | None
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class SitePage:
    """A page of one site's list.

    :param more: the site says that there is a next one.
    """

    entries: list[Entry]
    more: bool


@dataclass(frozen=True, slots=True)
class Body:
    """A site's answer, taken apart.

    :param items: of each item the fields that merging looks at, and its JSON, untouched.
    :param more: the site says that there is a next page.
    :param count: how many items the site has in all, where it was asked for that.
    """

    items: list[tuple[dict[str, Any], msgspec.Raw]]
    more: bool
    count: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an answer holds what merging looks at.

    :param collection: the key that the items stand under.
    :param wrapper: a key that each item stands under once more: `{"keypair": {...}}`.
    :param same_by: the field by which items of different sites are one replicated resource, if not the id.
    :param links_key: where the link to the next page is, unless it is `{collection}_links`. Empty where the
        API has no markers, and so neither links nor pages that could be gone through.
    """

    collection: str
    id_field: str = "id"
    project_field: str = "tenant_id"
    created_field: str = "created"
    wrapper: str | None = None
    same_by: str | None = None
    links_key: str | None = None

    @property
    def links(self) -> str:
        """The key that the link to the next page stands under; empty where there is none."""
        return f"{self.collection}_links" if self.links_key is None else self.links_key

    def parse(self, body: bytes, order: Order) -> Body:
        """Take an answer apart.

        :raises ValueError: it is not a list of this shape.
        """
        document = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        items = document.get(self.collection)
        if items is None:
            raise ValueError(self.collection)
        own = (self.id_field, self.same_by or self.id_field, self.project_field, self.created_field)
        names = tuple(dict.fromkeys((*own, *(name for name, _ in order.fields))))
        looked_at = _decoder(names, self.wrapper).decode(items)
        raws = msgspec.json.decode(items, type=list[msgspec.Raw])
        links, count = document.get(self.links), document.get("count")
        return Body(
            [
                (_fields(names, item.wrapped if self.wrapper else item), raw)
                for item, raw in zip(looked_at, raws, strict=True)
            ],
            links is not None and b'"next"' in bytes(links),
            None if count is None else msgspec.json.decode(count, type=int),
        )

    def page(self, site: Site, body: Body, order: Order) -> SitePage:
        """Make the page that an answer of a site is."""
        return SitePage([self._entry(site, fields, raw, order) for fields, raw in body.items], body.more)

    def _entry(self, site: Site, fields: dict[str, Any], raw: msgspec.Raw, order: Order) -> Entry:
        values = [fields[name] for name, _ in order.fields]
        return Entry(
            site,
            str(fields[self.id_field]),
            str(fields[self.same_by or self.id_field]),
            order.key(values),
            values,
            fields[self.project_field],
            fields[self.created_field],
            raw,
        )


def _fields(names: tuple[str, ...], item: Any) -> dict[str, Any]:
    return dict(zip(names, msgspec.structs.astuple(item), strict=True))


@lru_cache(maxsize=256)
def _decoder(names: tuple[str, ...], wrapper: str | None) -> Any:
    """Make a decoder that reads some fields of each item and passes over the rest."""
    attributes = [f"field_{index}" for index in range(len(names))]
    item = msgspec.defstruct(
        "Item",
        [(attribute, Any, None) for attribute in attributes],
        rename=dict(zip(attributes, names, strict=True)),
    )
    if wrapper is not None:
        item = msgspec.defstruct("Wrapped", [("wrapped", item)], rename={"wrapped": wrapper})
    return msgspec.json.Decoder(list[item])  # type: ignore[valid-type]  # it is a type made just now


class SiteStream:
    """One site's entries, page after page.

    :param fetch: gets the page after an item; None when the site has stopped answering.
    :param skip: says which entries stand before the place where the merged page begins.
    """

    def __init__(
        self,
        site: Site,
        first: SitePage,
        fetch: Callable[[Site, str], SitePage | None],
        skip: Callable[[Entry], bool],
    ) -> None:
        self.site = site
        self._page = first
        self._fetch = fetch
        self._skip = skip
        self._given = 0
        self._left = True

    def __iter__(self) -> Iterator[Entry]:
        page: SitePage | None = self._page
        while page is not None:
            left = len(page.entries)
            for entry in page.entries:
                left -= 1
                if not self._skip(entry):
                    self._left = page.more or left > 0
                    self._given += 1
                    yield entry
            page = self._fetch(self.site, page.entries[-1].id) if page.more and page.entries else None
        self._left = False

    def has_more(self, taken: int) -> bool:
        """Say whether the site has entries beyond those that were taken.

        The merge asks each stream for one entry more than it has given, hence the count.
        """
        return self._given > taken or self._left


def merge(streams: Sequence[SiteStream]) -> Iterator[Entry]:
    """Merge sorted streams; where keys are equal the earlier stream's entries come first."""
    return heapq.merge(*streams, key=lambda entry: entry.key)
