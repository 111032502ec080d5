"""neutron.conf and ml2.ini of the top: a stock Neutron with Tricircle's drivers and its service plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini, neutron
from sandbox.layout import NEUTRON

if TYPE_CHECKING:
    from sandbox.layout import Layout

PLUGIN = "tricircle"
# Which of the stretched network's VLANs tenants' networks take.
VLANS = "100:3999"
# Physical networks that only administrators use, and each site calls what it likes: `physical_networks`.
LOCAL = ("east", "west")


def sections(layout: Layout) -> ini.Sections:
    """Return neutron.conf.

    It has no bus, in either profile: there is no agent that it could speak to, and XJob's workers hear of its
    changes over the bus of tricircle.conf. Nor does it share a cache of tokens with the others, for which the
    product's environment has no client.
    """
    return {
        "DEFAULT": {
            "host": "top",
            "transport_url": "fake://",
            "use_stderr": True,
            "state_path": layout.state("top", NEUTRON.name),
            "api_paste_config": ini.TOP_PACKAGED / "neutron" / "api-paste.ini",
            "core_plugin": "ml2",
            "service_plugins": [PLUGIN, "qos", "network_ip_availability"],
            "ipam_driver": PLUGIN,
            # The sites serve DHCP, and speak to their Nova.
            "enable_traditional_dhcp": False,
            "dhcp_agent_notification": False,
            "notify_nova_on_port_status_changes": False,
            "notify_nova_on_port_data_changes": False,
            "rpc_workers": 0,
            "rpc_state_report_workers": 0,
        },
        "tricircle": {"config_file": layout.conf("top", "tricircle.conf")},
        "database": ini.database(layout, "top", NEUTRON.name),
        "keystone_authtoken": ini.uncached_token_check(layout, NEUTRON),
        "oslo_messaging_notifications": {"driver": "noop"},
        "oslo_concurrency": ini.lock(layout, "top", NEUTRON),
        "quotas": neutron.QUOTAS,
    }


def ml2_sections(_layout: Layout) -> ini.Sections:
    """Return ml2.ini."""
    return {
        "ml2": {
            "type_drivers": ["local", "flat", "vlan", "vxlan"],
            "tenant_network_types": "vlan",
            "mechanism_drivers": PLUGIN,
            "extension_drivers": ["port_security", "qos"],
        },
        "ml2_type_vlan": {"network_vlan_ranges": [f"{neutron.STRETCHED}:{VLANS}", *LOCAL]},
        "ml2_type_vxlan": {"vni_ranges": "1:5000"},
        "securitygroup": {"enable_security_group": True},
    }
