"""`/v1/routes`."""

from datetime import datetime

from falcon import testing

from tricircle.admin.engine import Engine
from tricircle.routing.route import Route


def test_every_route_of_an_id_is_shown(admin: testing.TestClient, engine: Engine) -> None:
    one, two = engine.sites.create("SiteOne", "RegionOne"), engine.sites.create("SiteTwo", "RegionTwo")
    noon = datetime(2026, 1, 31, 12, 0, 0, 5)  # noqa: DTZ001  # as the columns hold it
    engine.routes.record([Route("1", "network", two.id, "2", "project", noon)])
    engine.routes.record([Route("1", "network", one.id, "3", None, None)])
    engine.routes.record([Route("4", "server", one.id, "4", None, None)])
    shown = admin.simulate_get("/v1/routes/1")
    assert shown.status_code == 200
    assert shown.json == {
        "routes": [
            {
                "id": "1",
                "type": "network",
                "project_id": "project",
                "site": "SiteTwo",
                "site_id": two.id,
                "site_resource_id": "2",
                "created_at": "2026-01-31T12:00:00Z",
            },
            {
                "id": "1",
                "type": "network",
                "project_id": None,
                "site": "SiteOne",
                "site_id": one.id,
                "site_resource_id": "3",
                "created_at": None,
            },
        ]
    }


def test_an_id_without_a_route_is_not_found(admin: testing.TestClient) -> None:
    missing = admin.simulate_get("/v1/routes/1")
    assert missing.status_code == 404
    assert missing.json["error"]["message"] == "No route of 1 is known."
