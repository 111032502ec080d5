"""Homed resources by id: one hop to the site that holds them, body and query untouched."""

from oslo_log import log

from tricircle.errors import DatabaseUnavailable
from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.resource import Resource
from tricircle.jobs.job import Request
from tricircle.jobs.types import AFTER_DELETE
from tricircle.routing.resource_type import ResourceType
from tricircle.sites.site import Site

LOG = log.getLogger(__name__)

_AFTER_DELETE = 2.0
"""Seconds after a delete before somebody looks: most resources are gone by then."""


class Forward:
    """Handler of every operation whose path names one homed resource.

    :param kind: the resource's type.
    :param parameter: the path's parameter that holds its id.
    :param resource: what the answer may hold that bears links or zones; None passes it as it is.
    :param is_member: the path names the resource itself, so that a 404 says that it is gone.
    """

    summary = "forwarded to the site that holds it"

    def __init__(
        self,
        kind: ResourceType,
        parameter: str,
        resource: Resource | None = None,
        *,
        is_member: bool = False,
    ) -> None:
        self._kind = kind
        self._parameter = parameter
        self._resource = resource
        self._is_member = is_member

    def __call__(self, call: Call) -> Reply:
        """Forward the request."""
        resource_id = call.params[self._parameter]
        locator = call.engine.locator
        site = locator.locate(self._kind, resource_id, call.identity, call.token)
        if self._deletes(call):
            self._have_followed(call, resource_id, site)
        answer = call.send(site)
        reply = pass_back(call, site, answer, self._resource)
        if answer.status == 404 and self._is_member:
            locator.forget(self._kind, resource_id, site)
            self._hasten(call, resource_id, site)
        elif answer.status == 200 and self._is_member:
            locator.complete(self._kind, resource_id, reply.body)
        return reply

    def _deletes(self, call: Call) -> bool:
        """Say whether the resource is to go."""
        return self._is_member and call.method == "DELETE"

    def _have_followed(self, call: Call, resource_id: str, site: Site) -> None:
        """Have XJob drop the route when the site says that the resource is gone, and what belongs to it.

        Written before the site is asked, so that a gateway which dies leaves no route behind. Where the
        database is away the delete goes on all the same: a route too many costs one request, some day.
        """
        try:
            call.engine.requester.request(self._after_delete(call, resource_id, site))
        except DatabaseUnavailable as error:
            LOG.warning(
                "Nobody looks after the delete of %s %s: %s", self._kind.name, resource_id, error.message
            )

    def _hasten(self, call: Call, resource_id: str, site: Site) -> None:
        """Have XJob do that now: who has seen the resource gone goes on with what it was using."""
        try:
            jobs = call.engine.requester.hasten_waiting(self._after_delete(call, resource_id, site).key)
        except DatabaseUnavailable as error:
            LOG.warning("What %s %s was using goes later: %s", self._kind.name, resource_id, error.message)
        else:
            call.engine.bus.wake(jobs)

    def _after_delete(self, call: Call, resource_id: str, site: Site) -> Request:
        return Request(
            AFTER_DELETE.name,
            self._kind.name,
            resource_id,
            site.id,
            call.identity.project_id,
            delay=_AFTER_DELETE,
            request_id=call.request_id,
        )
