"""Keeps Neutron's segments to the top: in a site a network is one, and the top's region has no Placement.

When the first network is deleted, Neutron makes an instance of its service plugin `segments` even where that
is not configured. It tells Placement of each segment that goes, and fails where there is none.
"""

import inspect
from typing import Any

from neutron.services.segments import db, plugin
from neutron_lib import exceptions
from neutron_lib.api import validators
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import directory


class SubnetOfSegment(exceptions.BadRequest):
    """A subnet is to belong to a segment."""

    message = "A subnet cannot belong to a segment here: each site has the whole subnet, on its own segment."


def refuse_of_subnets() -> None:
    """Have no subnet belong to a segment, of which sites would know nothing."""
    for event in (events.BEFORE_CREATE, events.BEFORE_UPDATE):
        registry.subscribe(_require_none, resources.SUBNET, event)


def _require_none(_resource: str, _event: str, _trigger: Any, payload: Any) -> None:
    if validators.is_attr_set(payload.latest_state.get("segment_id")):
        raise SubnetOfSegment


def keep_to_ourselves() -> None:
    """Have the service plugin, also the one that Neutron would make itself, tell nobody."""
    if db.segments_plugin is None:
        db.segments_plugin = plugin.Plugin()
    for segments in (db.segments_plugin, directory.get_plugin("segments")):
        notifier = getattr(segments, "nova_updater", None)
        for name, method in inspect.getmembers(notifier, inspect.ismethod):
            if name.startswith("_notify_"):
                registry.unsubscribe_all(method)
