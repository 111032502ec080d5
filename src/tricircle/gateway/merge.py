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
class Shape:
    """Where an answer holds what merging looks at.

    :param collection: the key that the items stand under.
    :param wrapper: a key that each item stands under once more: `{"keypair": {...}}`.
    :param same_by: the field by which items of different sites are one replicated resource, if not the id.
    :param links_key: where the link to the next page is, unless it is `{collection}_links`.
    """

    collection: str
    id_field: str = "id"
    project_field: str = "tenant_id"
    created_field: str = "created"
    wrapper: str | None = None
    same_by: str | None = None
    links_key: str | None = None

    def parse(self, body: bytes) -> dict[str, msgspec.Raw]:
        """Take an answer apart; the items stay as they are.

        :raises ValueError: it is not a list of this shape.
        """
        document = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if self.collection not in document:
            raise ValueError(self.collection)
        return document

    def page(self, site: Site, document: dict[str, msgspec.Raw], order: Order) -> SitePage:
        """Read the keys of a page's items."""
        sorted_by = [name for name, _ in order.fields]
        same_by = self.same_by or self.id_field
        own = (self.id_field, same_by, self.project_field, self.created_field)
        names = tuple(dict.fromkeys((*own, *sorted_by)))
        items = document[self.collection]
        raws = msgspec.json.decode(items, type=list[msgspec.Raw])
        entries = []
        for raw, item in zip(raws, _decoder(names, self.wrapper).decode(items), strict=True):
            fields = dict(
                zip(names, msgspec.structs.astuple(item.wrapped if self.wrapper else item), strict=True)
            )
            values = [fields[name] for name in sorted_by]
            entries.append(
                Entry(
                    site,
                    str(fields[self.id_field]),
                    str(fields[same_by]),
                    order.key(values),
                    values,
                    fields[self.project_field],
                    fields[self.created_field],
                    raw,
                )
            )
        links = document.get(self.links_key or f"{self.collection}_links")
        return SitePage(entries, links is not None and b'"next"' in bytes(links))


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
        self._ended = False

    def __iter__(self) -> Iterator[Entry]:
        page: SitePage | None = self._page
        while page is not None:
            self._page = page
            for entry in page.entries:
                if not self._skip(entry):
                    self._given += 1
                    yield entry
            page = self._fetch(self.site, page.entries[-1].id) if page.more and page.entries else None
        self._ended = True

    def has_more(self, taken: int) -> bool:
        """Say whether the site has entries beyond those that were taken."""
        return self._given > taken or not self._ended


def merge(streams: Sequence[SiteStream]) -> Iterator[Entry]:
    """Merge sorted streams; where keys are equal the earlier stream's entries come first."""
    return heapq.merge(*streams, key=lambda entry: entry.key)
