"""ML2 mechanism driver `tricircle`: journals every change, and binds ports to nodes.

Follows neutron-lib's interface (neutron_lib.plugins.ml2.api.MechanismDriver): what ends in `precommit` runs
in Neutron's transaction and only writes a row; what ends in `postcommit` runs after it, and hands rows on.
"""

from collections.abc import Callable
from typing import Any

from neutron import policy
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg

from tricircle.network import (
    adoption,
    journal,
    provider_segments,
    segments,
    site_views,
    sites,
    top,
    watched,
)
from tricircle.network.boots import Boots
from tricircle.network.db.models import AdoptedPort
from tricircle.network.forwarder import Forwarder
from tricircle.network.qos import QosDriver
from tricircle.sites.registry import Snapshot
from tricircle.sites.site import Site

_PRECOMMIT = (events.PRECOMMIT_CREATE, events.PRECOMMIT_UPDATE, events.PRECOMMIT_DELETE)
_AFTER = (events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE)
_HANDED_ON = (
    resources.SECURITY_GROUP,
    resources.SECURITY_GROUP_RULE,
    resources.ADDRESS_GROUP,
    resources.RBAC_POLICY,
)
"""What is not ML2's own, and of which Neutron says afterwards that it changed."""

Hook = Callable[["TricircleMechanismDriver", Any], None]


def _precommit(resource_type: str) -> Hook:
    def write(_driver: "TricircleMechanismDriver", context: Any) -> None:
        current = context.current
        journal.record(context.plugin_context, resource_type, current["id"], current["project_id"])

    return write


def _postcommit(driver: "TricircleMechanismDriver", context: Any) -> None:
    driver.hand_on(context.plugin_context)


class TricircleMechanismDriver(api.MechanismDriver):
    """The driver."""

    create_network_precommit = update_network_precommit = delete_network_precommit = _precommit("network")
    create_subnet_precommit = update_subnet_precommit = delete_subnet_precommit = _precommit("subnet")
    update_port_precommit = delete_port_precommit = _precommit(journal.PORT)

    create_network_postcommit = update_network_postcommit = delete_network_postcommit = _postcommit
    create_subnet_postcommit = update_subnet_postcommit = delete_subnet_postcommit = _postcommit
    create_port_postcommit = update_port_postcommit = delete_port_postcommit = _postcommit

    def initialize(self) -> None:
        """Take hold of all that is to be seen.

        :raises oslo_config.cfg.Error: Tricircle's configuration is missing or wrong.
        :raises ValueError: so, too.
        """
        self._top = top.of()
        self._forwarder = Forwarder(self._top)
        self._qos = QosDriver(self.hand_on)
        watched.watch()
        segments.refuse_of_subnets()
        Boots(self._top).watch()
        for event in _PRECOMMIT:
            registry.subscribe(self._security_group_changes, resources.SECURITY_GROUP, event)
            registry.subscribe(self._security_group_rule_changes, resources.SECURITY_GROUP_RULE, event)
        for event in _AFTER:
            for resource in _HANDED_ON:
                registry.subscribe(self._has_changed, resource, event)
        registry.subscribe(self._network_comes, resources.NETWORK, events.BEFORE_CREATE)
        # The core plugin is not in the directory before all its drivers are initialised.
        registry.subscribe(self._process_begins, resources.PROCESS, events.AFTER_INIT)

    @property
    def connectivity(self) -> str:
        """What a port of this driver is connected to."""
        connectivity: str = portbindings.CONNECTIVITY_L2
        return connectivity

    def create_port_precommit(self, context: Any) -> None:
        """Write whose port it is into the transaction that makes it."""
        plugin_context, port = context.plugin_context, context.current
        adopted = adoption.of(plugin_context)
        if adopted is not None:
            plugin_context.session.add(AdoptedPort(port_id=port["id"], site_id=adopted.site_id))
        journal.record(plugin_context, journal.PORT, port["id"], port["project_id"])

    def bind_port(self, context: Any) -> None:
        """Bind a port to a node; the site's own Neutron binds it to one of the site's hosts.

        What a site says of the status of its port stays so. A port that was made at the top is as good as
        active once it is on a node.
        """
        adopted = adoption.of(context.plugin_context)
        snapshot = sites.if_known(self._top)
        site = None if snapshot is None else self._site(snapshot, context.host, adopted)
        if adopted is None and site is None:
            return
        segment = context.segments_to_bind[0]
        if snapshot is not None and site is not None:
            segment = provider_segments.segment_of(site, context.segments_to_bind, snapshot)
        context.set_binding(
            segment[api.ID],
            portbindings.VIF_TYPE_OTHER,
            {portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity},
            status=constants.PORT_STATUS_ACTIVE if adopted is None else adopted.status,
        )

    def hand_on(self, context: Any) -> None:
        """Hand the journal on, unless this is within a transaction still."""
        if not db_api.is_session_active(context.session):
            self._forwarder.after_change()

    @staticmethod
    def _site(snapshot: Snapshot, host: str, adopted: adoption.Adoption | None) -> Site | None:
        """Return the site that a port is in, or whose node it is to be on; None where it is none's."""
        if adopted is not None:
            return snapshot.by_id.get(adopted.site_id)
        return sites.on_node(snapshot, host)

    def _network_comes(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        sites.if_known(self._top)  # what is due is read now, and not within the transaction
        provider_segments.require_reach(self._top, payload.desired_state)
        provider_segments.keep_local(self._top, payload.desired_state)

    def _security_group_changes(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        group = payload.latest_state
        journal.record(payload.context, resources.SECURITY_GROUP, payload.resource_id, group["project_id"])

    def _security_group_rule_changes(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        rule = payload.latest_state or payload.metadata  # one that goes tells its group's id only
        journal.record(
            payload.context, resources.SECURITY_GROUP, rule["security_group_id"], rule.get("project_id")
        )

    def _has_changed(self, _resource: str, _event: str, _trigger: Any, payload: Any) -> None:
        self.hand_on(payload.context)

    def _process_begins(self, _resource: str, _event: str, _trigger: Any, **_payload: Any) -> None:
        # Neutron makes its rules at the first request, in a way that refuses others which come meanwhile; so
        # does neutron-lib with those that tell an administrator, who would not see what there is.
        policy.init(cfg.CONF)
        Context()
        site_views.install(directory.get_plugin(), self._top)
        sites.if_known(self._top)  # so that something is at hand
        segments.keep_to_ourselves()
