"""`/v1/sites`: the registered sites. Gateways heed a change within `[sites] refresh_interval` seconds."""

from collections import Counter
from collections.abc import Mapping

import falcon
from msgspec import UNSET, UnsetType, structs

from tricircle.admin import schemas
from tricircle.admin.answers import Document, answer, answer_page, self_links
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render
from tricircle.sites.site import Site

PATH = "/v1/sites"


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List sites."""
    query = schemas.read_query(req, schemas.SiteQuery)
    limit = engine.page_size(query.limit)
    query.limit = limit + 1
    url = engine.public_root(req) + PATH
    sites = [_document(url, site) for site in engine.sites.page(**structs.asdict(query))]
    answer_page(req, resp, collection="sites", url=url, items=sites, limit=limit, marker="id")


def create(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """Register a site."""
    new = schemas.read_body(req, schemas.NewSiteBody, engine.max_body_size).site
    _check_region(engine, new.region_name)
    _check_physical_networks(new.physical_networks)
    site = engine.sites.create(**structs.asdict(new))
    url = engine.public_root(req) + PATH
    answer(resp, {"site": _document(url, site)}, 201)
    resp.location = f"{url}/{site.id}"


def show(engine: Engine, req: falcon.Request, resp: falcon.Response, *, site: str) -> None:
    """Show a site."""
    found = engine.sites.get(site)
    answer(resp, {"site": _document(engine.public_root(req) + PATH, found)})


def update(engine: Engine, req: falcon.Request, resp: falcon.Response, *, site: str) -> None:
    """Change a site."""
    changes = schemas.read_body(req, schemas.SiteChangesBody, engine.max_body_size).site
    _check_region(engine, changes.region_name)
    _check_physical_networks(changes.physical_networks)
    given = {field: value for field, value in structs.asdict(changes).items() if value is not UNSET}
    changed = engine.sites.update(site, **given)
    answer(resp, {"site": _document(engine.public_root(req) + PATH, changed)})


def delete(engine: Engine, _req: falcon.Request, resp: falcon.Response, *, site: str) -> None:
    """Remove a site."""
    engine.sites.delete(site)
    resp.status = 204


def _check_region(engine: Engine, region_name: str | UnsetType) -> None:
    if region_name == engine.region_name:
        raise schemas.invalid(
            "site.region_name",
            f"{region_name} is the region of the top itself, whose gateways would call themselves.",
        )


def _check_physical_networks(names: Mapping[str, str] | UnsetType | None) -> None:
    twice = [name for name, number in Counter((names or {}).values()).items() if number > 1]
    if twice:
        raise schemas.invalid(
            "site.physical_networks",
            f"{twice[0]} cannot be two physical networks of the top at the same time.",
        )


def _document(url: str, site: Site) -> Document:
    return {
        "id": site.id,
        "name": site.name,
        "region_name": site.region_name,
        "description": site.description,
        "state": site.state,
        "physical_networks": site.physical_networks,
        "created_at": render(site.created_at),
        "updated_at": render(site.updated_at),
        "links": self_links(url, site.id),
    }
