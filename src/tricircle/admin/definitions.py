"""`/v1/definitions`: the replicated resources, and how far each site agrees with them."""

import falcon
import orjson

from tricircle.admin import jobs, schemas
from tricircle.admin.answers import Document, answer, answer_page, self_links
from tricircle.admin.definition_reader import DefinitionFilters, DefinitionView, SiteView
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render
from tricircle.errors import Conflict, NotFound
from tricircle.realise.replication import replication

PATH = "/v1/definitions"


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List definitions, by type and by what the top calls them."""
    query = schemas.read_query(req, schemas.DefinitionQuery)
    filters = DefinitionFilters(
        resource_type=query.resource_type,
        name=query.name,
        site_id=None if query.site is None else _site_id(engine, query.site),
        in_step=query.in_step,
        drifted=query.drifted,
    )
    limit = engine.page_size(query.limit)
    url = engine.public_root(req) + PATH
    found = engine.definitions.page(filters, limit=limit + 1, marker=query.marker)
    items = [_document(url, definition) for definition in found]
    answer_page(req, resp, collection="definitions", url=url, items=items, limit=limit, marker="id")


def show(engine: Engine, req: falcon.Request, resp: falcon.Response, *, definition_id: str) -> None:
    """Show a definition with the resource as it must be in every site."""
    found = engine.definitions.show(definition_id)
    document = _document(engine.public_root(req) + PATH, found)
    answer(resp, {"definition": {**document, "body": orjson.loads(found.body)}})


def mend(engine: Engine, req: falcon.Request, resp: falcon.Response, *, definition_id: str) -> None:
    """Have sites made to agree with a definition, also in what was changed there."""
    # The body may be left out; one of unknown length is there, and is refused.
    has_body = bool(req.content_length) or req.get_header("Transfer-Encoding") is not None
    asked = schemas.read_body(req, schemas.Mend, engine.max_body_size) if has_body else schemas.Mend()
    known = engine.replicated.get(definition_id)
    if known is None:
        raise NotFound(f"There is no definition {definition_id}.")
    if known.definition.version == 0:
        raise Conflict(f"Definition {definition_id} is still being made in its first site.")
    wanted = [
        replication(known.definition, site, req.context.request_id, mend=True)
        for site in jobs.sites_asked(engine, asked.site, "site")
    ]
    made = engine.requester.request(*wanted)
    engine.bus.wake(made)
    answer(resp, {"jobs": jobs.documents(engine, req, made)}, 202)


def _site_id(engine: Engine, site: str) -> str:
    try:
        return engine.sites.get(site).id
    except NotFound as error:
        raise schemas.invalid("site", error.message) from None


def _document(url: str, definition: DefinitionView) -> Document:
    return {
        "id": definition.id,
        "resource_type": definition.resource_type,
        "key": definition.key,
        "name": definition.name,
        "project_id": definition.project_id,
        "state": definition.state,
        "version": definition.version,
        "sites": [_site_document(site) for site in definition.sites],
        "created_at": render(definition.created_at),
        "updated_at": render(definition.updated_at),
        "links": self_links(url, definition.id),
    }


def _site_document(site: SiteView) -> Document:
    return {
        "site": site.site_name,
        "site_id": site.site_id,
        "site_resource_id": site.site_resource_id,
        "version": site.version,
        "in_step": site.in_step,
        "drift": site.drift,
        "job_id": site.job_id,
        "updated_at": None if site.updated_at is None else render(site.updated_at),
    }
