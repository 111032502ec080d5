"""The ordinary `openstack` command, which most people use: it needs nothing but Central."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.belongings import Belongings
from tests.integration.clients import Client, SiteAdmin
from tests.integration.conditions import BOUND, eventually, side_by_side
from tests.integration.population import Population
from tests.integration.sandbox import Sandbox, environment_without_clouds

pytestmark = pytest.mark.usefixtures("nothing_left")

PROGRAM = Path(sys.executable).with_name("openstack")


class Shell:
    """A shell in which `openstack` speaks to the top as the tenant."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._environment = environment_without_clouds() | {
            "OS_CLIENT_CONFIG_FILE": str(sandbox.clouds),
            "OS_CLOUD": "tricircle",
            "PYTHONWARNINGS": "ignore",
        }
        self._sites = [site.address for site in sandbox.sites]

    def run(self, command: str) -> str:
        """Run a command, and return what it prints; it must succeed, and must not tell where a site is."""
        done = subprocess.run(
            [str(PROGRAM), *command.split()],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND,
        )
        assert done.returncode == 0, f"openstack {command}: {done.stderr}"
        assert not [site for site in self._sites if site in done.stdout + done.stderr]
        return done.stdout

    def read(self, command: str) -> Any:
        """Run a command that prints JSON, and return that."""
        return json.loads(self.run(f"{command} -f json"))


@pytest.fixture(scope="module")
def shell(sandbox: Sandbox) -> Shell:
    """The tenant's shell."""
    return Shell(sandbox)


def test_what_there_is_is_shown(shell: Shell, population: Population) -> None:
    """All at once, as starting the command costs seconds of a core, and the rest nearly nothing."""
    commands = {
        "zones": "availability zone list --compute --volume",
        "servers": "server list --long -c Name -c Status -c Availability_Zone --sort-column Name",
        "paged": "server list --limit 2 -c Name",
        "filtered": "server list --name server-b -c Name -c Image -c Flavor",
        "server": f"server show {population.servers['b'].id} -c name -c status -c flavor",
        "volumes": "volume list -c Name -c Status -c Size --sort-column Name",
        "snapshots": "volume snapshot list -c Name -c Status",
        "flavors": "flavor list -c Name",
        "limits": "limits show --absolute",
    }
    shown = dict(zip(commands, side_by_side(shell.read, commands.values()), strict=True))
    assert sorted((zone["Zone Name"], zone["Zone Status"]) for zone in shown["zones"]) == [
        *[("az1", "available")] * 2,
        *[("az2", "available")] * 2,
    ]
    assert [(server["Name"], server["Status"]) for server in shown["servers"]] == [
        (f"server-{letter}", "ACTIVE") for letter in "abcdef"
    ]
    assert len(shown["paged"]) == 2
    assert [server["Name"] for server in shown["filtered"]] == ["server-b"]
    assert (shown["server"]["name"], shown["server"]["status"]) == ("server-b", "ACTIVE")
    assert [(volume["Name"], volume["Size"]) for volume in shown["volumes"]] == [
        *[("volume-a", 1), ("volume-b", 1), ("volume-c", 2)],
        *[("volume-d", 2), ("volume-e", 3), ("volume-f", 3)],
    ]
    assert [snapshot["Name"] for snapshot in shown["snapshots"]] == [f"snapshot-{it}" for it in "dcba"]
    assert [flavor["Name"] for flavor in shown["flavors"]] == ["m1.tiny", "m1.small"]
    assert {entry["Name"]: entry["Value"] for entry in shown["limits"]}["instances_used"] == 6


def test_servers_and_volumes_are_made_attached_and_deleted(
    tenant: Client, shell: Shell, belongings: Belongings, sites: list[SiteAdmin]
) -> None:
    boot = f"server create --flavor m1.tiny --image {tenant.facts['image_id']} --availability-zone az2 --wait"
    create = "volume create --size 1 --availability-zone az2"

    def made(command: str, collection: str) -> Any:
        item = shell.read(f"{command} by-command")
        belongings.keep(collection, item["id"])
        return item

    server, volume = side_by_side(lambda it: made(*it), [(boot, "servers"), (create, "volumes")])
    assert server["status"] == "ACTIVE"
    assert server["id"] in sites[1].servers()
    shell.run("server add volume by-command by-command")
    attached = belongings.available(tenant.volume.get_volume(volume["id"]), "in-use")
    assert [entry["server_id"] for entry in attached.attachments] == [server["id"]]
    shell.run("server delete --wait by-command")
    belongings.available(attached)
    shell.run("volume delete by-command")
    eventually(lambda: volume["id"] not in sites[1].volumes(), "the volume gone")
