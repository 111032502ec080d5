"""Version documents: what the sites have in common, learnt from their own documents.

The gateways know no microversion themselves, so that a new one of Nova or Cinder needs no change here.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from oslo_config import cfg

from tricircle.errors import SiteUnavailable
from tricircle.gateway import microversion
from tricircle.gateway.call import Reply, json_reply
from tricircle.gateway.service import Service
from tricircle.refreshed import Refreshed
from tricircle.sites.client import SiteClient, SiteRequest
from tricircle.sites.registry import SiteRegistry
from tricircle.sites.transport import Answer

_INTERVAL = 60.0


class _Document(msgspec.Struct):
    """A version as Nova and Cinder describe it; the rest is passed on."""

    version: str
    min_version: str


@dataclass(frozen=True, slots=True)
class Common:
    """The versions that every site has.

    :param document: a site's own, with the range narrowed; without links.
    """

    lowest: str
    highest: str
    document: dict[str, Any]


class Versions:
    """A service's version documents over all sites.

    A site that cannot be asked is left out: it would be no use with the version it has.
    """

    def __init__(
        self, service: Service, registry: SiteRegistry, client: SiteClient, conf: cfg.ConfigOpts
    ) -> None:
        self._service = service
        self._registry = registry
        self._client = client
        self._deadline: float = conf.gateway.fan_out_deadline
        self._common = Refreshed("the versions of the sites", self._read, _INTERVAL)

    @property
    def common(self) -> Common:
        """The range that every site has.

        :raises SiteUnavailable: no site has ever answered.
        """
        return self._common.get()

    def index(self, root: str) -> Reply:
        """Answer `GET /`."""
        status = 300 if self._service.lists_versions else 200
        return json_reply({"versions": [self._describe(root)]}, status)

    def show(self, root: str) -> Reply:
        """Answer `GET /v2.1` or `GET /v3`."""
        description = self._describe(root)
        return json_reply(
            {"versions": [description]} if self._service.lists_versions else {"version": description}
        )

    def _describe(self, root: str) -> dict[str, Any]:
        href = f"{root}{self._service.version_path}/"
        return self.common.document | {"links": [{"rel": "self", "href": href}]}

    def _read(self) -> Common:
        # The root needs no token, unlike Cinder's own `/v3/`.
        request = SiteRequest("GET", "/", deadline=self._deadline)
        sites = self._registry.snapshot.asked
        answers = self._client.send_all(self._service.type, [(site, request) for site in sites])
        documents = [
            document
            for answer in answers
            if isinstance(answer, Answer) and (document := _document(answer, self._service.version_id))
        ]
        if not documents:
            raise SiteUnavailable("No site can be reached.")
        number = microversion.parse
        lowest = max((d["min_version"] for d in documents), key=lambda text: number(text) or (0, 0))
        highest = min((d["version"] for d in documents), key=lambda text: number(text) or (0, 0))
        return Common(lowest, highest, documents[0] | {"min_version": lowest, "version": highest})


def _document(answer: Answer, version_id: str) -> dict[str, Any] | None:
    """Find a version in a site's list of them."""
    try:
        body = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    found = body.get("versions")
    for document in found if isinstance(found, list) else ():
        if isinstance(document, dict) and str(document.get("id", "")).startswith(version_id):
            try:
                msgspec.convert(document, _Document)
            except msgspec.ValidationError:
                return None
            return document
    return None
