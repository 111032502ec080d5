"""What was to leave a site, or has left it, and is used there again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.fakes.faults import Status
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.db.timestamps import now
from tricircle.jobs.types import FOLLOW, REPLICATE
from tricircle.xjob import idle_networks

pytestmark = pytest.mark.usefixtures("_later")


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


@pytest.fixture
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nothing needs has been idle for an hour."""
    monkeypatch.setattr(idle_networks, "now", lambda: now() + timedelta(hours=1))


class TestGroup:
    @pytest.fixture
    def default(self, top: AdoptingTop, port: Document) -> list[str]:
        """The groups of the port."""
        return list(top.ports[port["id"]]["security_groups"])

    @pytest.fixture
    def extra(
        self, workshop: Workshop, neutron: Neutron, port: Document, default: list[str], site_one: Site
    ) -> Document:
        """Another group, in which the port was for a while."""
        extra = neutron.make("security_group", name="extra")
        for groups in ([*default, extra["id"]], default):
            neutron.change("port", port["id"], security_groups=groups)
            workshop.hurry(FOLLOW.name, REPLICATE.name)
            assert len(port["security_groups"]) == len(groups)
        assert site_one.network.marked("security_groups", extra["id"]) != []
        return extra

    def test_that_has_left_is_made_anew(
        self,
        workshop: Workshop,
        neutron: Neutron,
        compare: Callable[..., str],
        site_one: Site,
        *,
        port: Document,
        default: list[str],
        extra: Document,
    ) -> None:
        compare()
        assert site_one.network.marked("security_groups", extra["id"]) == []
        neutron.change("port", port["id"], security_groups=[*default, extra["id"]])
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        (there,) = site_one.network.marked("security_groups", extra["id"])
        assert there["id"] in port["security_groups"]

    def test_whose_removal_broke_off_stays_and_gets_its_rules(
        self,
        workshop: Workshop,
        neutron: Neutron,
        site_one: Site,
        *,
        port: Document,
        default: list[str],
        extra: Document,
    ) -> None:
        (there,) = site_one.network.marked("security_groups", extra["id"])
        path = f"/security-groups/{there['id']}"
        site_one.network.faults.put(Status(503, b"{}"), path, method="DELETE", times=1)
        with pytest.raises(AssertionError):
            workshop.compare_ports()
        neutron.change("port", port["id"], security_groups=[*default, extra["id"]])
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        neutron.add_rule(extra["id"], protocol="tcp", port_range_min=22, port_range_max=22)
        workshop.hurry(FOLLOW.name, REPLICATE.name)
        (there,) = site_one.network.marked("security_groups", extra["id"])
        assert 22 in {rule["port_range_min"] for rule in there["security_group_rules"]}


def test_a_network_whose_removal_broke_off_and_on_which_there_is_a_port_is_kept_as_it_should_be(
    workshop: Workshop, neutron: Neutron, net1: Document, port: Document, site_one: Site
) -> None:
    known_as = port["network_id"]
    del site_one.network.ports[port["id"]]
    site_one.network.faults.put(Status(503, b"{}"), f"/networks/{known_as}", method="DELETE", times=1)
    with pytest.raises(AssertionError):
        workshop.compare_ports()
    Neutron(neutron.cloud, site_one.network, neutron.token).make("port", network_id=known_as)
    workshop.catch_up("SiteOne")
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    neutron.change("network", net1["id"], name="renamed")
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    assert site_one.network.networks[known_as]["name"] == "renamed"
    assert workshop.parked() == []
