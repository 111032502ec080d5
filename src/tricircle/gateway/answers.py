"""A site's answer, made the top's: headers, links and availability zones."""

from typing import Any
from urllib.parse import quote

import orjson

from tricircle.errors import BadAnswer, NotFound, PayloadTooLarge, SiteUnavailable
from tricircle.gateway.call import OPEN_ENDED, Call, Reply
from tricircle.gateway.resource import Item, Resource
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

SITE_REQUEST_ID = "X-Tricircle-Site-Request-Id"
"""Tells the site and the request id by which its operator finds the request."""

_REQUEST_ID = "x-openstack-request-id"

# The connection's own headers (RFC 9110, section 7.6.1), and those that the top sets itself.
_KEPT_BACK = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-compute-request-id",
        _REQUEST_ID,
    }
)


def pass_back(call: Call, site: Site, answer: Answer, resource: Resource | None = None) -> Reply:
    """Make the reply of a site's answer.

    :param resource: what the body may hold under its name; None for a body that is passed as it is.
    :raises BadAnswer: it is not JSON: somebody between the site's service and us has answered.
    """
    if answer.status == 404 and OPEN_ENDED in call.operation.path and b"itemNotFound" not in answer.body:
        raise NotFound("The resource could not be found.")  # no such path, in words of a web framework
    check(call, site, answer)
    body = answer.body
    if resource is not None and body:
        body = _rewritten(call, site, resource, body)
    return Reply(answer.status, body, passed_headers(call, site, answer))


def check(call: Call, site: Site, answer: Answer) -> None:
    """Refuse an answer that is not the service's own.

    :raises PayloadTooLarge: what reads the request before the service has found it too long.
    :raises SiteUnavailable: a proxy before the site says that it is down.
    :raises BadAnswer: it is HTML for another reason, or sends us elsewhere.
    """
    if answer.status in {301, 302, 303, 307, 308}:
        raise BadAnswer(f"Site {site.name} redirects, which no service of OpenStack does.", site=site.name)
    if answer.is_html:
        if answer.status == 413:
            raise PayloadTooLarge(f"The request body is over the limit of site {site.name}.")
        if call.method == "GET" and answer.status in {502, 503, 504}:
            raise SiteUnavailable(f"Site {site.name} cannot be reached.", site=site.name)
        raise BadAnswer(
            f"Site {site.name} answered {answer.status} with something that is not JSON.",
            site=site.name,
            request_id=answer.header(_REQUEST_ID),
        )


def passed_headers(call: Call, site: Site, answer: Answer) -> list[tuple[str, str]]:
    """Return the headers of a site's answer that the client gets."""
    headers = [(name, value) for name, value in answer.headers if name not in _KEPT_BACK]
    request_id = answer.header(_REQUEST_ID)
    if request_id is not None:
        headers.append((SITE_REQUEST_ID, f"{site.name} {request_id}"))
    location = answer.header("location")
    if location is not None:
        headers.append(("Location", relocate(call, site, location)))
    return headers


def relocate(call: Call, site: Site, location: str) -> str:
    """Turn a Location of a site into the top's: the same service's, or the image service's."""
    engine = call.engine
    image_root = engine.endpoints.public_root(engine.conf.region_name, "image")
    for service_type, public in ((engine.service.type, call.root()), ("image", image_root)):
        for root in engine.endpoints.roots(site.region_name, service_type):
            if public is not None and location.startswith(root + "/"):
                return public + location[len(root) :]
    # An address of the site's own that the catalogue does not know: the last two segments are what it
    # points at in every API of OpenStack.
    collection, resource_id = location.rstrip("/").rsplit("/", 2)[-2:]
    root = image_root if collection == "images" and image_root is not None else prefix(call)
    return f"{root}/{collection}/{resource_id}"


def prefix(call: Call) -> str:
    """Return the root with the version, and with the project where the client writes it in its paths."""
    versioned = call.root() + call.engine.service.version_path
    return f"{versioned}/{quote(call.project_in_path, '')}" if call.project_in_path else versioned


def bookmark(call: Call) -> str:
    """Return the root of bookmarks: without the version."""
    return f"{call.root()}/{quote(call.project_in_path, '')}" if call.project_in_path else call.root()


def rewrite(call: Call, site: Site, resource: Resource, item: Item) -> None:
    """Turn a site's representation of a resource into the top's, in place."""
    snapshot = call.engine.registry.snapshot
    service = call.engine.service.type

    def zone(site_az: str) -> str:
        return snapshot.zone_name(site.id, site_az, service)

    for field, kind in resource.replicated:
        known_as = item.get(field)
        if isinstance(known_as, str):
            item[field] = call.engine.replicas.identifiers.at_top(kind, site.id, known_as)
    resource.rewrite(item, bookmark(call), prefix(call), zone)


def _rewritten(call: Call, site: Site, resource: Resource, body: bytes) -> bytes:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadAnswer(f"Site {site.name} gave no proper answer.", site=site.name) from None
    found = document.get(resource.name) if isinstance(document, dict) else None
    items: list[Any] = found if isinstance(found, list) else [found]
    if not items or not all(isinstance(item, dict) for item in items):
        return body
    for item in items:
        if resource.links_beside:
            item["links"] = document.get("links", [])
        rewrite(call, site, resource, item)
        if resource.links_beside:
            document["links"] = item.pop("links")
    return orjson.dumps(document)
