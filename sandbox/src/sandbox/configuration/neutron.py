"""neutron.conf and ml2.ini of a site.

ML2 with the Open vSwitch driver, whose agent the sandbox emulates; with OVN's where there is a data plane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import data_plane
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
DNS_DOMAIN = "sandbox.example."
# The physical network that reaches all sites: a VLAN in one is the same VLAN in the others.
STRETCHED = "stretched"


def sections(layout: Layout, site: Site) -> ini.Sections:
    """Return neutron.conf."""
    router = "ovn-router" if layout.has_data_plane else "router"
    return {
        "DEFAULT": {
            **ini.site_process(layout, site, NEUTRON),
            "core_plugin": "ml2",
            "service_plugins": [router, "segments", "trunk", "qos"],
            "api_paste_config": ini.PACKAGED / "neutron" / "api-paste.ini",
            "notify_nova_on_port_status_changes": True,
            "notify_nova_on_port_data_changes": True,
            "dhcp_agent_notification": False,
            # With none Neutron tells agents nothing, however many listen elsewhere.
            "rpc_workers": int(layout.is_full),
            # With the default domain Neutron forgets the names of ports.
            "dns_domain": DNS_DOMAIN,
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


def ml2_sections(layout: Layout, site: Site) -> ini.Sections:
    """Return ml2.ini."""
    special = ovn_sections(layout, site) if layout.has_data_plane else AGENT_SECTIONS
    return {
        "ml2": {
            "type_drivers": ["local", "flat", "vlan", special["ml2"]["tenant_network_types"]],
            "extension_drivers": ["port_security", "qos", "dns"],
            **special["ml2"],
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "ml2_type_vlan": {"network_vlan_ranges": ["physnet1:100:1999", "extern", STRETCHED]},
        "ml2_type_vxlan": {"vni_ranges": "1:5000"},
        "securitygroup": {"enable_security_group": True},
        **{name: options for name, options in special.items() if name != "ml2"},
    }


AGENT_SECTIONS: ini.Sections = {"ml2": {"mechanism_drivers": "openvswitch", "tenant_network_types": "vxlan"}}


def ovn_sections(layout: Layout, site: Site) -> ini.Sections:
    """Return what has the site's OVN realise its networks."""
    databases = data_plane.database_address(layout, site)
    return {
        "ml2": {
            "mechanism_drivers": "ovn",
            "tenant_network_types": "geneve",
        },
        "ml2_type_geneve": {"vni_ranges": "1:5000", "max_header_size": 38},
        "ovn": {
            "ovn_nb_connection": databases,
            "ovn_sb_connection": databases,
            "ovn_metadata_enabled": False,
            # The hosts' own resolvers are of no use to a server here.
            "dns_servers": "192.0.2.53",
            "ovsdb_retry_max_interval": 2,
        },
    }
