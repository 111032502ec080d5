"""Calls of sites' APIs: the one way by which a request leaves for a site.

Puts together where the site is (catalogue), whether it is worth calling (health), our service token
and the wire (transport), and says what went wrong in terms of the site.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from oslo_config import cfg
from oslo_log import log

from tricircle.errors import AnswerLost, BadAnswer, SiteUnavailable, TricircleError
from tricircle.identity.service_user import ServiceUser
from tricircle.sites.endpoints import Endpoints
from tricircle.sites.health import HealthBoard
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer, BrokenAnswer, NotSent, Request, Transport, TransportError

LOG = log.getLogger(__name__)

REQUEST_ID = "X-OpenStack-Request-ID"
"""The header by which a site's log names the request of the top that its own follows from."""

_PENDING = TricircleError("pending")


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """A request to some site's service.

    :param target: path and query, quoted, with the API version: `/v2.1/servers?limit=1`.
    :param headers: lines `Name: value`.
    :param deadline: seconds; None stands for what the method usually gets.
    """

    method: str
    target: str
    headers: Sequence[str] = ()
    body: bytes | None = None
    deadline: float | None = None


class SiteClient:
    """Sends requests to sites."""

    def __init__(
        self,
        endpoints: Endpoints,
        service_user: ServiceUser,
        health: HealthBoard,
        transport: Transport,
        conf: cfg.ConfigOpts,
    ) -> None:
        self.endpoints = endpoints
        self.health = health
        self._service_user = service_user
        self._transport = transport
        self._conf = conf.sites

    def send(self, site: Site, service_type: str, request: SiteRequest) -> Answer:
        """Send one request to one site.

        :raises SiteUnavailable: the site cannot be reached; a request that may change something was not
            sent.
        :raises AnswerLost: it may have changed something, and no answer came.
        :raises BadAnswer: what came is no answer.
        """
        wire = self._wire(site, service_type, request)
        health = self.health.of(site.id, site.name)
        health.enter()
        reached: bool | None = None
        try:
            answer = self._transport.perform(wire)
            reached = True
        except TransportError as error:
            reached = isinstance(error, BrokenAnswer)
            raise self._explain(site, wire, error) from error
        finally:
            health.leave(reached=reached)
        return answer

    def send_all(
        self, service_type: str, requests: Sequence[tuple[Site, SiteRequest]]
    ) -> list[Answer | TricircleError]:
        """Send requests to sites side by side; failures are values, in the place of the answer."""
        results: list[Answer | TricircleError] = []
        going: list[tuple[int, Site, Request]] = []
        outcomes: Sequence[Answer | TransportError | None] = ()
        try:
            for index, (site, request) in enumerate(requests):
                try:
                    wire = self._wire(site, service_type, request)
                    self.health.of(site.id, site.name).enter(wait=False)
                except TricircleError as error:
                    results.append(error)
                else:
                    results.append(_PENDING)
                    going.append((index, site, wire))
            outcomes = self._transport.perform_all([wire for _, _, wire in going])
        finally:
            for (index, site, wire), outcome in zip_longest(going, outcomes[: len(going)]):
                answered = isinstance(outcome, Answer | BrokenAnswer)
                self.health.of(site.id, site.name).leave(reached=None if outcome is None else answered)
                if isinstance(outcome, Answer):
                    results[index] = outcome
                elif outcome is not None:
                    results[index] = self._explain(site, wire, outcome)
        return results

    def _wire(self, site: Site, service_type: str, request: SiteRequest) -> Request:
        token = self._service_user.token()
        headers = list(request.headers)
        if token is not None:
            headers.append(f"X-Service-Token: {token}")
        safe = request.method in {"GET", "HEAD"}
        deadline = request.deadline or (self._conf.read_deadline if safe else self._conf.write_deadline)
        url = self.endpoints.root(site.region_name, service_type) + request.target
        return Request(request.method, url, headers, request.body, deadline)

    def _explain(self, site: Site, wire: Request, error: TransportError) -> TricircleError:
        request_id = next((line for line in wire.headers if line.startswith(REQUEST_ID)), "no request id")
        LOG.warning("%s to site %s failed: %s (%s)", wire.method, site.name, error, request_id)
        if isinstance(error, NotSent):
            return SiteUnavailable(f"Site {site.name} cannot be reached.", site=site.name)
        if not wire.is_safe:
            return AnswerLost(
                f"Site {site.name} got the request and gave no answer: look whether it had its effect.",
                site=site.name,
            )
        if isinstance(error, BrokenAnswer):
            return BadAnswer(f"Site {site.name} gave no proper answer.", site=site.name)
        return SiteUnavailable(f"Site {site.name} does not answer.", site=site.name)
