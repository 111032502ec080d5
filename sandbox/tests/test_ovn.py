"""ML2/OVN in one process on SQLite."""

from datetime import timedelta

import pytest
from neutron.common.ovn import constants, hash_ring_manager
from oslo_utils import timeutils

from sandbox.serving import ovn


def test_who_hears_of_a_change_finds_nothing_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = hash_ring_manager.HashRingManager
    monkeypatch.setattr(kind, "get_node", kind.get_node)  # so that it is put back
    monkeypatch.setattr(kind, "_load_hash_ring", lambda _self: None)
    long_ago = timeutils.utcnow() - timedelta(hours=1)
    ring = kind.__new__(kind)
    ring._hash_ring, ring._node_last_touch = {b"row": {"worker"}}, {"worker": long_ago}
    ovn.hear_without_writing()
    node, last_touch = ring.get_node("row")
    assert node == "worker"
    assert last_touch > timeutils.utcnow() - timedelta(seconds=constants.HASH_RING_TOUCH_INTERVAL)
