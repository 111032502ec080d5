"""`/v1/jobs`: the work that follows from requests: listed, shown, redone, cancelled, counted.

Jobs for the upkeep of sites can be asked for here; all others follow from what tenants do.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import falcon
import orjson

from tricircle.admin import schemas
from tricircle.admin.answers import Document, answer, answer_page, self_links
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render
from tricircle.errors import Conflict, NotFound
from tricircle.jobs import types
from tricircle.jobs.job import Job, JobEvent, JobState, NoParameters, Request
from tricircle.jobs.store import JobFilters
from tricircle.sites.site import Site

PATH = "/v1/jobs"
COUNTS_PATH = "/v1/job-counts"

_WANTED: Mapping[type, Callable[[Any], tuple[types.JobType, Any]]] = MappingProxyType(
    {
        schemas.NewRebuild: lambda _: (types.REBUILD, NoParameters()),
        schemas.NewNode: lambda _: (types.NODE, NoParameters()),
        schemas.NewCatchUp: lambda _: (types.CATCH_UP, NoParameters()),
        schemas.NewDrift: lambda new: (types.DRIFT, types.DriftParameters(mend=new.mend)),
    }
)
"""The type and parameters of the jobs that can be asked for."""


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List jobs, the newest first."""
    query = schemas.read_query(req, schemas.JobQuery)
    filters = JobFilters(
        state=query.state,
        type=query.type,
        site_id=None if query.site is None else _site_id(engine, query.site),
        resource_type=query.resource_type,
        resource_id=query.resource_id,
        project_id=query.project_id,
        request_id=query.request_id,
        since=schemas.read_time(query.created_since, "created_since"),
        until=schemas.read_time(query.created_before, "created_before"),
    )
    limit = engine.page_size(query.limit)
    found = engine.jobs.page(filters, limit=limit + 1, marker=query.marker)
    items = documents(engine, req, found)
    url = engine.public_root(req) + PATH
    answer_page(req, resp, collection="jobs", url=url, items=items, limit=limit, marker="id")


def show(engine: Engine, req: falcon.Request, resp: falcon.Response, *, job_id: str) -> None:
    """Show a job with all that happened to it."""
    story = engine.jobs.show(job_id)
    (document,) = documents(engine, req, [story.job])
    more = {
        "parameters": _read(story.job.parameters),
        "requires": list(story.requires),
        "events": [_event(event) for event in story.events],
    }
    answer(resp, {"job": {**document, **more}})


def create(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """Ask for the upkeep of a site, or of each one."""
    new = schemas.read_body(req, schemas.NewJobBody, engine.max_body_size).job
    kind, parameters = _WANTED[type(new)](new)
    made = engine.requester.request(
        *(
            Request(
                kind.name,
                "site",
                site.id,
                site_id=site.id,
                parameters=parameters,
                request_id=req.context.request_id,
            )
            for site in sites_asked(engine, new.site, "job.site")
        )
    )
    engine.bus.wake(made)
    answer(resp, {"jobs": documents(engine, req, made)}, 202)


def redo(engine: Engine, req: falcon.Request, resp: falcon.Response, *, job_id: str) -> None:
    """Have a job that failed or was cancelled done again."""
    job = engine.jobs.redo(job_id)
    engine.bus.wake([job])
    _accept(engine, req, resp, job)


def cancel(engine: Engine, req: falcon.Request, resp: falcon.Response, *, job_id: str) -> None:
    """Have a job not done, or not gone on with."""
    _accept(engine, req, resp, engine.jobs.cancel(job_id))


def counts(engine: Engine, _req: falcon.Request, resp: falcon.Response) -> None:
    """Count jobs by type and state."""
    found = engine.jobs.counts()
    names = sorted({*types.TYPES, *(name for name, _ in found)})
    by_type = {name: {state.value: found.get((name, state), 0) for state in JobState} for name in names}
    answer(resp, {"job_counts": by_type})


def sites_asked(engine: Engine, site: str | None, field: str) -> list[Site]:
    """Tell for which sites jobs are asked for.

    :param site: id or name; None for every site that is not disabled.
    :param field: what to call it in a refusal.
    :raises BadRequest: there is no such site.
    :raises Conflict: it is disabled.
    """
    if site is None:
        return [each for each in engine.sites.page() if each.is_asked]
    try:
        found = engine.sites.get(site)
    except NotFound as error:
        raise schemas.invalid(field, error.message) from None
    if not found.is_asked:
        raise Conflict(f"Site {found.name} is disabled: no job is done for it.", site=found.name)
    return [found]


def documents(engine: Engine, req: falcon.Request, jobs: Iterable[Job]) -> list[Document]:
    """Write jobs as they stand in a list."""
    url = engine.public_root(req) + PATH
    names = {site.id: site.name for site in engine.sites.page()}
    return [
        {
            "id": job.id,
            "type": job.type,
            "state": job.state,
            "resource_type": job.resource_type,
            "resource_id": job.resource_id,
            "site": names.get(job.site_id or ""),
            "site_id": job.site_id,
            "project_id": job.project_id,
            "priority": job.priority,
            "attempts": job.attempts,
            "cause": job.cause,
            "progress": dict(job.progress),
            "worker": job.lease_owner,
            "request_id": job.request_id,
            "run_after": render(job.run_after),
            "created_at": render(job.created_at),
            "updated_at": render(job.updated_at),
            "links": self_links(url, job.id),
        }
        for job in jobs
    ]


def _accept(engine: Engine, req: falcon.Request, resp: falcon.Response, job: Job) -> None:
    (document,) = documents(engine, req, [job])
    answer(resp, {"job": document}, 202)


def _site_id(engine: Engine, site: str) -> str:
    """Return the id of a site, which may be gone; then it has no name any more."""
    try:
        return engine.sites.get(site).id
    except NotFound as error:
        try:
            return str(UUID(site))
        except ValueError:
            raise schemas.invalid("site", error.message) from None


def _event(event: JobEvent) -> Document:
    return {
        "attempt": event.attempt,
        "event": event.event,
        "cause": event.cause,
        "site_request_id": event.site_request_id,
        "created_at": render(event.created_at),
    }


def _read(parameters: bytes) -> Any:
    """Return a row's parameters, as text where they make no sense: so that an operator sees what is wrong."""
    try:
        return orjson.loads(parameters)
    except orjson.JSONDecodeError:
        return parameters.decode()
