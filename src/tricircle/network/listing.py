"""How a list of the plugin's own resources is asked for: who may have it, which sites, which page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from neutron import policy

from tricircle.network import sites
from tricircle.network.top import Top
from tricircle.sites.registry import Snapshot


@dataclass(frozen=True, slots=True)
class Listing:
    """What is asked for.

    :param context: neutron_lib's, with an administrator's rights: the policy has decided already.
    :param filters: but the one for sites.
    :param site_ids: whose to list; None for all.
    :param page: sorts, limit and direction, as Neutron's queries take them.
    :param marker: id of the last one of the page before.
    """

    context: Any
    filters: Mapping[str, Any]
    site_ids: Sequence[str] | None
    snapshot: Snapshot | None
    page: Mapping[str, Any]
    marker: str | None

    @classmethod
    def of(
        cls,
        context: Any,
        resource: str,
        filters: Mapping[str, Any] | None,
        page: Mapping[str, Any],
        top: Top,
    ) -> Self | None:
        """Understand a request.

        :return: None where whoever asks may see none: not even that a marker is there.
        :raises SitesUnknown: sites are asked for by name, and cannot be read.
        """
        if not may_see(context, resource):
            return None
        filters = dict(filters or {})
        names = filters.pop("site", None)
        snapshot = sites.if_known(top) if names is None else sites.known(top)
        page = dict(page)
        marker = page.pop("marker", None)
        return cls(
            context=context.elevated(),
            filters=filters,
            site_ids=None if names is None or snapshot is None else _ids(snapshot, names),
            snapshot=snapshot,
            page=page,
            marker=marker if page.get("limit") else None,
        )


def may_see(context: Any, resource: str) -> bool:
    """Say whether somebody may see any of a resource; to others there is none, whatever they ask for."""
    own = {"project_id": context.project_id}
    allowed: bool = policy.check(context, f"get_{resource}", own, pluralized=f"{resource}s")
    return allowed


def _ids(snapshot: Snapshot, names: Sequence[str]) -> list[str]:
    """Return the ids of sites; what is no site's name stands for itself, as it does where it is shown."""
    return [snapshot.by_name[name].id if name in snapshot.by_name else name for name in names]
