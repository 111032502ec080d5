"""Addresses, names and paths of a sandbox."""

from pathlib import Path

import pytest

from sandbox import process
from sandbox.layout import NOVA, Layout

LAYOUT = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=2)


def test_every_service_listens_on_its_usual_port_at_an_address_of_its_own() -> None:
    listening = {
        planned.name: (planned.address, planned.port)
        for planned in process.all_processes(LAYOUT, with_top=True)
    }
    assert listening == {
        "keystone": ("127.77.5.10", 5000),
        "glance": ("127.77.5.10", 9292),
        "top-compute": ("127.77.5.20", 8774),
        "top-volume": ("127.77.5.20", 8776),
        "top-admin": ("127.77.5.20", 8780),
        "SiteOne-placement": ("127.77.5.31", 8778),
        "SiteOne-neutron": ("127.77.5.31", 9696),
        "SiteOne-cinder": ("127.77.5.31", 8776),
        "SiteOne-nova": ("127.77.5.31", 8774),
        "SiteTwo-placement": ("127.77.5.32", 8778),
        "SiteTwo-neutron": ("127.77.5.32", 9696),
        "SiteTwo-cinder": ("127.77.5.32", 8776),
        "SiteTwo-nova": ("127.77.5.32", 8774),
    }


def test_sites_can_be_named_in_any_letter_case() -> None:
    assert LAYOUT.site("sitetwo") == LAYOUT.site("SiteTwo") == LAYOUT.sites[1]
    with pytest.raises(KeyError):
        LAYOUT.site("SiteThree")


@pytest.mark.parametrize("count", [0, 21])
def test_a_sandbox_has_a_sensible_number_of_sites(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        Layout(Path("/srv/sandbox"), "127.77.5", sites_count=count)


def test_a_layout_is_what_it_was_when_it_is_loaded(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "127.77.9", sites_count=3, token_lifetime=60)
    layout.save()
    assert Layout.load(tmp_path) == layout
    assert Layout.load(tmp_path / "elsewhere") is None


def test_a_process_survives_its_journey_to_the_supervisor() -> None:
    for planned in process.all_processes(LAYOUT, with_top=True):
        assert process.Process.from_json(planned.to_json()) == planned


def test_the_top_runs_from_the_products_environment() -> None:
    compute = process.top_process(LAYOUT, NOVA, "compute")
    assert compute.arguments[0].endswith("/.venv/bin/granian")
    assert compute.arguments[-1] == "tricircle.wsgi.compute:application"
    assert compute.environment == {"OS_TRICIRCLE_CONFIG_FILES": "/srv/sandbox/conf/top/tricircle.conf"}
