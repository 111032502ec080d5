"""Nothing is gone because the top does not show it: a proxy before it is lost, or our rights there are."""

from typing import Any

import pytest
from tests.fakes.faults import Answer
from tests.fakes.service import Document
from tests.fakes.site import Site
from tests.functional.adopting_top import AdoptingTop
from tests.functional.neutron import Neutron
from tests.functional.workshop import Workshop

from tricircle.jobs.types import FOLLOW, REPLICATE
from tricircle.realise.definition import DefinitionState

HTML = Answer(404, b"<html>404 Not Found</html>", (("Content-Type", "text/html"),))
NOT_FOUND = Answer(
    404,
    b'{"NeutronError": {"type": "NotFound", "message": "It could not be found.", "detail": ""}}',
    (("Content-Type", "application/json"),),
)
FORBIDDEN = Answer(
    403,
    b'{"NeutronError": {"type": "PolicyNotAuthorized", "message": "Not allowed.", "detail": ""}}',
    (("Content-Type", "application/json"),),
)


@pytest.fixture
def top(adopting_top: AdoptingTop) -> AdoptingTop:
    """The top's Neutron."""
    return adopting_top


@pytest.fixture(params=["proxy", "rights"])
def hidden(request: pytest.FixtureRequest, top: AdoptingTop) -> Any:
    """Have the top not show something for once."""

    def hide(path: str) -> None:
        is_proxy = request.param == "proxy"
        top.faults.put(HTML if is_proxy else NOT_FOUND, path, method="GET", times=1)
        if not is_proxy:
            top.faults.put(FORBIDDEN, "/quotas/", method="GET", times=1)

    return hide


def test_a_servers_port_stays(
    workshop: Workshop, neutron: Neutron, port: Document, site_one: Site, hidden: Any
) -> None:
    hidden(f"/ports/{port['id']}")
    neutron.change("port", port["id"], name="renamed")
    workshop.hurry(FOLLOW.name)
    assert site_one.network.ports[port["id"]]["name"] == "renamed"


@pytest.mark.usefixtures("port")
def test_a_network_stays(
    workshop: Workshop, neutron: Neutron, net1: Document, site_one: Site, hidden: Any
) -> None:
    hidden(f"/networks/{net1['id']}")
    neutron.change("network", net1["id"], name="renamed")
    workshop.hurry(FOLLOW.name, REPLICATE.name)
    known = workshop.engine.replicas.store.find("network", net1["id"])
    assert known is not None
    assert known.definition.state is DefinitionState.ACTIVE
    (there,) = site_one.network.marked("networks", net1["id"])
    assert there["name"] == "renamed"
