"""What a site has done to a server's ports, and XJob is to carry to the top."""

from collections.abc import Mapping, Sequence
from time import time
from typing import Any

from msgspec.structs import replace
from oslo_log import log

from tricircle.errors import DatabaseUnavailable
from tricircle.gateway.call import Call
from tricircle.gateway.compute.places import Asked
from tricircle.jobs.job import Request
from tricircle.jobs.types import ADOPT, AdoptParameters
from tricircle.routing.homed import SERVER_TYPE
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_NOTICE = 15.0
"""Seconds in which a server's host gives it another address, which Nova leaves to it."""

_UNSURE = 60.0
"""Seconds for which a site may be at what it has not answered."""


def expected(
    call: Call, used: AdoptParameters, path: Mapping[str, str], document: Any, asked: Asked
) -> AdoptParameters:
    """Say what is to become of a server's ports.

    :param used: what the request names of the top's.
    :param path: parameters of the path as the site was told them.
    :param document: the body as the site was told it.
    """
    is_given_one = isinstance(document, dict) and "addFixedIp" in document
    until = time() + _NOTICE if is_given_one else 0.0
    return replace(used, leaving=_leaving(call, path, document, asked), until=until)


def unsure(adoption: AdoptParameters) -> AdoptParameters:
    """Return the same of what the site may be doing still, though it has not said so."""
    return replace(adoption, until=time() + _UNSURE)


def have_followed(
    call: Call,
    site: Site,
    project_id: str | None,
    parameters: AdoptParameters,
    completing_jobs: Sequence[Request] = (),
) -> None:
    """Have XJob carry to the top what has become of a server's ports, and complete what was brought to the
    site for them.

    Where the database is away the client gets its answer all the same: what nobody looks at now is found when
    the ports of networks are compared, and what was brought is completed a moment later as a precaution.
    """
    if call.method == "GET":
        return
    request = Request(
        ADOPT.name,
        SERVER_TYPE.name,
        call.params["server_id"],
        site.id,
        project_id,
        parameters,
        request_id=call.request_id,
    )
    try:
        jobs = call.engine.requester.request(*completing_jobs, request)
    except DatabaseUnavailable as error:
        LOG.warning("Nobody follows the ports of server %s: %s", request.resource_id, error.message)
    else:
        call.engine.bus.wake(jobs)


def _leaving(call: Call, path: Mapping[str, str], document: Any, asked: Asked) -> tuple[str, ...]:
    """Return what a site was told to take off a server: addresses, and ports by its own ids."""
    if call.method == "DELETE":
        return (path["port_id"],) if "port_id" in path else ()
    return tuple(value for place in asked.leaving for value in place.values(document))
