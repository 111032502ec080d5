"""Whom a site's Neutron shows a project's quotas: that tells whether it shows what is everybody's."""

from tests.contract.neutron import Neutron


def test_administrators_see_those_of_others(neutron: Neutron) -> None:
    shown = neutron.call("GET", f"quotas/{neutron.projects['member']}")
    assert (shown.status, "port" in shown.json["quota"]) == (200, True)


def test_nobody_else_does(neutron: Neutron) -> None:
    assert neutron.call("GET", f"quotas/{neutron.projects['member']}", who="stranger").status in {403, 404}
