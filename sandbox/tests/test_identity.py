"""The catalogue: what a client finds in each region."""

from pathlib import Path

from sandbox.identity import endpoints
from sandbox.layout import Layout


def test_a_tenant_finds_the_top_in_central_and_each_site_in_its_own_region() -> None:
    layout = Layout(Path("/srv/sandbox"), "127.77.5", sites_count=1)
    shared = {"identity": "http://127.77.5.10:5000/v3", "image": "http://127.77.5.10:9292"}
    found: dict[str, dict[str, str]] = {}
    for region, type_, url in endpoints(layout):
        found.setdefault(region, {})[type_] = url
    assert found == {
        "Central": {
            **shared,
            "compute": "http://127.77.5.20:8774/v2.1",
            "block-storage": "http://127.77.5.20:8776/v3",
            "network": "http://127.77.5.20:9696",
            "tricircle": "http://127.77.5.20:8780",
        },
        "SiteOne": {
            **shared,
            "compute": "http://127.77.5.31:8774/v2.1",
            "block-storage": "http://127.77.5.31:8776/v3",
            "network": "http://127.77.5.31:9696",
            "placement": "http://127.77.5.31:8778",
        },
    }
