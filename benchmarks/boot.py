"""What a boot costs through the top, as a multiple of the same boot at the site itself.

On the real sandbox, as a user: a server on one network, with one security group of its own, in a named zone.
The contestants take turns in every round, in an order that changes from round to round:

* *at the site*: the site's own Nova, on a network and with a group that are there;
* *first*: through the top, on a network and a subnet and with a group that the site has never heard of;
* *later*: through the top, with all of that in the site already;
* *by hand*: at the site, by a user who makes network, subnet, group and rule there first, one after another,
  which counts: what a first boot costs without a top.

Two times are taken of each: until Nova accepts the request (202), and until the server is ACTIVE, looked at
where it was asked for. The figures are ratios to *at the site* within one round, and their medians over the
rounds: so what else runs on the machine falls out, as far as it lasts longer than a round. Nothing is
measured while jobs of the contestant before are being done, and each service has just been asked something
else, so that nobody's caches have run out.

How soon the top knows the ports of servers is told in seconds: from when a server was first seen to be ACTIVE
until its port, with the server's id and an address, was first seen in the top's Neutron. That is so of each
server that is made through the top, and then of a crowd: several of one request.

Top and site share the processors of one machine here, as they do nowhere else: what is made for a first boot
side by side would have to wait for each other. So whatever the site's services compute takes eight times as
long, and leaves the processors to others for seven eighths of that, as if the site had some of its own.
`--slow 1` shows what it is without.

    python -m benchmarks.boot [--rounds 5] [--slow 8] [--json] [--sandbox .sandbox-bench]

A sandbox that runs there already is used as it is; else one is started, and ended. Takes about a minute a
round, and twenty seconds with `--slow 1`.
"""

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openstack.connection import Connection
from tests.integration.clients import Client, connect, open_jobs
from tests.integration.conditions import eventually
from tests.integration.sandbox import REPOSITORY, Sandbox

from benchmarks.report import Figure

DIRECTORY = REPOSITORY / ".sandbox-bench"

AT_THE_SITE, FIRST, LATER, BY_HAND = "at the site", "first", "later", "by hand"
LIMITS = {FIRST: 1.5, LATER: 1.1}
"""The most that a boot is to cost, in multiples of one at the site."""

CROWD = 8
"""Servers of one request."""

SOON = 1.0
"""The most seconds that a port is to be unknown at the top when its server is ACTIVE."""

SITE_ZONE = "nova"
"""What the site itself calls its zone."""

INTERVAL = 0.02
"""Seconds between two looks at a server."""

WARM_UP = 1
"""Rounds that do not count: services read policies and catalogues when they are first used."""


@dataclass(frozen=True)
class Times:
    """Seconds from the request.

    :param accepted: until the answer.
    :param active: until the server was seen to be ACTIVE.
    :param adopted: from then until the top's Neutron showed its port; None where that was not looked at.
    """

    accepted: float
    active: float
    adopted: float | None = None


