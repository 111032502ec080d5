"""Ports that sites made, and their rows at the top."""

from collections.abc import Sequence
from typing import Any
from unittest import mock

from neutron_lib import context, exceptions
from neutron_lib.callbacks import events, registry, resources
from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_utils import uuidutils
from tests.unit.network.base import OTHER, SITE, AdoptingTestCase

from tricircle.network import adopted_ports, port_extensions
from tricircle.network.forwarder import Forwarder
from tricircle.xjob.port_rows import _DELETED


class AdoptedPortsTestCase(AdoptingTestCase):
    def adopted(self, query: str = "", who: Any = None) -> list[str]:
        ports = self.call("GET", f"adopted-ports?{query}", who=who)["adopted_ports"]
        return [port["id"] for port in ports]

    def test_the_row_is_the_port_of_the_site(self) -> None:
        wanted = self.a_port()
        for status in ("ACTIVE", "DOWN", "BUILD", "ERROR"):
            wanted = {**wanted, "id": uuidutils.generate_uuid(), "status": status}
            answer = self.post(wanted)["adopted_port"]
            assert wanted == {name: answer[name] for name in wanted}
            shown = self.call("GET", f"adopted-ports/{wanted['id']}")["adopted_port"]
            assert wanted == {name: shown[name] for name in wanted}
            expected = {name: value for name, value in wanted.items() if name != "site"}
            expected |= {"binding:host_id": SITE, "binding:vif_type": "other"}
            port = self.port(wanted["id"])
            assert expected == {name: port[name] for name in expected}
            self.call("DELETE", f"adopted-ports/{wanted['id']}")

    def test_adopting_again_brings_up_to_date(self) -> None:
        wanted = self.post(self.a_port())["adopted_port"]
        again = {name: wanted[name] for name in self.a_port()}
        self.post({**again, "status": "DOWN", "fixed_ips": self.at(11), "name": "new"})
        port = self.port(wanted["id"])
        assert ("DOWN", self.at(11), "new") == (port["status"], port["fixed_ips"], port["name"])
        assert [wanted["id"]] == self.adopted()
        self.adopt(fixed_ips=self.at(10))

    def test_another_port_is_not_taken_for_it(self) -> None:
        wanted = self.a_port()
        self.post(wanted)
        other_network = self._make_network(self.fmt, "green", True)["network"]["id"]
        self.post({**wanted, "site": OTHER}, status=409)
        self.post({**wanted, "mac_address": "fa:16:3e:aa:aa:aa"}, status=409)
        self.post({**wanted, "network_id": other_network, "fixed_ips": []}, status=409)
        own = self._make_port(self.fmt, self.network_id)["port"]
        refused = self.post({**wanted, "id": own["id"], "fixed_ips": []}, status=409)
        assert "was made at the top" in refused["NeutronError"]["message"]
        assert [wanted["id"]] == self.adopted()

    def test_one_that_two_adopt_at_once_is_adopted_once(self) -> None:
        wanted = self.a_port()
        owner = self.tricircle._owner
        with mock.patch.object(self.tricircle, "_owner") as looked:

            def adopt_meanwhile(*_: Any) -> None:
                looked.side_effect = owner
                body = {"status": "ACTIVE", "admin_state_up": True, **wanted, "name": "first"}
                self.tricircle.create_adopted_port(self.admin, {"adopted_port": body})

            looked.side_effect = adopt_meanwhile
            self.post({**wanted, "name": "second"})
        assert self.port(wanted["id"])["name"] == "second"
        assert [wanted["id"]] == self.adopted()

    def test_one_that_is_adopted_while_another_request_does_so_is_brought_up_to_date(self) -> None:
        """Neutron looks for the id first, and for the MAC address a little later."""
        wanted = self.a_port()
        create = port_extensions.create_port

        def create_meanwhile(*_: Any) -> Any:
            with mock.patch.object(port_extensions, "create_port", create):
                body = {"status": "ACTIVE", "admin_state_up": True, **wanted, "name": "first"}
                self.tricircle.create_adopted_port(self.admin, {"adopted_port": body})
            raise exceptions.MacAddressInUse(net_id=self.network_id, mac=wanted["mac_address"])

        with mock.patch.object(port_extensions, "create_port", create_meanwhile):
            self.post({**wanted, "name": "second"})
        assert self.port(wanted["id"])["name"] == "second"
        assert [wanted["id"]] == self.adopted()

    def test_one_address_and_one_mac_are_one_port_s(self) -> None:
        wanted = self.adopt()
        self.post({**self.a_port()}, status=409)
        mac = self.post(
            {**self.a_port(), "mac_address": wanted["mac_address"], "fixed_ips": self.at(11)}, status=409
        )
        assert mac["NeutronError"]["type"] == "MacAddressInUse"
        self.put(self.adopt(fixed_ips=self.at(11))["id"], answer=409, fixed_ips=self.at(10))
        assert len(self.adopted()) == 2
        self.adopt(fixed_ips=self.at(12))

    def test_one_whose_deletion_is_not_told_yet_is_not_adopted_anew(self) -> None:
        wanted = self.adopt()
        with mock.patch.object(Forwarder, "after_change"):
            self.call("DELETE", f"ports/{wanted['id']}")
        refused = self.post({name: wanted[name] for name in self.a_port()}, status=409)
        assert _DELETED in refused["NeutronError"]["message"]
        Forwarder(self.top).sweep()
        self.post({name: wanted[name] for name in self.a_port()})

    def test_what_a_user_has_just_changed_is_not_taken_back(self) -> None:
        wanted = self.adopt(fixed_ips=self.at(10), name="old")
        with mock.patch.object(Forwarder, "after_change"):
            self.call("PUT", f"ports/{wanted['id']}", {"port": {"name": "new"}})
        self.put(wanted["id"], name="old", status="DOWN")
        assert (self.port(wanted["id"])["name"], self.port(wanted["id"])["status"]) == ("new", "DOWN")
        Forwarder(self.top).sweep()
        self.put(wanted["id"], name="newer")
        assert self.port(wanted["id"])["name"] == "newer"

    def test_what_follows_from_an_older_row_is_refused(self) -> None:
        port_id = self.adopt(name="old")["id"]
        (seen,) = self.call("GET", f"adopted-ports?id={port_id}&fields=revision_number")["adopted_ports"]
        self.call("PUT", f"ports/{port_id}", {"port": {"name": "new"}})
        Forwarder(self.top).sweep()
        refused = self.put(port_id, 412, name="old", **seen)
        assert refused["NeutronError"]["type"] == "RevisionNumberConstraintFailed"
        assert self.port(port_id)["name"] == "new"
        self.put(port_id, name="newer", revision_number=self.port(port_id)["revision_number"])
        assert self.port(port_id)["name"] == "newer"

    def test_so_it_is_where_the_row_changes_while_the_request_is_at_it(self) -> None:
        """Neutron then does the transaction once more."""
        shown, is_first = self.adopt(name="old"), [True]

        def change(*_: Any, **__: Any) -> None:
            if is_first:
                is_first.clear()
                self.core.update_port(self.admin, shown["id"], {"port": {"name": "new"}})
                raise db_exc.DBDeadlock

        registry.subscribe(change, resources.PORT, events.BEFORE_UPDATE)
        self.addCleanup(registry.unsubscribe, change, resources.PORT, events.BEFORE_UPDATE)
        self.put(shown["id"], 412, name="old", revision_number=self.port(shown["id"])["revision_number"])
        assert self.port(shown["id"])["name"] == "new"

    def test_its_addresses_are_the_sites_alone(self) -> None:
        wanted = self.adopt(fixed_ips=self.at(10))
        for changes in (
            {"fixed_ips": self.at(11)},
            {"fixed_ips": self.at(10, 11)},
            {"fixed_ips": []},
            {"mac_address": "fa:16:3e:aa:aa:aa"},
        ):
            refused = self.call("PUT", f"ports/{wanted['id']}", {"port": changes}, status=409)
            assert refused["NeutronError"]["type"] == "PortIsOfSite"
            assert f"site {SITE}" in refused["NeutronError"]["message"]
        for same in (self.at(10), [{"ip_address": "10.0.0.10"}]):
            self.call("PUT", f"ports/{wanted['id']}", {"port": {"fixed_ips": same, "name": "new"}})
        self.put(wanted["id"], fixed_ips=self.at(11))
        assert (self.port(wanted["id"])["fixed_ips"], self.port(wanted["id"])["name"]) == (
            self.at(11),
            "new",
        )
        own = self._make_port(self.fmt, self.network_id)["port"]
        self.call("PUT", f"ports/{own['id']}", {"port": {"fixed_ips": self.at(3)}})

    def test_another_site_has_no_right_to_the_block(self) -> None:
        self.post({**self.a_port(), "site": OTHER}, status=409)
        self.adopt(site=OTHER, fixed_ips=self.at(3))
        self.adopt(fixed_ips=self.at(10))

    def test_a_port_of_the_top_keeps_its_address(self) -> None:
        own = self._make_port(self.fmt, self.network_id)["port"]["fixed_ips"]
        self.post({**self.a_port(), "fixed_ips": own}, status=409)

    def test_addresses_come_and_go(self) -> None:
        port_id = self.adopt(fixed_ips=self.at(10, 11))["id"]
        self.put(port_id, fixed_ips=self.at(11, 12))
        assert self.at(11, 12) == sorted(self.port(port_id)["fixed_ips"], key=str)
        self.put(port_id, name="only")
        assert len(self.port(port_id)["fixed_ips"]) == 2
        self.put(port_id, fixed_ips=[])
        self.adopt(fixed_ips=self.at(10, 11, 12))

    def test_neutron_chooses_no_address(self) -> None:
        wanted = self.a_port()
        del wanted["fixed_ips"]
        assert self.post(wanted)["adopted_port"]["fixed_ips"] == []
        self.post({**self.a_port(), "fixed_ips": [{"subnet_id": self.subnet["id"]}]}, status=400)
        self.post({**self.a_port(), "fixed_ips": [{"ip_address": "10.0.0.9"}]}, status=400)

    def test_what_the_site_changes_is_taken_over(self) -> None:
        port_id = self.adopt()["id"]
        group = self._make_security_group(self.fmt, "web", "")["security_group"]["id"]
        changes = {
            "status": "DOWN",
            "name": "new",
            "admin_state_up": False,
            "device_id": "another",
            "device_owner": "compute:az",
            "security_groups": [group],
        }
        shown = self.put(port_id, **changes)["adopted_port"]
        assert changes == {name: shown[name] for name in changes}
        port = self.port(port_id)
        assert changes == {name: port[name] for name in changes}
        self.put(port_id, status="ACTIVE")
        assert tuple(self.port(port_id)[name] for name in ("status", "name")) == ("ACTIVE", "new")

    def test_the_host_is_the_node(self) -> None:
        port_id = self.adopt(**{"binding:host_id": SITE})["id"]
        self.post({**self.a_port(), "fixed_ips": [], "binding:host_id": "compute-17"}, status=400)
        self.put(port_id, answer=400, **{"binding:host_id": "compute-17"})
        assert self.port(port_id)["binding:host_id"] == SITE

    def test_what_makes_no_sense_is_refused(self) -> None:
        wanted, nowhere = self.a_port(), uuidutils.generate_uuid()
        self.post({**wanted, "site": "atlantis"}, status=400)
        self.post({**wanted, "network_id": nowhere}, status=404)
        self.post({**wanted, "id": "nonsense"}, status=400)
        self.post({**wanted, "status": "FINE"}, status=400)
        self.post({**wanted, "security_groups": [nowhere]}, status=404)
        for missing in ("id", "network_id", "site", "mac_address"):
            self.post({name: value for name, value in wanted.items() if name != missing}, status=400)
        self.put(nowhere, answer=404, name="x")
        self.call("DELETE", f"adopted-ports/{nowhere}", status=404)
        self.call("GET", f"adopted-ports/{nowhere}", status=404)
        own = self._make_port(self.fmt, self.network_id)["port"]["id"]
        self.call("DELETE", f"adopted-ports/{own}", status=404)
        self.call("GET", f"ports/{own}")
        assert self.adopted() == []

    def test_several_are_adopted_up_to_one_that_is_refused(self) -> None:
        before = self.a_port()
        self.post(before)
        new = {**self.a_port(), "fixed_ips": self.at(11)}
        bad = {**self.a_port(), "fixed_ips": self.at(11)}
        body = {"adopted_ports": [before, new, bad]}
        self.call("POST", "adopted-ports", body, status=409)
        assert {before["id"], new["id"]} == set(self.adopted())
        answer = self.call("POST", "adopted-ports", {"adopted_ports": [before, new]})["adopted_ports"]
        assert [before["id"], new["id"]] == [port["id"] for port in answer]

    def test_the_row_goes_and_its_address_stays_the_site_s(self) -> None:
        port_id = self.adopt()["id"]
        self.call("DELETE", f"adopted-ports/{port_id}")
        self.call("GET", f"ports/{port_id}", status=404)
        body = {"port": {"network_id": self.network_id, "fixed_ips": self.at(10)}}
        self.call("POST", "ports", body, status=409)
        self.adopt(fixed_ips=self.at(10))

    def test_no_quota_refuses_a_port_that_is_there(self) -> None:
        cfg.CONF.set_override("quota_port", 0, group="QUOTAS")
        self.adopt()
        body = {"port": {"network_id": self.network_id}}
        self.call("POST", "ports", body, status=409, who=self.as_tenant())

    def test_a_network_in_use_stays(self) -> None:
        self.adopt()
        self.call("DELETE", f"networks/{self.network_id}", status=409)
        self.call("DELETE", f"subnets/{self.subnet['id']}", status=409)

    def test_ports_are_filtered_sorted_and_paged(self) -> None:
        mine = [
            self.adopt(fixed_ips=self.at(each), device_id=f"server-{each}")["id"] for each in (10, 11, 12)
        ]
        its = self.adopt(site=OTHER, fixed_ips=self.at(3))["id"]
        self._make_port(self.fmt, self.network_id)
        everything = sorted([*mine, its])
        assert everything == sorted(self.adopted())
        assert sorted(mine) == sorted(self.adopted(f"site={SITE}"))
        assert [its] == self.adopted(f"site={OTHER}")
        assert self.adopted("site=atlantis") == []
        assert [mine[1]] == self.adopted("device_id=server-11")
        assert [mine[2]] == self.adopted("fixed_ips=ip_address%3D10.0.0.12")
        assert [its] == self.adopted(f"binding:host_id={OTHER}")
        assert everything[::-1] == self.adopted("sort_key=id&sort_dir=desc")
        pages = "sort_key=id&sort_dir=asc&limit=3"
        assert everything[:3] == self.adopted(pages)
        assert everything[3:] == self.adopted(f"{pages}&marker={everything[2]}")
        shown = self.call("GET", "adopted-ports?fields=id&fields=site")["adopted_ports"]
        assert {"id", "site"} == set(shown[0])

    def test_one_that_goes_while_it_is_listed_is_not_shown(self) -> None:
        stays, goes = (self.adopt(fixed_ips=self.at(last))["id"] for last in (10, 11))
        find = adopted_ports._site_ids

        def find_late(where: Any, ids: Sequence[str]) -> dict[str, str]:
            return find(where, [each for each in ids if each != goes])

        with mock.patch.object(adopted_ports, "_site_ids", find_late):
            assert self.adopted() == [stays]

    def test_what_a_site_reports_is_not_followed(self) -> None:
        before = self.jobs()
        port_id = self.adopt()["id"]
        self.put(port_id, status="DOWN", fixed_ips=self.at(11))
        self.call("DELETE", f"adopted-ports/{port_id}")
        assert self.journal() == []
        new = self.jobs() - before
        assert set() == {kind for kind, _ in new} - {"security_group"}

    def test_what_a_tenant_does_to_it_is_followed(self) -> None:
        port_id = self.adopt()["id"]
        self.call("PUT", f"ports/{port_id}", {"port": {"name": "x"}}, who=self.as_tenant())
        assert ("port", port_id) in self.jobs()
        self.forget_jobs()
        self.call("DELETE", f"ports/{port_id}")  # as Nova does for the tenant
        assert ("port", port_id) in self.jobs()
        assert self.adopted() == []

    def test_a_service_adopts_for_any_project(self) -> None:
        port = self.post(self.a_port(), who=self.as_service())["adopted_port"]
        assert self._project_id == self.port(port["id"])["project_id"]
        assert [port["id"]] == self.adopted(who=self.as_service())
        self.call("DELETE", f"adopted-ports/{port['id']}", who=self.as_service())

    def test_a_tenant_learns_nothing(self) -> None:
        block = self.delegate(self.subnet["id"], 1)
        port = self.adopt()
        tenant, nowhere = self.as_tenant(), uuidutils.generate_uuid()
        self.post({**self.a_port(), "fixed_ips": []}, status=403, who=tenant)
        asked = {"subnet_id": self.subnet["id"], "site": SITE, "size": 1}
        self.call("POST", "address-blocks", {"address_block": asked}, status=403, who=tenant)
        for collection, there in (("address-blocks", block["id"]), ("adopted-ports", port["id"])):
            plural = collection.replace("-", "_")
            for query in ("limit=9", "limit=1&marker={}", "id={}"):
                real, unreal = (
                    self.call("GET", f"{collection}?{query.format(each)}", who=tenant)
                    for each in (there, nowhere)
                )
                assert real[plural] == []
                assert unreal == real
            for method, body in (("GET", None), ("PUT", {plural[:-1]: {}}), ("DELETE", None)):
                said = self.call(method, f"{collection}/{there}", body, status=404, who=tenant)
                of_none = self.call(method, f"{collection}/{nowhere}", body, status=404, who=tenant)
                assert str(said).replace(there, nowhere) == str(of_none)
        seen = self.call("GET", f"ports/{port['id']}", who=tenant)["port"]
        assert "binding:host_id" not in seen
        assert "site" not in seen
        everybody = context.Context("user", "another", is_admin=False, roles=["member"])
        self.call("GET", f"ports/{port['id']}", status=404, who=everybody)
