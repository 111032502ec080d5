"""The top's own Neutron, where networks, subnets and security groups are defined, and ports are at home.

It is reached as a site is: through the catalogue, with deadlines and a breaker. A top whose region has no
network endpoint has no network service, and everything is left to the sites.

Source: Networking API v2.0 reference; `address-blocks` and `adopted-ports` are our own plugin's
(`tricircle.network`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from tricircle.errors import BadAnswer, SiteUnavailable
from tricircle.jobs.queue import TOP
from tricircle.realise.sight import require_own_words, require_sight
from tricircle.sites.client import REQUEST_ID, SiteClient, SiteRequest
from tricircle.sites.service_calls import ServiceCalls, SiteAnswer, SiteRefused
from tricircle.sites.site import Site, SiteState

Item = dict[str, Any]
"""A resource as Neutron shows it."""

SERVICE = "network"

COLLECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "network": "networks",
        "subnet": "subnets",
        "port": "ports",
        "security_group": "security-groups",
        "address_group": "address-groups",
        "rbac_policy": "rbac-policies",
        "qos_policy": "qos/policies",
        "address_block": "address-blocks",
        "adopted_port": "adopted-ports",
    }
)
"""How Neutron calls many of a kind in paths; in bodies it has `_` for `-`, and nothing before a `/`."""

_MEMBERS: Mapping[str, str] = MappingProxyType({"qos_policy": "policy"})
"""How Neutron calls one in bodies, where it is not the kind."""

_PAGE = 500

_NEVER = datetime.min  # noqa: DTZ901  # times of rows are naive


class TopNetwork:
    """Reads and writes what is at the top.

    :param region: the top's own, `[DEFAULT] region_name`.
    """

    def __init__(self, client: SiteClient, calls: ServiceCalls, region: str) -> None:
        self._client = client
        self._calls = calls
        self.site = Site(TOP, region, region, "", SiteState.ENABLED, _NEVER, _NEVER)

    @property
    def is_there(self) -> bool:
        """Say whether the top has a network service.

        :raises IdentityUnavailable: the catalogue has never been read, and cannot be now.
        """
        return bool(self._client.endpoints.roots(self.site.region_name, SERVICE))

    def show(
        self, kind: str, key: str, *, token: str | None = None, request_id: str | None = None
    ) -> Item | None:
        """Read one resource; None where there is none.

        :param token: a user's, who sees only what is theirs; None for the service user's own.
        :raises TricircleError: as `ServiceCalls.call` does.
        """
        collection = COLLECTIONS[kind]
        document = self._get(f"/v2.0/{collection}/{quote(key, '')}", token, request_id)
        return None if document is None else _read(document, _MEMBERS.get(kind, kind), dict)

    def list(
        self, kind: str, *, token: str | None = None, request_id: str | None = None, **filters: str
    ) -> list[Item]:
        """List what fits some filters; raises as `show` does."""
        collection = COLLECTIONS[kind]
        document = self._get(f"/v2.0/{collection}?{urlencode(filters)}", token, request_id)
        name = collection.rpartition("/")[2].replace("-", "_")
        found: list[Item] = _read(document or {}, name, list)
        return found

    def walk(self, kind: str, fields: Sequence[str], **filters: str) -> Iterator[Item]:
        """Go through all that fits some filters, page by page, as the service user; raises as `show` does.

        :param fields: what is told of each.
        """
        collection, name = COLLECTIONS[kind], COLLECTIONS[kind].replace("-", "_")
        query = [("limit", str(_PAGE)), ("sort_key", "id"), ("sort_dir", "asc"), ("fields", "id")]
        query += [*(("fields", field) for field in fields), *filters.items()]
        marker: list[tuple[str, str]] = []
        while True:
            document = self._get(f"/v2.0/{collection}?{urlencode(query + marker)}", None, None) or {}
            page = _read(document, name, list)
            yield from page
            if not page or not any(link.get("rel") == "next" for link in document.get(f"{name}_links") or ()):
                return
            marker = [("marker", page[-1]["id"])]

    def make(self, kind: str, fields: Item, *, request_id: str | None = None) -> Item:
        """Make something as the service user; raises as `show` does."""
        target = f"/v2.0/{COLLECTIONS[kind]}"
        answer = self._calls.call(self.site, SERVICE, "POST", target, {kind: fields}, request_id=request_id)
        made: Item = _read(answer.document, kind, dict)
        return made

    def delete(self, kind: str, key: str, *, request_id: str | None = None) -> SiteAnswer:
        """Delete something as the service user; that it is not there is fine. Raises as `show` does."""
        target = f"/v2.0/{COLLECTIONS[kind]}/{quote(key, '')}"
        return self._calls.call(self.site, SERVICE, "DELETE", target, request_id=request_id, expected={404})

    def _get(self, target: str, token: str | None, request_id: str | None) -> Item | None:
        if token is not None:
            return self._get_as(token, target, request_id)
        answer = self._calls.call(self.site, SERVICE, "GET", target, request_id=request_id, expected={404})
        if answer.status == 404:
            require_own_words(answer.document, self.site)
            return None
        return answer.document

    def require_sight(self, project_id: str) -> None:
        """Go on only where the top shows the service user everything; see `tricircle.realise.sight`."""
        require_sight(self._calls, self.site, project_id)

    def _get_as(self, token: str, target: str, request_id: str | None) -> Item | None:
        """Read something with a user's own token."""
        headers = [f"X-Auth-Token: {token}", "Accept: application/json"]
        if request_id is not None:
            headers.append(f"{REQUEST_ID}: {request_id}")
        answer = self._client.send(self.site, SERVICE, SiteRequest("GET", target, headers))
        name = self.site.name
        if answer.status == 404:
            require_own_words(_parsed(answer.body) or {}, self.site)
            return None
        if answer.status >= 500 or answer.status == 429:
            raise SiteUnavailable(f"The network service of {name} said {answer.status}.", site=name)
        if answer.status >= 400:
            raise SiteRefused(
                f"The network service of {name} said {answer.status}.",
                site=name,
                request_id=answer.header("x-openstack-request-id"),
                status=answer.status,
            )
        document = _parsed(answer.body)
        if document is None:
            raise BadAnswer(f"The network service of {name} gave no proper answer.", site=name)
        return document


def _parsed(body: bytes) -> Item | None:
    """Return an object that a body is; None where it is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _read(document: object, key: str, shape: type) -> Any:
    """Return a member of an answer.

    :raises BadAnswer: it is not there, or not of that shape.
    """
    member = document.get(key) if isinstance(document, dict) else None
    if not isinstance(member, shape):
        raise BadAnswer("The network service of the top gave no proper answer.")
    return member