class Tenant:
    """A user of one cloud, who makes networks and boots servers there."""

    def __init__(self, connection: Connection, facts: dict[str, Any], zone: str) -> None:
        self.network: Any = connection.network
        self.compute: Any = connection.compute
        self._image = facts["image_id"]
        self._flavor = facts["flavor_ids"][0]
        self._zone = zone
        self._number = 0

    def draw(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Make a network with a subnet, and a security group with a rule."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        network = self._make("network", name=name)
        self._number += 1
        cidr = f"10.{100 + self._number // 250}.{self._number % 250}.0/24"
        self._make("subnet", name=name, network_id=network["id"], ip_version=4, cidr=cidr)
        group = self._make("security_group", name=name)
        rule = {"security_group_id": group["id"], "direction": "ingress", "protocol": "icmp"}
        self._make("security_group_rule", **rule)
        return network, group

    def boot_by_hand(self) -> tuple[tuple[dict[str, Any], dict[str, Any]], str, Times]:
        """Make what a server needs, and boot it."""
        began = time.perf_counter()
        drawn = self.draw()
        made = time.perf_counter() - began
        server_id, times = self.boot(*drawn)
        return drawn, server_id, Times(made + times.accepted, made + times.active)

    def boot(
        self, network: dict[str, Any], group: dict[str, Any], *, is_adopted: bool = False
    ) -> tuple[str, Times]:
        """Boot a server; return its id, and how long it took.

        :param is_adopted: whether a top is to have its port, too.
        """
        began = time.perf_counter()
        answer = self.compute.post("/servers", json=self._body(network, group))
        accepted = time.perf_counter() - began
        if answer.status_code != 202:
            raise RuntimeError(f"a boot was answered with {answer.status_code}: {answer.text[:500]}")
        server_id = answer.json()["server"]["id"]
        while (status := self.compute.get(f"/servers/{server_id}").json()["server"]["status"]) != "ACTIVE":
            if status != "BUILD":
                raise RuntimeError(f"a server became {status}")
            time.sleep(INTERVAL)
        active = time.perf_counter()
        while is_adopted and server_id not in self._homes(network):
            time.sleep(INTERVAL)
        adopted = time.perf_counter() - active if is_adopted else None
        return server_id, Times(accepted, active - began, adopted)

    def boot_crowd(self, network: dict[str, Any], group: dict[str, Any]) -> tuple[list[str], list[float]]:
        """Boot several servers at once; return their ids, and after how long each port was at the top."""
        many = {"min_count": CROWD, "max_count": CROWD, "name": f"crowd-{uuid.uuid4().hex[:8]}"}
        answer = self.compute.post("/servers", json=self._body(network, group, **many))
        if answer.status_code != 202:
            raise RuntimeError(f"a boot was answered with {answer.status_code}: {answer.text[:500]}")
        active: dict[str, float] = {}
        adopted: dict[str, float] = {}
        while len(active) < CROWD or active.keys() - adopted.keys():
            for server_id in self._homes(network):
                adopted.setdefault(server_id, time.perf_counter())
            shown = self.compute.get(f"/servers/detail?name={many['name']}").json()["servers"]
            for server in shown:
                if server["status"] == "ERROR":
                    raise RuntimeError("a server became ERROR")
                if server["status"] == "ACTIVE":
                    active.setdefault(server["id"], time.perf_counter())
            time.sleep(INTERVAL)
        return list(active), [max(0.0, adopted[each] - when) for each, when in active.items()]

    def _homes(self, network: dict[str, Any]) -> set[str]:
        """Return whose the ports of a network are that have an address."""
        query = f"network_id={network['id']}&fields=device_id&fields=fixed_ips"
        shown = self.network.get(f"/ports?{query}").json()["ports"]
        return {port["device_id"] for port in shown if port["fixed_ips"]}

    def _body(self, network: dict[str, Any], group: dict[str, Any], **more: Any) -> dict[str, Any]:
        server = {
            "name": "bench",
            "imageRef": self._image,
            "flavorRef": self._flavor,
            "networks": [{"uuid": network["id"]}],
            "security_groups": [{"name": group["name"]}],
            "availability_zone": self._zone,
            **more,
        }
        return {"server": server}

    def delete(self, server_id: str) -> None:
        """Delete a server, and see it gone."""
        self.compute.delete(f"/servers/{server_id}")
        eventually(
            lambda: self.compute.get(f"/servers/{server_id}").status_code == 404, f"server {server_id} gone"
        )

    def rub_out(self, network: dict[str, Any], group: dict[str, Any]) -> None:
        """Delete what `draw` made. The last port goes a moment after its server."""
        for path in (f"/networks/{network['id']}", f"/security-groups/{group['id']}"):
            eventually(lambda path=path: self.network.delete(path).status_code in {204, 404}, f"{path} gone")  # type: ignore[misc]

    def _make(self, member: str, **fields: Any) -> dict[str, Any]:
        collection = member.replace("_", "-") + "s"
        answer = self.network.post(f"/{collection}", json={member: fields})
        if answer.status_code != 201:
            raise RuntimeError(f"a {member} was answered with {answer.status_code}: {answer.text[:500]}")
        made: dict[str, Any] = answer.json()[member]
        return made


@dataclass
class Race:
    """The contestants, and what was measured of each, by its name."""

    site: Tenant
    top: Tenant
    admin: Client
    times: dict[str, list[Times]] = field(
        default_factory=lambda: {AT_THE_SITE: [], FIRST: [], LATER: [], BY_HAND: []},
    )
    crowd: list[float] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        """Let them take turns."""
        there, known = self.site.draw(), self.top.draw()
        names = list(self.times)
        for number in range(rounds + WARM_UP):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                measured = self._turn(name, {AT_THE_SITE: there, LATER: known})
                print(f"{number} {name}: {measured}", file=sys.stderr)
                if number >= WARM_UP:
                    self.times[name].append(measured)
        self._settle()
        servers, self.crowd = self.top.boot_crowd(*known)
        for each in servers:
            self.top.delete(each)
        self.site.rub_out(*there)
        self.top.rub_out(*known)

    def _turn(self, name: str, there: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> Times:
        tenant = self.site if name in {AT_THE_SITE, BY_HAND} else self.top
        drawn = self.top.draw() if name == FIRST else there.get(name)
        self._settle()
        tenant.compute.get("/servers?limit=1")
        if drawn is None:
            drawn, server_id, measured = tenant.boot_by_hand()
        else:
            server_id, measured = tenant.boot(*drawn, is_adopted=tenant is self.top)
        tenant.delete(server_id)
        if name not in there:
            tenant.rub_out(*drawn)
        return measured

    def _settle(self) -> None:
        eventually(lambda: not open_jobs(self.admin), "no jobs under way")

    def ratios(self, name: str) -> dict[str, Figure]:
        """Compare with the site's own, round by round."""
        pairs = list(zip(self.times[name], self.times[AT_THE_SITE], strict=True))
        return {
            "202": Figure.of([own.accepted / other.accepted for own, other in pairs]),
            "ACTIVE": Figure.of([own.active / other.active for own, other in pairs]),
        }

    @property
    def adopted(self) -> dict[str, list[float]]:
        """Seconds after which ports were at the top, by how their servers were made."""
        found = {
            name: [each.adopted for each in times if each.adopted is not None]
            for name, times in self.times.items()
        }
        return {name: seconds for name, seconds in found.items() if seconds} | {"a crowd": self.crowd}

    def document(self) -> dict[str, Any]:
        """Make what `--json` prints."""
        adopted = {
            name: {"median": statistics.median(seconds), "most": max(seconds)}
            for name, seconds in self.adopted.items()
        }
        return {"boots": self._boots(), "adopted": adopted}

    def _boots(self) -> dict[str, Any]:
        return {
            name: {
                "seconds": {
                    "202": statistics.median(each.accepted for each in times),
                    "ACTIVE": statistics.median(each.active for each in times),
                },
                "ratios": {what: vars(figure) for what, figure in self.ratios(name).items()},
            }
            for name, times in self.times.items()
        }

    def table(self) -> str:
        """Write what a reader wants to see."""
        lines = [f"{'a boot':14} {'until':8} {'milliseconds':>14} {'times the site':>26}  {'at most':>8}"]
        for name, measured in self._boots().items():
            ratios = self.ratios(name)
            for what, seconds in measured["seconds"].items():
                limit = LIMITS.get(name)
                lines.append(
                    f"{name:14} {what:8} {1000 * seconds:14.0f} {ratios[what].text('8.2f'):>26}"
                    f"  {'' if limit is None else limit:>8}"
                )
        lines += ["", f"{'its port at the top':22} {'milliseconds after ACTIVE':>28}  {'at most':>8}"]
        for name, seconds in self.adopted.items():
            words = f"{1000 * statistics.median(seconds):.0f} (at most {1000 * max(seconds):.0f})"
            lines.append(f"{name:22} {words:>28}  {1000 * SOON:8.0f}")
        return "\n".join(lines)


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="measures what a boot costs through the top")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--slow", type=float, default=8.0, metavar="FACTOR", help="how many times as long the site computes"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sandbox", type=Path, default=DIRECTORY, help="directory of the sandbox")
    arguments = parser.parse_args()
    with _sandbox(arguments.sandbox.resolve()) as sandbox:
        site = sandbox.sites[0]
        race = Race(
            Tenant(connect(sandbox, site.tenant_cloud), sandbox.facts, SITE_ZONE),
            Tenant(connect(sandbox, "tricircle"), sandbox.facts, site.zone),
            Client(sandbox, "tricircle-admin"),
        )
        with _slowed(sandbox, site.name, arguments.slow):
            race.run(arguments.rounds)
    print(json.dumps(race.document(), indent=2) if arguments.json else race.table())
    return 0


@contextmanager
def _slowed(sandbox: Sandbox, site: str, factor: float) -> Iterator[None]:
    """Have a site compute so many times as long."""
    if factor == 1:
        yield
        return
    sandbox.fault(site, "--slow", str(factor))
    try:
        yield
    finally:
        sandbox.fault(site, "--off")


@contextmanager
def _sandbox(directory: Path) -> Iterator[Sandbox]:
    """Give a sandbox; one that runs already is used as it is, and left."""
    sandbox = Sandbox(directory)
    if sandbox.is_running:
        yield sandbox
        return
    sandbox.up("--sites", "1")
    try:
        yield sandbox
    finally:
        sandbox.down()


if __name__ == "__main__":
    sys.exit(main())
