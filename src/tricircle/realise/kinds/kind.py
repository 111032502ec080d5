"""What is to be said of each kind of replicated resource."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote

from tricircle.errors import BadAnswer, TricircleError
from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.site_view import SiteView

IdOf = Callable[[str, str], str | None]
"""Tells what a site calls something, from its kind and key; None where it has none."""


class NotOffered(TricircleError):
    """A site has no such kind of resource: an extension that it does not have."""

    status = 501


class GoesWithout(TricircleError):
    """A site cannot have something now, and something else there is enough meanwhile."""


class Kind(ABC):
    """A kind of replicated resource.

    What it does in a site is idempotent: done again, or after half of it was done, it has the same end.
    """

    name: ClassVar[str]
    service_type: ClassVar[str]
    version: ClassVar[str | None] = None
    """The microversion that the top speaks of it to sites: one that every release from 2024.1 on has."""
    not_found: ClassVar[str]
    """The service's own words for one that is not there, with `{name}`."""
    fixed: ClassVar[frozenset[str]]
    """Fields that can only be changed by deleting it and making it again."""
    is_named: ClassVar[bool] = False
    """Each site gives it an id of its own; what is the same everywhere is its name, which is unique there."""
    everywhere: ClassVar[bool] = True
    """Whether every site gets it; else those do in which something needs it."""
    optional: ClassVar[bool] = False
    """Whether sites may lack the whole kind: what refers to one is there without it then."""
    is_doubled: ClassVar[bool] = False
    """Whether two that make it at the same time make two of it."""
    references: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Fields that hold the id of another replicated resource, and that one's kind."""

    @abstractmethod
    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it in a site; what is no proper answer may raise KeyError and the like.

        :raises NotOffered: the site has no such kind.
        """

    def look(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it in a site.

        :raises BadAnswer: the site shows it otherwise than the API reference says.
        """
        try:
            return self.find(view, sought)
        except (KeyError, TypeError, AttributeError) as error:
            site = view.site.name
            raise BadAnswer(f"Site {site} shows a {self.name} as none is shown.", site=site) from error

    def needs(self, body: Body) -> Iterable[tuple[str, str]]:
        """Return kinds and keys of what must be in a site before it."""
        return [(kind, body[field]) for field, kind in self.references.items() if body.get(field) is not None]

    def parts(self, body: Body) -> Iterable[tuple[str, str]]:  # noqa: ARG002  # those that have parts need it
        """Return kinds and keys of what must be in a site, after it and before it is complete there."""
        return ()

    def in_site(self, body: Body, id_of: IdOf) -> Body:
        """Return a definition's body as a site should show it."""
        translated = dict(body)
        for field, other in self.references.items():
            if body.get(field) is not None:
                translated[field] = id_of(other, body[field])
        return translated

    def is_drift(self, field: str, there: Body, wanted: Body) -> bool:  # noqa: ARG002  # networks need it
        """Say whether a field that a site has otherwise than it is wanted is to be told to operators."""
        return True

    def may_wait(self, shown: Found, body: Body) -> bool:  # noqa: ARG002  # kinds that have such things need it
        """Say whether what is in a site already is good for a server, and the rest may follow."""
        return False

    @abstractmethod
    def make(self, view: SiteView, body: Body) -> Found | None:
        """Make it in a site that has none; what is left to do then, `change` does.

        :return: what was made; None where it must be looked for.
        :raises NotOffered: the site has no such kind.
        """

    @abstractmethod
    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Bring it in a site to what the body says, but for the fields that are fixed."""

    @abstractmethod
    def remove(self, view: SiteView, shown: Found) -> None:
        """Delete it in a site."""


def quoted(identifier: str) -> str:
    """Quote an id as one segment of a path."""
    return quote(identifier, "")


def walk(view: SiteView, target: str, collection: str) -> Iterator[dict[str, Any]]:
    """Go through a list of Cinder, page by page.

    :param target: path and query, with at least one parameter.
    """
    marker = ""
    while True:
        page = (view.get(f"{target}&limit=500{marker}") or {}).get(collection, [])
        yield from page
        if len(page) < 500:
            return
        marker = f"&marker={quoted(page[-1]['id'])}"


def changed(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Compare two sets of specs: those to set, and the names of those to unset."""
    to_set = {name: value for name, value in wanted.items() if shown.get(name) != value}
    return to_set, sorted(shown.keys() - wanted.keys())
