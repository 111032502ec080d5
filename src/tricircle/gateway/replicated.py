"""Replicated resources, read: any site that has it answers."""

from dataclasses import dataclass, field

from tricircle.errors import SiteUnavailable, TricircleError
from tricircle.gateway.answers import check, pass_back
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.fan_out import headers_for_all
from tricircle.gateway.resource import Resource


@dataclass(frozen=True, slots=True)
class AnySite:
    """Handler of an operation that reads one replicated resource.

    Sites are asked one after the other, in the order of their names, until one has it: as long as they
    are in step that is one hop, and everyone is told the same.
    """

    resource: Resource | None = None
    summary: str = field(default="answered by the first site that has it", init=False)

    def __call__(self, call: Call) -> Reply:
        """Ask for it."""
        headers = headers_for_all(call)
        reply: Reply | None = None
        failure: TricircleError = SiteUnavailable("No site is registered.")
        for site in sorted(call.engine.registry.snapshot.asked, key=lambda site: site.name):
            try:
                answer = call.send(site, headers=headers)
                check(call, site, answer)
            except TricircleError as error:
                failure = error
                continue
            reply = pass_back(call, site, answer, self.resource)
            if answer.status < 400:
                break
        if reply is None:
            raise failure
        return reply
