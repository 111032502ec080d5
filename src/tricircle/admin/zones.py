"""`/v1/availability-zones`: what tenants choose, and the places in sites that it stands for.

A zone is set as a whole with PUT, which may be repeated; there is no POST.
"""

import falcon
from msgspec import structs

from tricircle.admin import schemas
from tricircle.admin.answers import Document, answer, answer_page, self_links
from tricircle.admin.engine import Engine
from tricircle.db.timestamps import render
from tricircle.sites.zone import Zone
from tricircle.sites.zone_store import Place

PATH = "/v1/availability-zones"


def index(engine: Engine, req: falcon.Request, resp: falcon.Response) -> None:
    """List availability zones."""
    query = schemas.read_query(req, schemas.Page)
    limit = engine.page_size(query.limit)
    url = engine.public_root(req) + PATH
    zones = [_document(url, zone) for zone in engine.zones.page(limit=limit + 1, marker=query.marker)]
    answer_page(req, resp, collection="availability_zones", url=url, items=zones, limit=limit, marker="name")


def show(engine: Engine, req: falcon.Request, resp: falcon.Response, *, name: str) -> None:
    """Show an availability zone."""
    zone = engine.zones.get(name)
    answer(resp, {"availability_zone": _document(engine.public_root(req) + PATH, zone)})


def put(engine: Engine, req: falcon.Request, resp: falcon.Response, *, name: str) -> None:
    """Make an availability zone what the body says, whether it was there before or not."""
    schemas.check_name(name, "name")
    new = schemas.read_body(req, schemas.NewZoneBody, engine.max_body_size).availability_zone
    places = [Place(**structs.asdict(place)) for place in new.sites]
    zone, created = engine.zones.put(name, new.description, places)
    document = _document(engine.public_root(req) + PATH, zone)
    answer(resp, {"availability_zone": document}, 201 if created else 200)


def delete(engine: Engine, _req: falcon.Request, resp: falcon.Response, *, name: str) -> None:
    """Remove an availability zone."""
    engine.zones.delete(name)
    resp.status = 204


def _document(url: str, zone: Zone) -> Document:
    return {
        "id": zone.id,
        "name": zone.name,
        "description": zone.description,
        "sites": [
            {
                "site": member.site_name,
                "site_id": member.site_id,
                "site_az": member.site_az,
                "volume_site_az": member.volume_site_az,
            }
            for member in zone.members
        ],
        "created_at": render(zone.created_at),
        "updated_at": render(zone.updated_at),
        "links": self_links(url, zone.name),
    }
