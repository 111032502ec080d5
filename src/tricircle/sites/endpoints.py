"""Where a region's services are: always what the Keystone catalogue says, never what a request says."""

import re
from functools import cache

from keystoneauth1.access.service_catalog import ServiceCatalog
from keystoneauth1.exceptions import CatalogException
from oslo_config import cfg

from tricircle.errors import SiteUnavailable
from tricircle.identity.service_user import ServiceUser
from tricircle.refreshed import Refreshed, in_background

_VERSION = re.compile(r"/v\d+(\.\d+)?$")

PUBLIC = "public"

_MISS_INTERVAL = 2.0
"""Seconds after which the catalogue is read again for an endpoint that it does not have."""


class Endpoints:
    """The roots of services: endpoint URLs without version and project, as these are a request's own.

    The catalogue is kept for `[sites] catalog_interval` seconds, and longer while Keystone is away.
    """

    def __init__(self, service_user: ServiceUser, conf: cfg.ConfigOpts) -> None:
        self._service_user = service_user
        self._interface: str = conf.sites.interface
        self._catalog = Refreshed(
            "the service catalogue", self._read, conf.sites.catalog_interval, start=in_background
        )

    def root(self, region: str, service_type: str) -> str:
        """Return where the top calls a region's service.

        :param service_type: as in the Service Types Authority, `compute` or `block-storage`; the
            catalogue may use an alias of it.
        :raises SiteUnavailable: the catalogue has no such endpoint.
        """
        root = self._catalog.get().root(region, service_type, self._interface)
        if root is None:
            self._catalog.expire(older_than=_MISS_INTERVAL)  # a site may be registered before its endpoints
            raise SiteUnavailable(f"Region {region} has no {service_type} endpoint in the catalogue.")
        return root

    def public_root(self, region: str, service_type: str) -> str | None:
        """Return where a region's users call its service, or None where the catalogue does not say."""
        return self._catalog.get().root(region, service_type, PUBLIC)

    def roots(self, region: str, service_type: str) -> list[str]:
        """Return every root that a region's service may write into its answers."""
        roots = self._catalog.get().root
        found = (roots(region, service_type, interface) for interface in (PUBLIC, self._interface))
        return [root for root in found if root is not None]

    def _read(self) -> "_Roots":
        catalog = self._service_user.catalog()
        return _Roots(catalog, self._service_user.project_id())


class _Roots:
    """One reading of the catalogue."""

    def __init__(self, catalog: ServiceCatalog, project_id: str | None) -> None:
        @cache
        def root(region: str, service_type: str, interface: str) -> str | None:
            try:
                url: str | None = catalog.url_for(service_type, interface=interface, region_name=region)
            except CatalogException:
                return None
            return None if url is None or not region else _strip(url, project_id)

        self.root = root


def _strip(url: str, project_id: str | None) -> str:
    """Cut project and version off an endpoint's URL."""
    url = url.rstrip("/")
    if project_id is not None:
        url = url.removesuffix(project_id).removesuffix("AUTH_").rstrip("/")
    return _VERSION.sub("", url)
