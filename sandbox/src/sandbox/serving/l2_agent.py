"""An emulated Open vSwitch agent: Neutron believes that it wires ports, and so they become ACTIVE.

It says what an agent says: the heartbeat that makes its host one on which ports can be bound, and "device
up" for each port that is bound there, upon which Neutron tells Nova that the interface is plugged. Within
Neutron's own process it calls the methods that an agent's messages would call; elsewhere it sends them.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Any

from neutron_lib import constants, context
from oslo_log import log

LOG = log.getLogger(__name__)
HEARTBEAT_SECONDS = 20
PATIENCE_SECONDS = 1
CATCH_UP_SECONDS = 10
ATTEMPTS = 10


class L2Agent:
    """What both kinds of the agent of one host have in common."""

    def __init__(self, host: str, address: str) -> None:
        self.host = host
        self.id = f"ovs-agent-{host}"
        self.bound: queue.Queue[str] = queue.Queue()
        self.state = {
            "agent_type": constants.AGENT_TYPE_OVS,
            "binary": "neutron-openvswitch-agent",
            "host": host,
            "topic": constants.L2_AGENT_TOPIC,
            "configurations": {
                "tunnel_types": ["vxlan"],
                "tunneling_ip": address,
                "bridge_mappings": {"physnet1": "br-phys", "extern": "br-ext", "stretched": "br-wan"},
                "integration_bridge": "br-int",
                "datapath_type": "system",
                "ovs_hybrid_plug": False,
                "devices": 0,
            },
        }

    def start(self) -> None:
        """Report for the first time, then keep reporting, and wire ports, in threads."""
        self.report({**self.state, "start_flag": True})
        self.listen()
        for duty in (self.beat, self.wire):
            threading.Thread(target=duty, daemon=True).start()

    def beat(self) -> None:
        """Send heartbeats for ever."""
        while True:
            threading.Event().wait(HEARTBEAT_SECONDS)
            try:
                self.report(dict(self.state))
            except Exception:
                LOG.exception("the heartbeat of %s failed", self.host)

    def notice(self, port: dict[str, Any]) -> None:
        """Take note of a port that was bound to this host and is not up yet."""
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
            self.set_up(self.bound.get())

    def set_up(self, port_id: str) -> None:
        """Say "device up" for a port until Neutron has heard it; not for ever, as others wait."""
        for _ in range(ATTEMPTS):
            try:
                self.device_up(port_id)
            except Exception:
                LOG.exception("port %s could not be set up", port_id)
                threading.Event().wait(PATIENCE_SECONDS)
            else:
                return

    def report(self, state: dict[str, Any]) -> None:
        """Send one heartbeat."""
        raise NotImplementedError

    def listen(self) -> None:
        """Be told of ports from now on."""
        raise NotImplementedError

    def device_up(self, port_id: str) -> None:
        """Say that a port is wired."""
        raise NotImplementedError


class EmbeddedAgent(L2Agent):
    """An agent within Neutron's own process."""

    def __init__(self, host: str, address: str) -> None:
        from neutron.plugins.ml2 import rpc
        from neutron_lib.plugins import directory

        super().__init__(host, address)
        self.plugin = directory.get_plugin()
        self.callbacks = rpc.RpcCallbacks(self.plugin.notifier, self.plugin.type_manager)

    def report(self, state: dict[str, Any]) -> None:
        """Send one heartbeat."""
        self.plugin.create_or_update_agent(context.get_admin_context(), state)

    def listen(self) -> None:
        """Hear of every port that is made or changed."""
        from neutron_lib.callbacks import events, registry, resources

        for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
            registry.subscribe(self.on_port, resources.PORT, event)

    def on_port(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        """Take note of a port."""
        self.notice(payload.latest_state)

    def device_up(self, port_id: str) -> None:
        """Say that a port is wired."""
        admin = context.get_admin_context()
        self.callbacks.update_device_up(admin, agent_id=self.id, device=port_id, host=self.host)


class RemoteAgent(L2Agent):
    """An agent in a process of its own."""

    def __init__(self, host: str, address: str) -> None:
        from neutron.agent import rpc
        from neutron_lib.agent import topics

        super().__init__(host, address)
        self.reports = rpc.PluginReportStateAPI(topics.REPORTS)
        self.server = rpc.PluginApi(topics.PLUGIN)

    def start(self) -> None:
        """Begin as soon as Neutron listens: what is said before that is lost."""
        import oslo_messaging
        from neutron_lib import rpc
        from neutron_lib.agent import topics

        target = oslo_messaging.Target(
            topic=topics.REPORTS, version="1.0", namespace=constants.RPC_NAMESPACE_STATE
        )
        serializer = rpc.RequestContextSerializer()
        # Neutron's own client would wait for half a minute between two attempts.
        client = oslo_messaging.get_rpc_client(rpc.TRANSPORT, target, serializer=serializer)
        while True:
            with contextlib.suppress(oslo_messaging.MessagingTimeout):
                admin = context.get_admin_context_without_session()
                client.prepare(timeout=PATIENCE_SECONDS).call(admin, "has_alive_neutron_server")
                break
        super().start()

    def report(self, state: dict[str, Any]) -> None:
        """Send one heartbeat."""
        self.reports.report_state(context.get_admin_context_without_session(), state)

    def listen(self) -> None:
        """Hear of every port whose binding changes, and ask now and then for those that were not heard of."""
        from neutron.agent import rpc
        from neutron_lib.agent import topics

        rpc.create_consumers([self], topics.AGENT, [[topics.PORT, topics.UPDATE]])
        threading.Thread(target=self.keep_up, daemon=True).start()

    def port_update(self, _context: Any, port: dict[str, Any], **_: Any) -> None:
        """Take note of a port: what Neutron calls on every agent."""
        self.notice(port)

    def keep_up(self) -> None:
        """Catch up for ever: what Neutron says while the broker or this agent is away is lost."""
        while True:
            try:
                self.catch_up()
            except Exception:
                LOG.exception("ports could not be asked for, and will be again")
            threading.Event().wait(CATCH_UP_SECONDS)

    def catch_up(self) -> None:
        """Wire what is bound here and is not up: also what was made bound, of which Neutron tells nobody."""
        from neutron.api.rpc.callbacks import resources
        from neutron.api.rpc.handlers import resources_rpc

        waiting = {"status": [constants.PORT_STATUS_DOWN, constants.PORT_STATUS_BUILD]}
        admin = context.get_admin_context_without_session()
        for port in resources_rpc.ResourcesPullRpcApi().bulk_pull(admin, resources.PORT, waiting):
            is_here = any(each.host == self.host and each.vif_type == "ovs" for each in port.bindings)
            if is_here and port.admin_state_up:
                self.bound.put(port.id)

    def device_up(self, port_id: str) -> None:
        """Say that a port is wired."""
        admin = context.get_admin_context_without_session()
        self.server.update_device_up(admin, port_id, self.id, self.host)
