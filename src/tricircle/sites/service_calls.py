"""Calls of sites' APIs with the top's own credentials: JSON there and back, a refusal is an error.

What XJob does in a site it does this way, through the same client, deadlines and breaker as the gateways.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from tricircle.errors import BadAnswer, IdentityUnavailable, SiteUnavailable, TricircleError
from tricircle.identity.service_user import ServiceUser
from tricircle.sites.client import REQUEST_ID, SiteClient, SiteRequest
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

VERSIONED = {"compute": "compute", "block-storage": "volume"}
"""What services call themselves in the header OpenStack-API-Version."""

_LONGEST_WORD = 300


class SiteRefused(TricircleError):
    """A site answered, and said no.

    :param status: the site's HTTP status.
    """

    def __init__(self, message: str, *, site: str, request_id: str | None, status: int) -> None:
        super().__init__(message, site=site, request_id=request_id)
        self.site_status = status


@dataclass(frozen=True, slots=True)
class SiteAnswer:
    """A site's answer.

    :param document: the body, an empty object where there was none.
    """

    status: int
    document: dict[str, Any]
    request_id: str | None

    @property
    def words(self) -> str:
        """What the site says in an answer that refuses."""
        return _words(self.document)


class ServiceCalls:
    """Sends requests as the top's service user."""

    def __init__(self, client: SiteClient, service_user: ServiceUser) -> None:
        self._client = client
        self._service_user = service_user

    def call(
        self,
        site: Site,
        service_type: str,
        method: str,
        target: str,
        body: object = None,
        *,
        version: str | None = None,
        request_id: str | None = None,
        expected: Collection[int] = (),
        deadline: float | None = None,
        revision: int | None = None,
    ) -> SiteAnswer:
        """Send one request.

        :param target: path and query, quoted, with the API version: `/v2.1/flavors`.
        :param version: microversion.
        :param request_id: global id of the request that this follows from, for the site's log.
        :param expected: statuses of 400 and more that are answers.
        :param revision: that Neutron must have of the resource; it says 412 otherwise.
        :param deadline: seconds for the whole answer; None stands for what the method usually gets.
        :raises SiteRefused: any other status of 400 to 499.
        :raises SiteUnavailable: the site cannot be reached, or said 5xx.
        :raises AnswerLost: it may have changed something, and no answer came.
        :raises BadAnswer: what came is no answer.
        :raises IdentityUnavailable: the service user cannot log in now.
        """
        token = self._service_user.token()
        if token is None:
            raise IdentityUnavailable("The service user cannot log in.")
        headers = [f"X-Auth-Token: {token}", "Accept: application/json"]
        if body is not None:
            headers.append("Content-Type: application/json")
        if version is not None:
            headers.append(f"OpenStack-API-Version: {VERSIONED[service_type]} {version}")
        if request_id is not None:
            headers.append(f"{REQUEST_ID}: {request_id}")
        if revision is not None:
            headers.append(f"If-Match: revision_number={revision}")
        encoded = None if body is None else orjson.dumps(body)
        request = SiteRequest(method, target, headers, encoded, deadline)
        return _read(site, self._client.send(site, service_type, request), expected)

    def get(
        self, site: Site, service_type: str, target: str, *, version: str | None = None
    ) -> dict[str, Any] | None:
        """Read something; None where the site says that there is no such thing. Raises as `call` does."""
        answer = self.call(site, service_type, "GET", target, version=version, expected={404})
        return None if answer.status == 404 else answer.document


def _read(site: Site, answer: Answer, expected: Collection[int]) -> SiteAnswer:
    request_id = answer.header("x-openstack-request-id")
    try:
        document = orjson.loads(answer.body) if answer.body else {}
    except orjson.JSONDecodeError:
        document = None
    if answer.status >= 400 and answer.status not in expected:
        said = f"Site {site.name} said {answer.status}: {_words(document)}"
        if answer.status >= 500 or answer.status == 429:
            raise SiteUnavailable(said, site=site.name, request_id=request_id)
        raise SiteRefused(said, site=site.name, request_id=request_id, status=answer.status)
    if not isinstance(document, dict):
        if answer.status in expected:
            return SiteAnswer(answer.status, {}, request_id)
        raise BadAnswer(f"Site {site.name} gave no proper answer.", site=site.name, request_id=request_id)
    return SiteAnswer(answer.status, document, request_id)


def _words(document: Any) -> str:
    """Return what an error body says, on one line; every service has one object with a `message` in it."""
    try:
        (fault,) = document.values()
        return " ".join(str(fault["message"]).replace("\0", "").split())[:_LONGEST_WORD]
    except (AttributeError, ValueError, KeyError, TypeError):
        return "no words of its own."
