"""Nothing is gone because a Neutron does not show it: that must be its own word, and it must show us all."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tricircle.errors import BadAnswer
from tricircle.sites.service_calls import ServiceCalls
from tricircle.sites.site import Site


def require_own_words(document: Mapping[str, Any], site: Site) -> None:
    """Go on only where a 404 is Neutron's own: nothing is gone because a proxy is lost.

    :raises BadAnswer: it is not.
    """
    if "NeutronError" not in document:
        raise BadAnswer(f"The 404 of site {site.name} is not its service's own.", site=site.name)


def require_sight(calls: ServiceCalls, site: Site, project_id: str) -> None:
    """Go on only where a Neutron shows the service user what is everybody's.

    :param project_id: of what is not shown.
    :raises SiteRefused: it does not: a quota of another project is shown to administrators alone.
    :raises TricircleError: what else `ServiceCalls.call` raises.
    """
    calls.call(site, "network", "GET", f"/v2.0/quotas/{quote(project_id, '')}")
