"""An availability zone of the top: what a tenant chooses, and the places in sites that it stands for."""

from dataclasses import dataclass
from datetime import datetime

BLOCK_STORAGE = "block-storage"
"""The service type (OpenStack service types authority) whose zones a site may name by themselves."""


@dataclass(frozen=True, slots=True)
class ZoneMember:
    """One place that a zone stands for: an availability zone of one site.

    :param site_az: what the site's Nova calls it.
    :param volume_site_az: what the site's Cinder calls it; None where that is the same.
    """

    site_id: str
    site_name: str
    site_az: str
    volume_site_az: str | None = None

    def az_of(self, service_type: str) -> str:
        """Return what one of the site's services calls the zone."""
        return (self.volume_site_az if service_type == BLOCK_STORAGE else None) or self.site_az


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone of the top.

    :param id: uuid; stays the same however the zone is changed.
    :param members: by name of the site, then of its zone.
    :param created_at: naive, UTC; so is `updated_at`.
    """

    id: str
    name: str
    description: str
    members: tuple[ZoneMember, ...]
    created_at: datetime
    updated_at: datetime
