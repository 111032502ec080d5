"""`/v1/routes/{resource_id}`: which sites hold a resource, as far as the top has learnt."""

import falcon

from tricircle.admin.answers import Document, answer
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render
from tricircle.errors import NotFound
from tricircle.routing.route import Route

PATH = "/v1/routes"


def show(engine: Engine, _req: falcon.Request, resp: falcon.Response, *, resource_id: str) -> None:
    """Show every route of an id. The sites themselves are not searched."""
    routes = engine.routes.all(resource_id)
    if not routes:
        raise NotFound(f"No route of {resource_id} is known.")
    names = {site.id: site.name for site in engine.sites.page()}
    answer(resp, {"routes": [_document(route, names.get(route.site_id)) for route in routes]})


def _document(route: Route, site: str | None) -> Document:
    return {
        "id": route.top_id,
        "type": route.resource_type,
        "project_id": route.project_id,
        "site": site,
        "site_id": route.site_id,
        "site_resource_id": route.site_resource_id,
        "created_at": None if route.created_at is None else render(route.created_at),
    }
