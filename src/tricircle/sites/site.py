"""A site: one OpenStack below the top, a Keystone region of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SiteState(StrEnum):
    """What an administrator lets a site do."""

    ENABLED = "enabled"
    """Everything."""
    CORDONED = "cordoned"
    """It gets nothing new; what it has goes on working."""
    DRAINING = "draining"
    """As cordoned, while what it has is moved or deleted."""
    DISABLED = "disabled"
    """It is not called at all: what it has is in no list, and is refused by id where its route is known."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site as it is registered.

    :param id: uuid; stays the same when the site is renamed.
    :param name: what operators and messages call it.
    :param region_name: its region in the Keystone catalogue, where its endpoints are found.
    :param created_at: naive, UTC; so is `updated_at`.
    :param physical_networks: what the site's Neutron calls those of the top's physical networks that it has,
        and it has no others; None where it has them all by the same names.
    """

    id: str
    name: str
    region_name: str
    description: str
    state: SiteState
    created_at: datetime
    updated_at: datetime
    physical_networks: Mapping[str, str] | None = field(default=None, hash=False)

    @property
    def takes_new(self) -> bool:
        """Say whether a new resource may be made in it."""
        return self.state is SiteState.ENABLED

    @property
    def is_asked(self) -> bool:
        """Say whether it is called at all."""
        return self.state is not SiteState.DISABLED

    def physical_network(self, name: str) -> str | None:
        """Return what it calls a physical network of the top; None where it has none such."""
        return name if self.physical_networks is None else self.physical_networks.get(name)
