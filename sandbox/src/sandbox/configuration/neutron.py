"""neutron.conf and ml2.ini of a site: ML2 with the Open vSwitch driver, whose agent the sandbox emulates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import NEUTRON

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site

QUOTAS = {
    "quota_network": 1000,
    "quota_subnet": 1000,
    "quota_port": 10000,
    "quota_router": 200,
    "quota_floatingip": 1000,
    "quota_security_group": 1000,
    "quota_security_group_rule": 10000,
}
# The physical network that reaches all sites: a VLAN in one is the same VLAN in the others.
STRETCHED = "stretched"


def sections(layout: Layout, site: Site) -> ini.Sections:
    """Return neutron.conf."""
    return {
        "DEFAULT": {
            **ini.site_process(layout, site, NEUTRON),
            "core_plugin": "ml2",
            "service_plugins": ["router", "segments", "trunk", "qos"],
            "api_paste_config": ini.PACKAGED / "neutron" / "api-paste.ini",
            "notify_nova_on_port_status_changes": True,
            "notify_nova_on_port_data_changes": True,
            "dhcp_agent_notification": False,
            # With none Neutron tells agents nothing, however many listen elsewhere.
            "rpc_workers": int(layout.is_full),
        },
        "database": ini.database(layout, site.name, NEUTRON.name),
        "keystone_authtoken": ini.token_check(layout, NEUTRON),
        "nova": ini.credentials(layout, "nova", region_name=site.name),
        "placement": ini.credentials(layout, "placement", region_name=site.name),
        "oslo_messaging_notifications": {"driver": "noop"},
        **ini.bus(layout),
        "oslo_concurrency": ini.lock(layout, site.name, NEUTRON),
        "quotas": QUOTAS,
    }


def ml2_sections(_layout: Layout, _site: Site) -> ini.Sections:
    """Return ml2.ini."""
    return {
        "ml2": {
            "type_drivers": ["local", "flat", "vlan", "vxlan"],
            "tenant_network_types": "vxlan",
            "mechanism_drivers": "openvswitch",
            "extension_drivers": ["port_security", "qos"],
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vlan": {"network_vlan_ranges": ["physnet1:100:1999", "extern", STRETCHED]},
        "ml2_type_vxlan": {"vni_ranges": "1:5000"},
        "securitygroup": {"enable_security_group": True},
    }
