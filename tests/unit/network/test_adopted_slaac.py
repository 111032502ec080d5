"""Addresses of adopted ports that their hosts choose, and ports that no server has."""

from typing import Any

from tests.unit.network.base import OTHER, SITE, AdoptingTestCase


class AdoptedSlaacTestCase(AdoptingTestCase):
    def slaac(self) -> str:
        """Have the network get a subnet whose hosts choose their addresses."""
        network = {"network": {"id": self.network_id, "project_id": self._project_id}}
        modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
        made = self._make_subnet(self.fmt, network, "2001:db8::1", "2001:db8::/64", ip_version=6, **modes)
        subnet_id: str = made["subnet"]["id"]
        return subnet_id

    def addresses(self, port_id: str) -> set[str]:
        """Return the addresses of a port."""
        return {each["ip_address"] for each in self.port(port_id)["fixed_ips"]}

    def test_addresses_that_hosts_choose_need_not_be_said(self) -> None:
        address = {"subnet_id": self.slaac(), "ip_address": "2001:db8::f816:3eff:fe00:1"}
        both = [*self.at(10), address]
        port_id = self.adopt(mac_address="fa:16:3e:00:00:01", fixed_ips=both)["id"]
        self.put(port_id, fixed_ips=both)
        assert sorted(self.port(port_id)["fixed_ips"], key=str) == sorted(both, key=str)

    def test_a_port_gets_an_address_of_a_subnet_that_comes_later(self) -> None:
        port_id = self.adopt(mac_address="fa:16:3e:00:00:01")["id"]
        subnet_id = self.slaac()
        own = "2001:db8::f816:3eff:fe00:1"
        assert self.addresses(port_id) == {"10.0.0.10", own}
        # What the site says then is what there is: it has given the port the same.
        both = [*self.at(10), {"subnet_id": subnet_id, "ip_address": own}]
        self.put(port_id, fixed_ips=both)
        assert self.addresses(port_id) == {"10.0.0.10", own}
        self.call("DELETE", f"subnets/{subnet_id}")
        assert self.addresses(port_id) == {"10.0.0.10"}

    def test_two_sites_choose_different_ones(self) -> None:
        self.slaac()
        macs = ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02")
        sites = (SITE, OTHER)
        ids = [
            self.adopt(mac_address=mac, site=site, fixed_ips=[])["id"]
            for mac, site in zip(macs, sites, strict=True)
        ]
        assert [self.addresses(each) for each in ids] == [
            {"2001:db8::f816:3eff:fe00:1"},
            {"2001:db8::f816:3eff:fe00:2"},
        ]

    def test_dhcp_and_metadata_ports_are_rows_that_hold_no_network_up(self) -> None:
        subnet_id = self.slaac()
        served: dict[str, Any] = {"security_groups": [], "device_id": "a-network", "status": "ACTIVE"}
        six = {"subnet_id": subnet_id, "ip_address": "2001:db8::f816:3eff:fe00:3"}
        dhcp = self.adopt(
            **served,
            device_owner="network:dhcp",
            mac_address="fa:16:3e:00:00:03",
            fixed_ips=[*self.at(10), six],
        )["id"]
        metadata = self.adopt(**served, device_owner="network:distributed", fixed_ips=[])["id"]
        assert self.addresses(dhcp) == {"10.0.0.10", six["ip_address"]}
        for port_id in (dhcp, metadata):
            shown = self.port(port_id)
            assert (shown["binding:host_id"], shown["status"], shown["security_groups"]) == (
                SITE,
                "ACTIVE",
                [],
            )
        self.call("DELETE", f"networks/{self.network_id}")
        assert self.call("GET", "adopted-ports")["adopted_ports"] == []
