"""Provider segments of networks: only administrators set and see them, and each is one network's."""

import itertools
from typing import TYPE_CHECKING

from tests.fakes.network.rows import invalid, refusal
from tests.fakes.service import Call, Document, Refusal

if TYPE_CHECKING:
    from tests.fakes.network.service import Network

FIELDS = ("provider:network_type", "provider:physical_network", "provider:segmentation_id")
_SEGMENT = tuple[str, str | None, int | None]


def of_new(network: "Network", call: Call, wanted: Document) -> Document:
    """Return the provider attributes of a new network: those that are asked for, or what is free."""
    asked = _asked(wanted)
    if asked and not call.admin:
        raise Refusal(403, "rule:create_network:provider:network_type is disallowed by policy")
    segments = [_reserved(network, each) for each in asked] or [_free(network, network.type_of_new(wanted))]
    if len(segments) == 1:
        return dict(zip(FIELDS, segments[0], strict=True))
    return {"segments": [dict(zip(FIELDS, each, strict=True)) for each in segments]}


def _asked(wanted: Document) -> list[Document]:
    if "segments" in wanted:
        if any(field in wanted for field in FIELDS):
            message = "Segments and provider values cannot both be set."
            raise refusal(400, "SegmentsSetInConjunctionWithProviders", message)
        return list(wanted["segments"])
    return [wanted] if any(wanted.get(field) is not None for field in FIELDS) else []


def _reserved(network: "Network", asked: Document) -> _SEGMENT:
    network_type, physical_network, number = (asked.get(field) for field in FIELDS)
    if network_type in {"vlan", "flat"} and physical_network not in network.physical_networks:
        words = "VLAN" if network_type == "vlan" else "flat"
        raise invalid(f"physical_network '{physical_network}' unknown for {words} provider network")
    segment = (str(network_type), physical_network, number)
    if number is None and network_type != "flat":
        return _free(network, str(network_type), physical_network)
    if segment in _taken(network):
        if network_type == "flat":
            raise refusal(409, "FlatNetworkInUse", f"Physical network {physical_network} is in use.")
        message = (
            f"Unable to create the network. The VLAN {number} on physical network {physical_network} "
            "is in use."
        )
        raise refusal(409, "VlanIdInUse", message)
    return segment


def _free(network: "Network", network_type: str, physical_network: str | None = None) -> _SEGMENT:
    if network_type == "local":
        return network_type, None, None
    if network_type == "vlan":
        physical_network = physical_network or network.physical_networks[0]
    taken = _taken(network)
    free = ((network_type, physical_network, number) for number in itertools.count(100))
    return next(each for each in free if each not in taken)


def _taken(network: "Network") -> set[_SEGMENT]:
    return {
        (each["provider:network_type"], each["provider:physical_network"], each["provider:segmentation_id"])
        for item in network.networks.values()
        for each in item.get("segments", [item])
    }


def shown_to(call: Call, item: Document) -> Document:
    """Return a network as a user is shown it."""
    hidden = set() if call.admin else {*FIELDS, "segments"}
    return {name: value for name, value in item.items() if name not in hidden}


def require_unchanged(call: Call, wanted: Document) -> None:
    """Refuse to change them."""
    if any(field in wanted for field in (*FIELDS, "segments")):
        if not call.admin:
            raise Refusal(403, "rule:update_network:provider:network_type is disallowed by policy")
        raise invalid("Plugin does not support updating provider attributes")
