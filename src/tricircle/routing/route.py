"""A route: which site holds a resource."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the index of resources.

    :param top_id: what the top calls the resource.
    :param resource_type: name of its type: `server`.
    :param site_resource_id: what the site calls it.
    :param project_id: whose it is; None where that is not known.
    :param created_at: when it was made, as the site says: naive, UTC. None where that is not known yet.
    """

    top_id: str
    resource_type: str
    site_id: str
    site_resource_id: str
    project_id: str | None
    created_at: datetime | None
