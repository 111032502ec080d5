"""Address pairs, port security and tags of ports that sites made."""

from typing import Any
from unittest import mock

from oslo_config import cfg
from tests.unit.network.base import AdoptingTestCase

from tricircle.network import port_extensions
from tricircle.network.forwarder import Forwarder

MAC = "fa:16:3e:00:00:01"
PAIRS = [
    {"ip_address": "10.0.0.9", "mac_address": "FA:16:3E:00:00:09"},
    {"ip_address": "2001:DB8::/64", "mac_address": MAC},
]
OPEN: dict[str, Any] = {"port_security_enabled": False, "security_groups": [], "allowed_address_pairs": []}


def in_order(value: Any) -> Any:
    """Return pairs and tags in one order, and everything else as it is."""
    if not isinstance(value, list):
        return value
    return sorted(sorted(each.items()) if isinstance(each, dict) else each for each in value)


class PortExtensionsTestCase(AdoptingTestCase):
    def setup_config(self) -> None:
        super().setup_config()
        cfg.CONF.set_override("extension_drivers", ["port_security"], group="ml2")

    def is_at_the_top(self, port_id: str, **expected: Any) -> None:
        """See that a port has such fields, however it is asked for."""
        listed = self.call("GET", f"adopted-ports?id={port_id}")["adopted_ports"]
        shown = self.call("GET", f"adopted-ports/{port_id}")["adopted_port"]
        for found in (*listed, shown, self.port(port_id)):
            assert {name: in_order(found[name]) for name in expected} == {
                name: in_order(value) for name, value in expected.items()
            }

    def test_a_port_is_adopted_with_them(self) -> None:
        own = {"allowed_address_pairs": PAIRS, "port_security_enabled": True, "tags": ["red", "blue"]}
        made = self.adopt(**own)
        assert {name: in_order(made[name]) for name in own} == {
            name: in_order(value) for name, value in own.items()
        }
        self.is_at_the_top(made["id"], **own)
        bare = self.adopt(fixed_ips=self.at(11), **OPEN)
        self.is_at_the_top(bare["id"], **OPEN, tags=[])
        assert [row for row in self.journal() if row[0] == "port"] == []

    def test_who_does_not_know_of_them_says_nothing_of_them(self) -> None:
        wanted = self.a_port()
        made = self.post(wanted)["adopted_port"]
        own = {"allowed_address_pairs": [], "port_security_enabled": True, "tags": []}
        self.is_at_the_top(made["id"], **own)
        self.put(made["id"], allowed_address_pairs=PAIRS, tags=["red"])
        self.post(wanted)
        self.is_at_the_top(made["id"], allowed_address_pairs=PAIRS, tags=["red"])

    def test_a_port_of_a_network_without_port_security_may_have_it(self) -> None:
        body = {"network": {"port_security_enabled": False}}
        self.call("PUT", f"networks/{self.network_id}", body)
        group = self._make_security_group(self.fmt, "web", "")["security_group"]["id"]
        secure = {"port_security_enabled": True, "security_groups": [group]}
        self.is_at_the_top(self.adopt(**secure)["id"], **secure)

    def test_ports_of_neutrons_own_have_no_port_security(self) -> None:
        served = {"device_owner": "network:dhcp", "device_id": "a-network"}
        self.is_at_the_top(self.adopt(**served, **OPEN)["id"], **OPEN)

    def test_what_the_site_changes_is_taken_over(self) -> None:
        port_id = self.adopt(tags=["red", "blue"])["id"]
        before = self.port(port_id)["revision_number"]
        changes = {"allowed_address_pairs": PAIRS, "tags": ["blue", "green"]}
        shown = self.put(port_id, revision_number=before, **changes)["adopted_port"]
        assert {name: in_order(shown[name]) for name in changes} == {
            name: in_order(value) for name, value in changes.items()
        }
        assert shown["revision_number"] == self.port(port_id)["revision_number"] > before
        self.is_at_the_top(port_id, **changes)
        self.put(port_id, revision_number=shown["revision_number"], tags=["round"])
        assert self.port(port_id)["revision_number"] > shown["revision_number"]
        self.is_at_the_top(port_id, allowed_address_pairs=PAIRS, tags=["round"])
        self.put(port_id, allowed_address_pairs=None, tags=[])
        self.is_at_the_top(port_id, allowed_address_pairs=[], tags=[])
        assert [row for row in self.journal() if row[0] == "port"] == []

    def test_nobody_is_asked_to_carry_back_what_a_site_says(self) -> None:
        port_id = self.adopt(tags=["red"])["id"]
        self.put(port_id, tags=["blue"], allowed_address_pairs=PAIRS)
        assert ("port", port_id) not in self.jobs()
        self.call("PUT", f"ports/{port_id}/tags/mine")
        assert ("port", port_id) in self.journal()

    def test_a_pair_bears_the_ports_mac_address_where_it_names_none(self) -> None:
        pairs = [{"ip_address": "10.0.0.9"}]
        made = self.adopt(mac_address=MAC, allowed_address_pairs=pairs)
        expected = [{"ip_address": "10.0.0.9", "mac_address": MAC}]
        self.is_at_the_top(made["id"], allowed_address_pairs=expected)

    def test_a_site_may_allow_more_pairs(self) -> None:
        cfg.CONF.set_override("max_allowed_address_pair", 1)
        made = self.adopt(allowed_address_pairs=PAIRS)
        self.is_at_the_top(made["id"], allowed_address_pairs=PAIRS)
        more = [*PAIRS, {"ip_address": "10.0.0.8", "mac_address": MAC}]
        self.put(made["id"], allowed_address_pairs=more)
        self.is_at_the_top(made["id"], allowed_address_pairs=more)
        self.call("PUT", f"ports/{made['id']}", {"port": {"name": "new"}})
        self.is_at_the_top(made["id"], allowed_address_pairs=more, name="new")
        body = {"port": {"allowed_address_pairs": PAIRS}}
        self.call("PUT", f"ports/{made['id']}", body, status=400)

    def test_and_more_tags(self) -> None:
        many = [f"tag-{number}" for number in range(60)]
        self.is_at_the_top(self.adopt(tags=many)["id"], tags=many)

    def test_port_security_goes_with_groups_and_pairs_and_comes_back_with_them(self) -> None:
        group = self._make_security_group(self.fmt, "web", "")["security_group"]["id"]
        secure = {
            "port_security_enabled": True,
            "security_groups": [group],
            "allowed_address_pairs": PAIRS,
        }
        port_id = self.adopt(**secure)["id"]
        for off in (OPEN, {"port_security_enabled": False}):
            self.put(port_id, **off)
            self.is_at_the_top(port_id, **OPEN)
            self.put(port_id, **secure)
            self.is_at_the_top(port_id, **secure)
        self.put(port_id, 400, port_security_enabled=False, security_groups=[group])
        self.is_at_the_top(port_id, **secure)

    def test_what_a_user_has_just_changed_is_not_taken_back(self) -> None:
        its = {"allowed_address_pairs": PAIRS[:1], "tags": ["its"]}
        port_id = self.adopt(**its)["id"]
        with mock.patch.object(Forwarder, "after_change"):
            self.call("PUT", f"ports/{port_id}/tags/mine")
        self.put(port_id, status="DOWN", **OPEN, tags=["others"])
        self.is_at_the_top(
            port_id, **its | {"tags": ["its", "mine"]}, port_security_enabled=True, status="DOWN"
        )
        Forwarder(self.top).sweep()
        self.put(port_id, **OPEN, tags=["others"])
        self.is_at_the_top(port_id, **OPEN, tags=["others"])

    def test_what_follows_from_an_older_row_is_refused(self) -> None:
        made = self.adopt(allowed_address_pairs=PAIRS, tags=["red"])
        seen = self.port(made["id"])["revision_number"]
        self.call("PUT", f"ports/{made['id']}/tags/mine")
        Forwarder(self.top).sweep()
        self.put(made["id"], 412, revision_number=seen, allowed_address_pairs=[], tags=["others"])
        self.is_at_the_top(made["id"], allowed_address_pairs=PAIRS, tags=["mine", "red"])

    def test_one_that_is_deleted_as_soon_as_it_is_adopted_was_adopted(self) -> None:
        wanted, create = self.a_port(), port_extensions.create_port

        def delete_then(core: Any, *more: Any) -> Any:
            made = create(core, *more)
            core.delete_port(self.admin, made["id"])
            return made

        with mock.patch.object(port_extensions, "create_port", delete_then):
            assert self.post({**wanted, "tags": ["red"]})["adopted_port"]["id"] == wanted["id"]
        self.call("GET", f"adopted-ports/{wanted['id']}", status=404)

    def test_what_makes_no_sense_is_refused(self) -> None:
        port_id = self.adopt()["id"]
        for field, value in (
            ("allowed_address_pairs", [{"mac_address": MAC}]),
            ("allowed_address_pairs", [{"ip_address": "nonsense"}]),
            ("allowed_address_pairs", [{"ip_address": "10.0.0.9", "mac_address": "nonsense"}]),
            ("allowed_address_pairs", [{"ip_address": "10.0.0.9", "more": "of it"}]),
            ("allowed_address_pairs", [PAIRS[0], PAIRS[0]]),
            ("port_security_enabled", "perhaps"),
            ("tags", "red"),
            ("tags", ["red", "red"]),
            ("tags", ["x" * 256]),
        ):
            self.post({**self.a_port(), "fixed_ips": self.at(11), field: value}, status=400)
            self.put(port_id, 400, **{field: value})
        self.is_at_the_top(port_id, allowed_address_pairs=[], port_security_enabled=True, tags=[])


class WithoutExtensionsTestCase(AdoptingTestCase):
    """This Neutron has neither port security nor tags."""

    def get_additional_service_plugins(self) -> dict[str, str]:
        plugins = super().get_additional_service_plugins()
        return {name: plugin for name, plugin in plugins.items() if name != "tag"}

    def test_what_it_does_not_have_is_left_out(self) -> None:
        made = self.adopt(**OPEN, tags=["red"])
        self.put(made["id"], port_security_enabled=False, tags=["blue"], name="new")
        shown = self.call("GET", f"adopted-ports/{made['id']}")["adopted_port"]
        assert shown["name"] == "new"
        assert {"port_security_enabled", "tags"}.isdisjoint(shown)
        self.put(made["id"], allowed_address_pairs=PAIRS)
        assert len(self.port(made["id"])["allowed_address_pairs"]) == len(PAIRS)
