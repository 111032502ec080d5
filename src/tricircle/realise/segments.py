"""The provider segments of a network, as a Neutron shows them to administrators, the top's or a site's.

Source: Networking API v2.0 reference, "Networks provider extended attributes (networks)" and "Networks
multiple provider extension".
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tricircle.realise.definition import Body
from tricircle.sites.service_calls import SiteRefused

_PROVIDER = "provider:"

_PHYSICAL = frozenset({"vlan", "flat"})
"""Types that are in the fabric: what is the same segment there is the same network."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment.

    :param network_type: `vlan`, `flat`, `vxlan`, ...
    :param segmentation_id: VLAN or the like; None where the type has none.
    """

    network_type: str
    physical_network: str | None
    segmentation_id: int | None

    def __str__(self) -> str:
        number = "" if self.segmentation_id is None else f" {self.segmentation_id}"
        return f"{self.network_type}{number}" + (f" of {self.physical_network}" if self.is_physical else "")

    @property
    def is_physical(self) -> bool:
        """Say whether it is in the fabric, and not what one cloud makes for itself above that."""
        return self.network_type in _PHYSICAL and self.physical_network is not None

    @property
    def attributes(self) -> dict[str, Any]:
        """What a network is made with that is to be this."""
        return {_PROVIDER + name: value for name, value in asdict(self).items() if value is not None}


class SegmentRefused(SiteRefused):
    """A site cannot have a network as the segment that it is to be there. What it says is for operators.

    :param network_id: the top's.
    """

    def __init__(self, message: str, refusal: SiteRefused, network_id: str) -> None:
        site = str(refusal.site)
        super().__init__(message, site=site, request_id=refusal.request_id, status=refusal.site_status)
        self.network_id = network_id


def shown_segments(network: Mapping[str, Any]) -> list[Segment]:
    """Return the segments of a network; none where they are not shown, as to users."""
    return list(_segments(network.get("segments") or [network]))


def _segments(shown: list[Mapping[str, Any]]) -> Iterator[Segment]:
    for each in shown:
        network_type = each.get(f"{_PROVIDER}network_type")
        if network_type is not None:
            physical_network = each.get(f"{_PROVIDER}physical_network")
            yield Segment(network_type, physical_network, each.get(f"{_PROVIDER}segmentation_id"))


def is_local(segments: Collection[Segment], hints: Collection[str]) -> bool:
    """Say whether a network is local to one site: it is limited, and what it is only that site knows."""
    return bool(hints and segments) and all(each.network_type == "local" for each in segments)


def defined_segments(body: Body) -> list[Segment]:
    """Return the segments of a network's definition; of one that was made before there were any, none."""
    return [Segment(**each) for each in body.get("segments", ())]
