"""Changes of a port at the top are carried to its site."""

from typing import Any

import pytest
from tests.unit.xjob.neutrons import GROUP, A, Office, port, row

from tricircle.errors import BadAnswer, Conflict
from tricircle.sites.service_calls import SiteAnswer
from tricircle.sites.zone_store import Place, ZoneStore
from tricircle.xjob.ports import adopted_ports, as_adopted, carry, carry_deletion, owner_at_top, ports_in
from tricircle.xjob.task import Stopping

PAIRS = [
    {"ip_address": "10.0.0.9", "mac_address": "fa:16:3e:00:00:01"},
    {"ip_address": "10.0.0.8", "mac_address": "x"},
]


class TestLists:
    def test_all_pages_are_read(self, office: Office) -> None:
        office.put(*(port(number) for number in range(1, 8)))
        found = ports_in(office.engine.sites, A, network_id="a-network")
        assert [item["id"] for item in found] == [f"port-{number}" for number in range(1, 8)]
        assert len(office.neutrons.asked) == 4

    def test_several_values_are_alternatives(self, office: Office) -> None:
        office.put(port(1), port(2), port(3))
        found = ports_in(office.engine.sites, A, id=["port-1", "port-3", "port-4"])
        assert [item["id"] for item in found] == ["port-1", "port-3"]

    def test_a_list_that_does_not_end_is_no_list(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        again = {"ports": [port(1)], "ports_links": [{"rel": "next", "href": "x"}]}
        monkeypatch.setattr(office.neutrons, "answer", lambda *_: SiteAnswer(200, again, None))
        with pytest.raises(BadAnswer):
            ports_in(office.engine.sites, A)

    @pytest.mark.parametrize("document", [{}, {"adopted_ports": {}}, {"adopted_ports": [{"name": "x"}]}])
    def test_what_is_no_list_is_no_answer(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
    ) -> None:
        monkeypatch.setattr(office.neutrons, "answer", lambda *_: SiteAnswer(200, document, None))
        with pytest.raises(BadAnswer):
            adopted_ports(office.engine.sites, A)


class TestChanges:
    @pytest.mark.parametrize(
        ("field", "value", "there"),
        [
            ("name", "new", "new"),
            ("admin_state_up", False, False),
            ("security_groups", [], []),
            ("allowed_address_pairs", PAIRS, PAIRS),
            ("port_security_enabled", False, False),
            ("tags", ["blue", "green"], ["blue", "green"]),
        ],
    )
    def test_each_arrives(self, office: Office, field: str, value: Any, there: Any) -> None:
        office.put(port(1))
        said = carry(office.engine, row(1, **{field: value}), A)
        assert field in said
        assert office.neutrons.ports == {"port-1": port(1, **{field: there})}

    def test_groups_are_the_sites_own(self, office: Office) -> None:
        office.realise("security_group", "top-other", "a-other")
        office.put(port(1))
        carry(office.engine, row(1, security_groups=[GROUP, "top-other"]), A)
        assert office.neutrons.ports["port-1"]["security_groups"] == ["a-group", "a-other"]

    def test_only_what_differs_is_sent_and_the_order_of_lists_is_no_difference(self, office: Office) -> None:
        office.put(port(1, allowed_address_pairs=PAIRS[::-1], tags=["b", "a"]))
        carry(office.engine, row(1, name="new", allowed_address_pairs=PAIRS, tags=["a", "b"]), A)
        assert office.neutrons.bodies == [{"port": {"name": "new"}}]

    def test_what_is_so_already_is_not_changed(self, office: Office) -> None:
        office.put(port(1))
        assert carry(office.engine, row(1), A) == "It was so already."
        assert office.effects() == []

    def test_what_the_site_decides_itself_stays(self, office: Office) -> None:
        office.put(port(1))
        carry(office.engine, row(1, status="DOWN", device_id="x", fixed_ips=[], mac_address="x"), A)
        assert office.neutrons.ports == {"port-1": port(1)}

    def test_what_the_sites_neutron_does_not_have_is_left_out(self, office: Office) -> None:
        item = port(1)
        del item["tags"], item["allowed_address_pairs"]
        office.put(item)
        carry(office.engine, row(1, tags=["a"], allowed_address_pairs=PAIRS), A)
        assert office.effects() == []

    def test_a_port_made_at_the_top_has_another_id_in_its_site(self, office: Office) -> None:
        office.realise("port", "port-1", "port-7")
        office.put(port(7))
        carry(office.engine, row(1, name="new"), A)
        assert office.neutrons.ports["port-7"]["name"] == "new"

    def test_a_group_that_the_site_does_not_have_yet_is_waited_for(self, office: Office) -> None:
        office.put(port(1))
        with pytest.raises(Conflict):
            carry(office.engine, row(1, name="new", security_groups=["unheard of"]), A)
        assert office.effects() == []

    def test_a_port_that_the_site_has_no_longer_is_left(self, office: Office) -> None:
        assert "does not have it" in carry(office.engine, row(1, name="new"), A)

    def test_it_ends_between_two_effects(self, office: Office) -> None:
        office.put(port(1))

        def step(name: str) -> None:
            if name == "change its tags":
                raise Stopping

        with pytest.raises(Stopping):
            carry(office.engine, row(1, name="new", tags=["a"]), A, step=step)
        assert office.neutrons.ports == {"port-1": port(1, name="new")}


class TestOwner:
    """A server's port says at the top in which of the top's zones the server is."""

    @pytest.fixture
    def zones(self, office: Office) -> ZoneStore:
        return ZoneStore(office.engine.database)

    @pytest.mark.parametrize(
        ("device_owner", "at_top"),
        [
            ("compute:nova", "compute:east"),
            ("compute:other", "compute:other"),
            ("compute:None", "compute:None"),
            ("compute:", "compute:"),
            ("", ""),
            ("network:dhcp", "network:dhcp"),
            ("nova", "nova"),
        ],
    )
    def test_the_zone_is_the_tops(
        self, office: Office, zones: ZoneStore, device_owner: str, at_top: str
    ) -> None:
        zones.put("east", "", [Place(A.name, "nova")])
        assert owner_at_top(office.engine, A, device_owner) == at_top
        adopted = as_adopted(office.engine, A, port(1, device_owner=device_owner))
        assert adopted is not None
        assert adopted["device_owner"] == at_top

    def test_of_several_it_is_the_one_that_servers_show(self, office: Office, zones: ZoneStore) -> None:
        for name in ("west", "east"):
            zones.put(name, "", [Place(A.name, "nova")])
        assert owner_at_top(office.engine, A, "compute:nova") == "compute:east"

    def test_a_name_of_cinders_is_none_of_novas(self, office: Office, zones: ZoneStore) -> None:
        zones.put("east", "", [Place(A.name, "nova", "disks")])
        assert owner_at_top(office.engine, A, "compute:disks") == "compute:disks"


class TestDeletion:
    @pytest.mark.parametrize("owner", ["compute:nova", ""])
    def test_a_port_deleted_at_the_top_goes_from_its_site(self, office: Office, owner: str) -> None:
        office.put(port(1, device_owner=owner))
        office.put_rows(row(1))
        office.neutrons.rows.clear()
        assert "site a" in carry_deletion(office.engine, "port-1")
        assert office.neutrons.ports == {}
        assert office.routed() == set()

    def test_neutrons_own_stay(self, office: Office) -> None:
        office.put(port(1, device_owner="network:dhcp"))
        office.put_rows(row(1))
        carry_deletion(office.engine, "port-1")
        assert sorted(office.neutrons.ports) == ["port-1"]

    def test_a_port_that_the_top_has_not_adopted_is_none_of_its_business(self, office: Office) -> None:
        office.put(port(1))
        assert carry_deletion(office.engine, "port-1") == "No site has it."
        assert sorted(office.neutrons.ports) == ["port-1"]

    def test_what_is_gone_already_is_gone(self, office: Office) -> None:
        office.put_rows(row(1))
        carry_deletion(office.engine, "port-1")
        assert office.routed() == set()

    def test_a_site_that_is_not_called_is_not_forgotten(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.put_rows(row(1))
        monkeypatch.setattr(type(A), "is_asked", False)
        with pytest.raises(Conflict):
            carry_deletion(office.engine, "port-1")
        assert office.routed() == {"port-1"}
