"""What stands in for the world around a site client: Keystone's catalogue, and the wire."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keystoneauth1.access.service_catalog import ServiceCatalog, ServiceCatalogV3

from tricircle.errors import IdentityUnavailable
from tricircle.sites.site import Site, SiteState
from tricircle.sites.transport import Answer, Request, TransportError

Outcome = Answer | TransportError
Endpoint = tuple[str, str, str, str]
"""Service type, region, interface and URL of an endpoint."""

_LONG_AGO = datetime(2026, 1, 1)  # noqa: DTZ001  # times of rows are naive


def site(name: str, state: SiteState = SiteState.ENABLED) -> Site:
    """Make a site whose id, name and region are alike: `id-a`, `a` and `region-a`."""
    return Site(f"id-{name}", name, f"region-{name}", "", state, _LONG_AGO, _LONG_AGO)


def endpoints_of(*names: str, service_type: str = "compute") -> list[Endpoint]:
    """Make the internal and public endpoints of sites' services: `http://a.internal/compute`."""
    return [
        (service_type, f"region-{name}", interface, f"http://{name}.{interface}/{service_type}")
        for name in names
        for interface in ("internal", "public")
    ]


def json_answer(body: bytes, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """Make an answer as services give it."""
    return Answer(status, [("content-type", "application/json"), *headers], body)


@dataclass
class StandInUser:
    """Stands in for the service user: gives a token, and a catalogue of some endpoints."""

    endpoints: Sequence[Endpoint]
    service_token: str | None = "the-service-token"
    project: str | None = "service-project"
    is_away: bool = False

    def token(self) -> str | None:
        return self.service_token

    def project_id(self) -> str | None:
        return self.project

    def catalog(self) -> ServiceCatalog:
        if self.is_away:
            raise IdentityUnavailable("down")
        return ServiceCatalogV3(
            [
                {
                    "type": service_type,
                    "name": service_type,
                    "id": f"{service_type}-{region}-{interface}",
                    "endpoints": [
                        {"id": url, "region": region, "region_id": region, "interface": interface, "url": url}
                    ],
                }
                for service_type, region, interface, url in self.endpoints
            ]
        )


@dataclass
class Wire:
    """A transport that answers from a table, and keeps what it was asked.

    :param answers: the beginning of a URL -> what is said there, or what makes it of the request.
    """

    answers: Mapping[str, Outcome | Callable[[Request], Outcome]]
    requests: list[Request] = field(default_factory=list)

    def perform(self, request: Request) -> Answer:
        outcome = self._outcome(request)
        if isinstance(outcome, TransportError):
            raise outcome
        return outcome

    def perform_all(self, requests: Sequence[Request]) -> list[Outcome]:
        return [self._outcome(request) for request in requests]

    def _outcome(self, request: Request) -> Outcome:
        self.requests.append(request)
        beginnings = [beginning for beginning in self.answers if request.url.startswith(beginning)]
        assert beginnings, f"nobody answers at {request.url}"
        outcome = self.answers[max(beginnings, key=len)]
        return outcome(request) if callable(outcome) else outcome
