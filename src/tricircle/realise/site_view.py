"""One site's service, as a kind of replicated resource sees it: requests of the top's service user."""

from collections.abc import Callable, Collection
from typing import Any

from tricircle.realise.definition import Changed
from tricircle.sites.service_calls import ServiceCalls, SiteAnswer
from tricircle.sites.site import Site

_CHANGED = 412
"""What Neutron says where a resource has another revision."""


def go_on(_: str) -> None:
    """Do nothing between two steps: where nobody can tell the work to stop."""


class SiteView:
    """Calls of one service of one site, at one microversion; raises as `ServiceCalls.call` does.

    :param version: microversion; None for the lowest.
    :param request_id: of the client's request that the calls follow from.
    :param step: called with its name between any two effects; may raise to end the work there.
    """

    def __init__(
        self,
        calls: ServiceCalls,
        site: Site,
        service_type: str,
        version: str | None,
        *,
        request_id: str | None = None,
        step: Callable[[str], None] = go_on,
    ) -> None:
        self.site = site
        self._calls = calls
        self._service_type = service_type
        self._version = version
        self._request_id = request_id
        self._step = step
        self.notes: list[str] = []
        """What the site does not have as it should, in words."""

    def get(self, target: str) -> dict[str, Any] | None:
        """Read something; None where the site has no such thing."""
        answer = self._send("GET", target, None, {404})
        return None if answer.status == 404 else answer.document

    def change(
        self,
        what: str,
        method: str,
        target: str,
        body: object = None,
        *,
        fine: Collection[int] = (),
        revision: int | None = None,
    ) -> SiteAnswer:
        """Change something.

        :param what: names the step.
        :param fine: statuses of 400 and more that say that it is so already.
        :param revision: of Neutron's, that it must have been seen with.
        :raises Changed: it is not as it was seen any more.
        """
        self._step(what)
        if revision is None:
            return self._send(method, target, body, fine)
        answer = self._send(method, target, body, {*fine, _CHANGED}, revision)
        if answer.status == _CHANGED:
            raise Changed
        return answer

    def note(self, words: str) -> None:
        """Keep in words what the site cannot have as it should."""
        self.notes.append(words)

    def _send(
        self,
        method: str,
        target: str,
        body: object,
        expected: Collection[int],
        revision: int | None = None,
    ) -> SiteAnswer:
        return self._calls.call(
            self.site,
            self._service_type,
            method,
            target,
            body,
            version=self._version,
            request_id=self._request_id,
            expected=expected,
            revision=revision,
        )
