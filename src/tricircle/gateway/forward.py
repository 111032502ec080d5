"""Homed resources by id: one hop to the site that holds them, body and query untouched."""

from tricircle.gateway.answers import pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.resource import Resource
from tricircle.routing.resource_type import ResourceType


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
        answer = call.send(site)
        reply = pass_back(call, site, answer, self._resource)
        if answer.status == 404 and self._is_member:
            locator.forget(self._kind, resource_id, site)
        elif answer.status == 200 and self._is_member:
            locator.complete(self._kind, resource_id, reply.body)
        return reply
