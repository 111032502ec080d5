"""Neutron's segments are told to nobody."""

from unittest import mock

from neutron.notifiers.batch_notifier import BatchNotifier
from neutron.services.segments import db, plugin
from neutron_lib.callbacks import events, registry, resources
from tests.unit.network.base import TricircleTestCase

from tricircle.network import segments


class SegmentsTestCase(TricircleTestCase):
    def told(self) -> int:
        """Have a segment deleted; return how often Placement is to be told."""
        payload = events.DBEventPayload(self.admin, resource_id="a-segment")
        with mock.patch.object(BatchNotifier, "queue_event") as queued:
            registry.publish(resources.SEGMENT, events.AFTER_DELETE, self, payload=payload)
        return queued.call_count

    def test_one_that_goes_is_told_to_no_placement(self) -> None:
        with mock.patch.object(db, "segments_plugin", plugin.Plugin()):
            assert self.told() == 1, "a stock Neutron does"
            segments.keep_to_ourselves()
            assert self.told() == 0

    def test_nor_by_the_one_that_neutron_would_make_later(self) -> None:
        with mock.patch.object(db, "segments_plugin", None):
            segments.keep_to_ourselves()
            assert isinstance(db.segments_plugin, plugin.Plugin)
            assert self.told() == 0
