"""What a client may send: bodies and queries, checked before anything is done.

A refusal names the field, as `site.name`, and says what is wrong with it.
"""

from typing import Annotated, Literal, TypeVar

import falcon
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tricircle.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from tricircle.sites.site import SiteState

# A name is one segment of a path, on a line of its own in a log, and part of Nova's `zone:host:node`.
_NAME = r"^(?!\.{1,2}\Z)(?! )[^\x00-\x1f\x7f-\x9f:/]+(?<! )\Z"
_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*\Z"

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=_NAME)]
LongName = Annotated[str, Meta(min_length=1, max_length=255, pattern=_NAME)]
Text = Annotated[str, Meta(max_length=255, pattern=_TEXT)]
Limit = Annotated[int, Meta(ge=1)]

SiteSortKey = Literal["name", "region_name", "state", "created_at", "updated_at"]

Body = TypeVar("Body", bound=Struct)


class NewSite(Struct, forbid_unknown_fields=True):
    """A site to register. Its region may still be missing from the Keystone catalogue."""

    name: Name
    region_name: LongName
    description: Text = ""
    state: SiteState = SiteState.ENABLED


class NewSiteBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/sites`."""

    site: NewSite


class SiteChanges(Struct, forbid_unknown_fields=True):
    """What to change of a site."""

    name: Name | UnsetType = UNSET
    region_name: LongName | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    state: SiteState | UnsetType = UNSET


class SiteChangesBody(Struct, forbid_unknown_fields=True):
    """`PATCH /v1/sites/{site}`."""

    site: SiteChanges


class SiteQuery(Struct, forbid_unknown_fields=True):
    """`GET /v1/sites`."""

    name: str | None = None
    region_name: str | None = None
    state: SiteState | None = None
    sort_key: SiteSortKey = "name"
    sort_dir: Literal["asc", "desc"] = "asc"
    limit: Limit | None = None
    marker: str | None = None


class ZonePlace(Struct, forbid_unknown_fields=True):
    """A place that a zone stands for.

    :param site: id or name.
    :param site_az: what the site's Nova calls it.
    :param volume_site_az: what the site's Cinder calls it, where that is something else.
    """

    site: LongName
    site_az: LongName
    volume_site_az: LongName | None = None


class NewZone(Struct, forbid_unknown_fields=True):
    """An availability zone as it is to be."""

    sites: list[ZonePlace]
    description: Text = ""


class NewZoneBody(Struct, forbid_unknown_fields=True):
    """`PUT /v1/availability-zones/{name}`."""

    availability_zone: NewZone


class ZoneQuery(Struct, forbid_unknown_fields=True):
    """`GET /v1/availability-zones`."""

    limit: Limit | None = None
    marker: str | None = None


def read_body(req: falcon.Request, kind: type[Body], most: int) -> Body:
    """Read the body of a request.

    :param most: longest body that is read, in bytes.
    :raises PayloadTooLarge: it is longer.
    :raises UnsupportedMediaType: it says that it is something else than JSON.
    :raises BadRequest: it is not JSON, or not what `kind` says.
    """
    media = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if media != falcon.MEDIA_JSON:
        raise UnsupportedMediaType(f"Unsupported Content-Type {media}.")
    if (req.content_length or 0) > most:
        raise PayloadTooLarge(f"The request body is over the limit of {most} bytes.")
    try:
        return msgspec.json.decode(req.bounded_stream.read(), type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("The request body is not JSON.") from None


def read_query(req: falcon.Request, kind: type[Body]) -> Body:
    """Read the query of a request.

    :raises BadRequest: it is not what `kind` says.
    """
    try:
        return msgspec.convert(req.params, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def check_name(name: str, field: str) -> None:
    """Check a name that is part of a path, where it is about to be given to something.

    :param field: what to call it in the refusal.
    :raises BadRequest: nothing may have this name.
    """
    try:
        msgspec.convert(name, LongName)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input for field {field}: {_reason(str(error))}") from None


def _invalid(error: msgspec.ValidationError) -> BadRequest:
    reason, _, field = str(error).partition(" - at `$")
    field = field.rstrip("`").lstrip(".")
    where = f" for field {field}" if field else ""
    return BadRequest(f"Invalid input{where}: {_reason(reason)}")


def _reason(reason: str) -> str:
    if "matching regex" in reason:
        return "it holds characters that are not allowed there, or begins or ends with a space."
    return f"{reason}."
