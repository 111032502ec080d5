"""Where a resource is: the process's cache, then the database, then a search of the sites.

A row is an index entry, not a right. It is used for the project it belongs to and for administrators;
for anyone else the sites are searched with that user's token as if there were no row, so that "not yours"
and "not there" are one answer, after the same work.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from oslo_config import cfg
from oslo_log import log

from tricircle.errors import DatabaseUnavailable, NotFound, SiteUnavailable
from tricircle.identity.identity import Identity
from tricircle.routing.cache import RouteCache
from tricircle.routing.resource_type import ResourceType
from tricircle.routing.route import Route
from tricircle.routing.search import Search, shown
from tricircle.routing.store import RouteStore
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)


class Locator:
    """Finds the site that holds a resource."""

    def __init__(
        self,
        registry: SiteRegistry,
        cache: RouteCache,
        store: RouteStore,
        search: Search,
        conf: cfg.ConfigOpts,
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._store = store
        self._search = search
        self._admin_roles = frozenset(conf.api.admin_roles)

    def locate(self, kind: ResourceType, resource_id: str, identity: Identity, token: str) -> Site:
        """Return the site that holds a resource.

        :raises NotFound: there is none that this user may know of.
        :raises SiteUnavailable: its site is disabled, or it is unknown and not every site could be asked.
        :raises DatabaseUnavailable: the cache does not know it, and the database cannot be asked.
        """
        route = self._cache.get(kind.name, resource_id)
        if route is not None and self._may_use(route, identity):
            return self._site(route)
        scope = None if self.sees_all(identity) else f"project {identity.project_id}"
        if not kind.is_id(resource_id) or self._cache.is_absent(kind.name, resource_id, scope):
            raise NotFound(kind.not_found.format(id=resource_id))
        route = self._store.find(resource_id, kind.name)
        if route is not None and self._may_use(route, identity):
            self._cache.put(route)
            return self._site(route)
        try:
            site, item = self._search.find(kind, resource_id, token, self._registry.snapshot.asked)
        except NotFound:
            self._cache.put_absent(kind.name, resource_id, scope)
            raise
        if item is not None:
            # What a site shows to somebody who is no administrator is in that user's project.
            project_id = kind.project_of(item) or (None if scope is None else identity.project_id)
            created_at = kind.created_at(item)
            self.learn([Route(resource_id, kind.name, site.id, resource_id, project_id, created_at)])
        return site

    def known(self, kind: ResourceType, resource_id: str, identity: Identity) -> Route | None:
        """Return the route of a resource without asking a site; None if no row of this user's knows it."""
        route = self._cache.get(kind.name, resource_id)
        if route is None:
            try:
                route = self._store.find(resource_id, kind.name)
            except DatabaseUnavailable:
                return None
        return route if route is not None and self._may_use(route, identity) else None

    def nearest_before(
        self, kind: ResourceType, site: Site, project_id: str | None, created_at: datetime
    ) -> Route | None:
        """Return the last resource of a site that is known to stand before a time in a list, newest first."""
        try:
            return self._store.nearest_before(project_id, kind.name, site.id, created_at)
        except DatabaseUnavailable:
            return None

    def page(self, kind: ResourceType, site: Site, project_id: str | None, limit: int) -> list[Route]:
        """Return what is known of a site's resources, newest first.

        :param project_id: None for all projects.
        """
        try:
            return self._store.page(project_id, kind.name, site.id, limit)
        except DatabaseUnavailable:
            return []

    def learn(self, routes: list[Route]) -> None:
        """Keep routes that an answer has shown; those known already cost nothing.

        A failure is only logged: a row that is missing costs a search, later.
        """
        new = [route for route in routes if self._adds(route)]
        if not new:
            return
        try:
            self._store.record(new)
        except DatabaseUnavailable as error:
            LOG.warning("Could not keep %d routes: %s", len(new), error.message)
            return
        self.remember(new)

    def remember(self, routes: Iterable[Route]) -> None:
        """Keep routes in this process; the database has them, or will have them, from somebody else."""
        for route in routes:
            self._cache.put(route)

    def complete(self, kind: ResourceType, resource_id: str, body: bytes) -> None:
        """Add to a route what the answer to its making did not show: when the resource was made.

        :param body: what the site shows of it.
        """
        route = self._cache.get(kind.name, resource_id)
        if route is None or route.created_at is not None:
            return
        created_at = kind.created_at(shown(kind, body) or {})
        if created_at is not None:
            self.learn([replace(route, created_at=created_at)])

    def forget(self, kind: ResourceType, resource_id: str, site: Site) -> None:
        """Drop the route of a resource that its site says is gone."""
        self._cache.drop(kind.name, resource_id)
        try:
            self._store.forget(resource_id, kind.name, site.id)
        except DatabaseUnavailable as error:
            LOG.warning("Could not drop the route of %s %s: %s", kind.name, resource_id, error.message)

    def sees_all(self, identity: Identity) -> bool:
        """Say whether a user may see resources of other projects, as far as the top is asked."""
        return not self._admin_roles.isdisjoint(identity.roles)

    def _adds(self, route: Route) -> bool:
        """Say whether a route tells more than what is kept."""
        kept = self._cache.get(route.resource_type, route.top_id)
        if kept is None:
            return True
        lacks_project = kept.project_id is None and route.project_id is not None
        lacks_time = kept.created_at is None and route.created_at is not None
        return lacks_project or lacks_time

    def _may_use(self, route: Route, identity: Identity) -> bool:
        """Say whether a route leads this user somewhere: it is the project's, and its site is still there."""
        own = route.project_id is not None and route.project_id == identity.project_id
        return (own or self.sees_all(identity)) and route.site_id in self._registry.snapshot.by_id

    def _site(self, route: Route) -> Site:
        site = self._registry.snapshot.by_id[route.site_id]
        if not site.is_asked:
            raise SiteUnavailable(f"Site {site.name} is disabled.", site=site.name, retry_after=60)
        return site
