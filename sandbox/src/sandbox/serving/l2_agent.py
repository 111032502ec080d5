"""An emulated Open vSwitch agent: Neutron believes that it wires ports, and so they become ACTIVE.

It calls, within Neutron's own process, the methods that an agent's messages would call: the heartbeat that
makes the host one on which ports can be bound, and "device up" for each port that is bound there, upon which
Neutron tells Nova that the interface is plugged.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from neutron.plugins.ml2 import rpc as ml2_rpc
from neutron_lib import constants, context
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import directory
from oslo_log import log

LOG = log.getLogger(__name__)
HEARTBEAT_SECONDS = 20


class L2Agent:
    """The agent of one host."""

    def __init__(self, host: str, address: str) -> None:
        self.host = host
        self.plugin = directory.get_plugin()
        self.callbacks = ml2_rpc.RpcCallbacks(self.plugin.notifier, self.plugin.type_manager)
        self.bound: queue.Queue[str] = queue.Queue()
        self.state = {
            "agent_type": constants.AGENT_TYPE_OVS,
            "binary": "neutron-openvswitch-agent",
            "host": host,
            "topic": constants.L2_AGENT_TOPIC,
            "configurations": {
                "tunnel_types": ["vxlan"],
                "tunneling_ip": address,
                "bridge_mappings": {"physnet1": "br-phys", "extern": "br-ext"},
                "integration_bridge": "br-int",
                "datapath_type": "system",
                "ovs_hybrid_plug": False,
                "devices": 0,
            },
        }

    def start(self) -> None:
        """Report for the first time, then keep reporting, and wire ports, in threads."""
        self.report({**self.state, "start_flag": True})
        for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
            registry.subscribe(self.on_port, resources.PORT, event)
        for duty in (self.beat, self.wire):
            threading.Thread(target=duty, daemon=True).start()

    def report(self, state: dict[str, Any]) -> None:
        """Send one heartbeat."""
        self.plugin.create_or_update_agent(context.get_admin_context(), state)

    def beat(self) -> None:
        """Send heartbeats for ever."""
        while True:
            threading.Event().wait(HEARTBEAT_SECONDS)
            try:
                self.report(dict(self.state))
            except Exception:
                LOG.exception("the heartbeat of %s failed", self.host)

    def on_port(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        """Take note of a port that was bound to this host and is not up yet."""
        port = payload.latest_state
        if (
            port.get("binding:host_id") == self.host
            and port.get("binding:vif_type") == "ovs"
            and port.get("status") != constants.PORT_STATUS_ACTIVE
            and port.get("admin_state_up")
        ):
            self.bound.put(port["id"])

    def wire(self) -> None:
        """Say "device up" for each bound port, for ever; not in the request, which may still hold it."""
        while True:
            port_id = self.bound.get()
            try:
                self.callbacks.update_device_up(
                    context.get_admin_context(),
                    agent_id=f"ovs-agent-{self.host}",
                    device=port_id,
                    host=self.host,
                )
            except Exception:
                LOG.exception("port %s could not be set up", port_id)
