"""ML2/OVN in one process on SQLite: the thread that speaks with OVN writes nothing in the database.

A request waits for that thread while it holds the write lock, of which SQLite has one. When the thread hears
of a change it may want to write that its worker is alive, and would wait for the request: for a minute, and
then both fail. Another thread writes the same every half minute, which is enough.
"""

from __future__ import annotations

from typing import Any


def hear_without_writing() -> None:
    """Have the thread that hears of OVN's changes find its worker alive."""
    from neutron.common.ovn import hash_ring_manager
    from oslo_utils import timeutils

    manager = hash_ring_manager.HashRingManager
    find = manager.get_node

    def find_alive(self: Any, key: Any) -> tuple[Any, Any]:
        node, _ = find(self, key)
        return node, timeutils.utcnow()

    manager.get_node = find_alive
