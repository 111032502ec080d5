"""Quotas, as far as anybody reads them."""

from typing import TYPE_CHECKING

from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.network.service import Network


def show(_network: "Network", call: Call) -> Document:
    """Show a project's quotas."""
    if not call.admin:
        raise Refusal(403, "rule:get_quota is disallowed by policy")
    return {"quota": {"port": -1}}


ROUTES: tuple[Route, ...] = (("GET", "/quotas/{id}", show),)
