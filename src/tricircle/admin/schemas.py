"""What a client may send: bodies and queries, checked before anything is done.

A refusal names the field, as `site.name`, and says what is wrong with it.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import falcon
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tricircle.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from tricircle.jobs.job import JobState
from tricircle.sites.site import SiteState

# A name is one segment of a path, on a line of its own in a log, and part of Nova's `zone:host:node`.
_NAME = r"^(?!\.{1,2}\Z)(?! )[^\x00-\x1f\x7f-\x9f:/]+(?<! )\Z"
# A header of the gateways lists sites by name, with commas between them.
_SITE_NAME = rf"^(?=[^,]*\Z){_NAME}"
_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*\Z"

SiteName = Annotated[str, Meta(min_length=1, max_length=64, pattern=_SITE_NAME)]
LongName = Annotated[str, Meta(min_length=1, max_length=255, pattern=_NAME)]
Text = Annotated[str, Meta(max_length=255, pattern=_TEXT)]
ProjectId = Annotated[str, Meta(min_length=1, max_length=64, pattern=_NAME)]
Limit = Annotated[int, Meta(ge=1)]
PhysicalNetworkName = Annotated[str, Meta(min_length=1, max_length=64, pattern=_TEXT)]
PhysicalNetworks = Annotated[dict[PhysicalNetworkName, PhysicalNetworkName], Meta(max_length=100)]

SiteSortKey = Literal["name", "region_name", "state", "created_at", "updated_at"]

Body = TypeVar("Body", bound=Struct)


class Page(Struct, forbid_unknown_fields=True):
    """A list that nothing but its page is chosen of."""

    limit: Limit | None = None
    marker: Text | None = None


class NewSite(Struct, forbid_unknown_fields=True):
    """A site to register. Its region may still be missing from the Keystone catalogue.

    :param physical_networks: what it calls those of the top's that it has; None for all, by the same names.
    """

    name: SiteName
    region_name: LongName
    description: Text = ""
    state: SiteState = SiteState.ENABLED
    physical_networks: PhysicalNetworks | None = None


class NewSiteBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/sites`."""

    site: NewSite


class SiteChanges(Struct, forbid_unknown_fields=True):
    """What to change of a site."""

    name: SiteName | UnsetType = UNSET
    region_name: LongName | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    state: SiteState | UnsetType = UNSET
    physical_networks: PhysicalNetworks | UnsetType | None = UNSET


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


class NewBinding(Struct, forbid_unknown_fields=True):
    """The zone that what a project makes goes to where the request names none."""

    availability_zone: LongName


class NewBindingBody(Struct, forbid_unknown_fields=True):
    """`PUT /v1/project-bindings/{project_id}`."""

    project_binding: NewBinding


class BindingQuery(Page):
    """`GET /v1/project-bindings`."""

    availability_zone: Text | None = None


class JobQuery(Page):
    """`GET /v1/jobs`.

    :param site: id or name.
    :param created_since: a time in ISO 8601, as is `created_before`.
    """

    state: JobState | None = None
    type: Text | None = None
    site: Text | None = None
    resource_type: Text | None = None
    resource_id: Text | None = None
    project_id: Text | None = None
    request_id: Text | None = None
    created_since: Text | None = None
    created_before: Text | None = None


class _NewMaintenance(Struct, forbid_unknown_fields=True, tag_field="type"):
    """Work to be done for the house.

    :param site: id or name; None for every site that is not disabled.
    """

    site: LongName | None = None


class NewRebuild(_NewMaintenance, tag="rebuild"):
    """Learn the routes of a site."""


class NewNode(_NewMaintenance, tag="node"):
    """Learn the capacity and state of a site."""


class NewCatchUp(_NewMaintenance, tag="catch_up"):
    """Ask for all that a site lacks of the replicated resources."""


class NewDrift(_NewMaintenance, tag="drift"):
    """Compare a site's replicated resources with their definitions.

    :param mend: whether what was changed in the site is changed back.
    """

    mend: bool = False


class NewJobBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/jobs`."""

    job: NewRebuild | NewNode | NewCatchUp | NewDrift


class DefinitionQuery(Page):
    """`GET /v1/definitions`.

    :param site: id or name of the only site that is looked at.
    """

    resource_type: Text | None = None
    name: Text | None = None
    site: Text | None = None
    in_step: bool | None = None
    drifted: bool | None = None


class Mend(Struct, forbid_unknown_fields=True):
    """`POST /v1/definitions/{definition_id}/mend`.

    :param site: id or name; None for every site that is not disabled.
    """

    site: LongName | None = None


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


def check_name(name: str, field: str, kind: Any = LongName) -> None:
    """Check a name that is part of a path, where it is about to be given to something.

    :param field: what to call it in the refusal.
    :param kind: what it must be like.
    :raises BadRequest: nothing may have this name.
    """
    try:
        msgspec.convert(name, kind)
    except msgspec.ValidationError as error:
        raise invalid(field, _reason(str(error))) from None


def read_time(text: str | None, field: str) -> datetime | None:
    """Read a time in ISO 8601; one without an offset is UTC.

    :param field: what to call it in the refusal.
    :return: naive, UTC; None for None.
    :raises BadRequest: it is no time.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo is None else time.astimezone(UTC)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise invalid(field, "it is not a time in ISO 8601.") from None


def invalid(field: str, reason: str) -> BadRequest:
    """Make the refusal of a field.

    :param reason: a sentence.
    """
    return BadRequest(f"Invalid input for field {field}: {reason}")


def _invalid(error: msgspec.ValidationError) -> BadRequest:
    reason, _, field = str(error).partition(" - at `$")
    field = field.rstrip("`").lstrip(".")
    return invalid(field, _reason(reason)) if field else BadRequest(f"Invalid input: {_reason(reason)}")


def _reason(reason: str) -> str:
    if "matching regex" in reason:
        return "it holds characters that are not allowed there, or begins or ends with a space."
    return f"{reason}."
