"""Keeps Neutron's segments from being told to a Nova and a Placement: the top's region has no Placement.

When the first network is deleted, Neutron makes an instance of its service plugin `segments` even where that
is not configured. It tells Placement of each segment that goes, and fails where there is none.
"""

import inspect

from neutron.services.segments import db, plugin
from neutron_lib.callbacks import registry
from neutron_lib.plugins import directory


def keep_to_ourselves() -> None:
    """Have the service plugin, also the one that Neutron would make itself, tell nobody."""
    if db.segments_plugin is None:
        db.segments_plugin = plugin.Plugin()
    for segments in (db.segments_plugin, directory.get_plugin("segments")):
        notifier = getattr(segments, "nova_updater", None)
        for name, method in inspect.getmembers(notifier, inspect.ismethod):
            if name.startswith("_notify_"):
                registry.unsubscribe_all(method)
