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


class SubnetsOfSegmentsTestCase(TricircleTestCase):
    def get_additional_service_plugins(self) -> dict[str, str]:
        """Load what has subnets belong to segments."""
        return {**super().get_additional_service_plugins(), "segments": "segments"}

    def test_a_subnet_belongs_to_none(self) -> None:
        network = self.call("POST", "networks", {"network": {"name": "blue"}})["network"]
        (segment,) = self.call("GET", f"segments?network_id={network['id']}")["segments"]
        body = {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/28"}
        refused = self.call("POST", "subnets", {"subnet": {**body, "segment_id": segment["id"]}}, status=400)
        assert refused["NeutronError"]["type"] == "SubnetOfSegment"
        subnet = self.call("POST", "subnets", {"subnet": body})["subnet"]
        change = {"subnet": {"segment_id": segment["id"]}}
        refused = self.call("PUT", f"subnets/{subnet['id']}", change, status=400)
        assert refused["NeutronError"]["type"] == "SubnetOfSegment"
        self.call("PUT", f"subnets/{subnet['id']}", {"subnet": {"name": "x"}})
        assert self.call("GET", f"subnets/{subnet['id']}")["subnet"]["segment_id"] is None
