"""`/v1/nodes`: the capacity and state of each site, as it was when a worker last looked."""

from dataclasses import asdict, fields

import falcon

from tricircle.admin import schemas
from tricircle.admin.answers import Document, answer, answer_page, self_links
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render
from tricircle.sites.node import Figures, Node
from tricircle.sites.site import Site

PATH = "/v1/nodes"

_UNKNOWN: dict[str, int | None] = dict.fromkeys(field.name for field in fields(Figures))


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List the nodes of all sites, by the names of the sites."""
    query = schemas.read_query(req, schemas.Page)
    limit = engine.page_size(query.limit)
    sites = engine.sites.page(limit=limit + 1, marker=query.marker)
    nodes = {node.site_id: node for node in engine.nodes.page()}
    url = engine.public_root(req) + PATH
    items = [_document(engine, url, site, nodes.get(site.id)) for site in sites]
    answer_page(req, resp, collection="nodes", url=url, items=items, limit=limit, marker="site_id")


def show(engine: Engine, req: falcon.Request, resp: falcon.Response, *, site: str) -> None:
    """Show the node of a site."""
    found = engine.sites.get(site)
    node = next((node for node in engine.nodes.page() if node.site_id == found.id), None)
    answer(resp, {"node": _document(engine, engine.public_root(req) + PATH, found, node)})


def _document(engine: Engine, url: str, site: Site, node: Node | None) -> Document:
    """Write a node; what nobody has looked at yet is null."""
    refreshed_at = node.refreshed_at if node else None
    since = node.state_since if node else None
    return {
        "site": site.name,
        "site_id": site.id,
        "name": node.name if node else None,
        **(asdict(node.figures) if node and refreshed_at else _UNKNOWN),
        "refreshed_at": None if refreshed_at is None else render(refreshed_at),
        "age": None if refreshed_at is None else (engine.clock() - refreshed_at).total_seconds(),
        "state": node.state if node else None,
        "state_since": None if since is None else render(since),
        "cause": node.cause if node else None,
        "links": self_links(url, site.id),
    }
