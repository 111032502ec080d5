"""What the top needs goes away under load, and comes back: nothing is lost, doubled, or left half made.

Nothing is restarted for it. On the full profile database and broker are those of the sites and of Keystone,
too: what is looked at is what the top makes of it.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.integration.aftermath import Aftermath, put_away
from tests.integration.clients import Client, SiteAdmin
from tests.integration.load import Answer, Load
from tests.integration.sandbox import PROFILE, Sandbox

from tricircle.db.timestamps import now

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("nothing_left", "outage_beneath"),
]

BEFORE, DURING, AFTER = 8.0, 10.0, 12.0
"""Seconds of load before it goes away, while it is away, and when it is back."""

KINDS = {"keypair", "flavor", "server", "volume"}


@dataclass(frozen=True)
class Outage:
    """What goes away.

    :param processes: of the sandbox, by name.
    :param kills: it is given no chance to end by itself.
    :param lasts: it comes back only when all is looked at.
    :param breaks: connections of clients break with it, and HAProxy says so in its own words.
    :param is_felt: requests fail while it is away.
    """

    processes: tuple[str, ...]
    kills: bool = False
    lasts: bool = False
    breaks: bool = False
    is_felt: bool = False


OUTAGES = {
    "full": {
        "broker": Outage(("rabbitmq",)),
        "database": Outage(("mariadb",), is_felt=True),
        "a worker and a gateway": Outage(
            ("top-xjob-1", "top-compute-1"), kills=True, lasts=True, breaks=True
        ),
    },
    # Of each there is but one, and nothing else to be taken away.
    "lite": {"the worker and a gateway": Outage(("top-xjob", "top-compute"), kills=True, breaks=True)},
}[PROFILE]


@pytest.fixture(params=list(OUTAGES.values()), ids=list(OUTAGES))
def outage(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Outage]:
    """What goes away; it is back when the test is over, however it ends."""
    outage: Outage = request.param
    yield outage
    running = {process["name"] for process in sandbox.status()["processes"] if process["state"] == "running"}
    for name in outage.processes:
        if name not in running:
            sandbox.run("start-process", name)


@pytest.fixture
def load(
    tenant: Client, admin: Client, sandbox: Sandbox, sites: list[SiteAdmin], outage: Outage
) -> Iterator[Load]:
    """Clients that have not begun yet; what they make is gone when the test is over."""
    load = Load(tenant, admin, [site.zone for site in sandbox.sites])
    yield load
    put_away(load, sites)


def test_nothing_is_lost_or_done_twice(
    sandbox: Sandbox, sites: list[SiteAdmin], outage: Outage, load: Load
) -> None:
    since = now()
    passing = threading.Event()  # never set: it is the load's time that passes
    with load:
        passing.wait(BEFORE)
        for name in outage.processes:
            sandbox.run("stop-process", *(["--kill"] if outage.kills else []), name)
        passing.wait(DURING)
        if not outage.lasts:
            for name in outage.processes:
                sandbox.run("start-process", name)
        passing.wait(AFTER)
    assert load.hung == []
    assert [answer for answer in load.answers if not _is_proper(answer, outage)] == []
    assert any(answer.status >= 500 for answer in load.answers) or not outage.is_felt
    told = Counter(entry.kind for entry in load.entries if entry.id is not None)
    assert set(told) == KINDS, told
    Aftermath(sandbox, sites, load, since).check()


def _is_proper(answer: Answer, outage: Outage) -> bool:
    """Say whether an answer is one that a client may get."""
    if answer.status in {0, 502} and outage.breaks:
        return True
    return answer.is_proper
