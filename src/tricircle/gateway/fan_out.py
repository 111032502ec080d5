"""One question to many sites; who does not answer is left out, and named in the reply."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tricircle.errors import SiteUnavailable, TricircleError
from tricircle.gateway.answers import SITE_REQUEST_ID, passed_headers
from tricircle.gateway.call import Call, Reply
from tricircle.sites.client import SiteRequest
from tricircle.sites.site import Site
from tricircle.sites.transport import Answer

MISSING_SITES = "X-Tricircle-Missing-Sites"
"""Names the sites whose part an answer lacks."""

_ABOUT_THE_WHOLE = frozenset({"openstack-api-version", "x-openstack-nova-api-version", "vary"})


class Refused(TricircleError):
    """Every site that answered refused the request: the client gets the first one's own words."""

    def __init__(self, site: Site, answer: Answer) -> None:
        super().__init__("refused", site=site.name)
        self.refusing_site = site
        self.answer = answer


@dataclass(slots=True)
class Gathered:
    """What sites said to one question.

    :param good: answers of status 200, with what `parse` has made of their bodies.
    :param refused: answers of 4xx.
    :param silent: sites that gave no answer, or none that makes sense.
    """

    good: list[tuple[Site, Answer, Any]] = field(default_factory=list)
    refused: list[tuple[Site, Answer]] = field(default_factory=list)
    silent: list[Site] = field(default_factory=list)

    @property
    def missing(self) -> list[Site]:
        """The sites whose part is not in the good answers."""
        return [*self.silent, *(site for site, _ in self.refused)]

    def require(self) -> "Gathered":
        """Return itself if there is a good answer.

        :raises Refused: nobody gave a good answer, and somebody refused.
        :raises SiteUnavailable: nobody answered.
        """
        if self.good:
            return self
        if self.refused:
            raise Refused(*self.refused[0])
        names = ", ".join(site.name for site in self.silent) or "none is registered"
        raise SiteUnavailable(f"No site answers: {names}.", site=names)

    def headers(self, call: Call) -> list[tuple[str, str]]:
        """Return the headers of a reply that is made of the answers."""
        headers: list[tuple[str, str]] = [("Content-Type", "application/json")]
        for index, (site, answer, _) in enumerate(self.good):
            headers += [
                (name, value)
                for name, value in passed_headers(call, site, answer)
                if name == SITE_REQUEST_ID or (index == 0 and name in _ABOUT_THE_WHOLE)
            ]
        if self.missing:
            headers.append((MISSING_SITES, ", ".join(sorted(site.name for site in self.missing))))
        return headers

    def reply(self, call: Call, document: object) -> Reply:
        """Make a reply of what has been made of the answers."""
        return Reply(200, orjson.dumps(document), self.headers(call))


def ask(call: Call, questions: Iterable[tuple[Site, str]], parse: Callable[[bytes], Any]) -> Gathered:
    """Ask sites side by side.

    :param questions: each site's own target, path and query.
    :param parse: reads a body; a ValueError from it means that the answer is none.
    """
    headers = headers_for_all(call)
    deadline = call.engine.conf.gateway.fan_out_deadline
    requests = [(site, SiteRequest("GET", target, headers, deadline=deadline)) for site, target in questions]
    answers = call.engine.client.send_all(call.engine.service.type, requests)
    gathered = Gathered()
    for (site, _), answer in zip(requests, answers, strict=True):
        _put(gathered, site, answer, parse)
    return gathered


def headers_for_all(call: Call) -> list[str]:
    """Return the headers of a question to several sites.

    `latest` is not the same everywhere, and answers of different microversions cannot be merged: the
    highest that all have stands for it.
    """
    return call.headers(call.engine.versions.common.highest if call.version == "latest" else None)


def _put(
    gathered: Gathered, site: Site, answer: Answer | TricircleError, parse: Callable[[bytes], Any]
) -> None:
    if isinstance(answer, Answer):
        if answer.status == 200:
            try:
                gathered.good.append((site, answer, parse(answer.body)))
            except ValueError:
                gathered.silent.append(site)
            return
        if 400 <= answer.status < 500:
            gathered.refused.append((site, answer))
            return
    gathered.silent.append(site)
