"""The bounded search of all sites for an id that no row knows.

Each site is asked once, with the user's own token: its policy says whether the user may know of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tricircle.errors import NotFound, SiteUnavailable, TricircleError, Unauthorized
from tricircle.routing.resource_type import ResourceType
from tricircle.sites.client import SiteClient, SiteRequest
from tricircle.sites.site import Site

_DECODER = msgspec.json.Decoder(dict[str, dict[str, object]])


@dataclass(frozen=True, slots=True)
class Search:
    """Searches sites.

    :param deadline: seconds, for all of them together.
    """

    client: SiteClient
    deadline: float

    def find(
        self, kind: ResourceType, resource_id: str, token: str, sites: Sequence[Site]
    ) -> tuple[Site, dict[str, object] | None]:
        """Ask sites for a resource; return the one that has it, and what it shows of it.

        A site that refuses to show it (403) has it, too: it may say itself what the user may not do.

        :raises NotFound: every site says that the user has no such thing there.
        :raises SiteUnavailable: no site has it, and some did not answer.
        """
        request = SiteRequest(
            "GET",
            kind.path.format(id=resource_id),
            (f"X-Auth-Token: {token}", "Accept: application/json", *kind.headers),
            deadline=self.deadline,
        )
        answers = self.client.send_all(kind.service_type, [(site, request) for site in sites])
        refusing: list[Site] = []
        silent: list[str] = []
        for site, answer in zip(sites, answers, strict=True):
            if isinstance(answer, TricircleError) or answer.is_html:
                silent.append(site.name)
            elif answer.status == 200 and (item := shown(kind, answer.body)) is not None:
                return site, item
            elif answer.status == 401:
                raise Unauthorized("The request you have made requires authentication.", site=site.name)
            elif answer.status == 403:
                refusing.append(site)
            elif answer.status != 404:
                silent.append(site.name)
        if refusing:
            return refusing[0], None
        if silent:
            names = ", ".join(silent)
            raise SiteUnavailable(f"It is not known yet: no answer from {names}.", site=names)
        raise NotFound(kind.not_found.format(id=resource_id))


def shown(kind: ResourceType, body: bytes) -> dict[str, object] | None:
    """Return what a site's answer shows of a resource; None where it is no such answer."""
    try:
        return _DECODER.decode(body).get(kind.envelope)
    except msgspec.DecodeError:
        return None
