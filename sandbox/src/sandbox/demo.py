"""The demo: what one does with the top, by the ordinary ``openstack`` client and in the one region Central.

A flavor and a keypair made once and there in each site; a network with its subnet and a security group, made
once as well; a server on them and a volume in each availability zone, attached, listed as of one cloud; and
then the proof that each lives in a site of its own, and what each site has received of the network. Every
command is printed before what it printed. Clients of one step run side by side: one costs more than two
seconds of a core, of which the top has nearly none.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox import rest
from sandbox.control import is_disturbing
from sandbox.errors import SandboxError
from sandbox.layout import ADMIN_API, CINDER, DEFAULT_DIRECTORY, IMAGE, NEUTRON, NOVA, PRODUCT_ENVIRONMENT

if TYPE_CHECKING:
    from sandbox.layout import Layout, Service, Site

    Command = list[str]

TENANT, ADMIN = "tricircle", "tricircle-admin"
FLAVOR = ("--ram", "64", "--disk", "1", "--vcpus", "1")
SUBNET = ("--subnet-range", "10.77.0.0/24")
RULE = ("--protocol", "tcp", "--dst-port", "80")
OPENSTACK = PRODUCT_ENVIRONMENT / "bin" / "openstack"
PATIENCE = 60.0
INTERVAL = 0.5
# Where a site's own API has what the top defines.
DEFINED = {"flavor": "/flavors/{key}", "keypair": "/os-keypairs/{name}"}
# What of a new resource is worth a line.
SERVER_COLUMNS = ("id", "status", "addresses")
VOLUME_COLUMNS = ("id", "size")
PORT_COLUMNS = ("ID", "Fixed IP Addresses", "Status", "Device Owner")


def demo(layout: Layout) -> None:
    """Show what the top does.

    :raises SandboxError: a command failed, or what it made is not as it should be
    """
    Demo(layout).run()


class Demo:
    """One run; what it makes bears the time of day, so that a second run makes new ones."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.console = Console(highlight=False, soft_wrap=True)
        self.zones = {site.top_availability_zone: site for site in layout.sites}
        stamp = time.strftime("%H%M%S")
        self.flavor, self.keypair = f"flavor-{stamp}", f"key-{stamp}"
        self.network, self.subnet, self.group = f"net-{stamp}", f"subnet-{stamp}", f"web-{stamp}"
        self.servers = {zone: f"server-{zone}-{stamp}" for zone in self.zones}
        self.volumes = {zone: f"volume-{zone}-{stamp}" for zone in self.zones}
        user, admin = rest.session_of(layout, "demo"), rest.session_of(layout)
        self.compute = rest.Api(user, NOVA.url(layout.top_address))
        self.volume = rest.Api(user, CINDER.url(layout.top_address))
        self.top_network = rest.Api(user, NEUTRON.url(layout.top_address))
        self.admin_api = rest.Api(admin, ADMIN_API.url(layout.top_address))

    def run(self) -> None:
        """Do all steps."""
        self.say("One endpoint. Each availability zone is a whole OpenStack of its own.")
        self.commands(["availability", "zone", "list", "--compute"])
        self.say("A flavor, which the administrator makes, and a keypair of the tenant's: each is made once.")
        self.commands(["flavor", "create", *FLAVOR, *columns("id", "name"), self.flavor], cloud=ADMIN)
        self.commands(["keypair", "create", *self.private_key(), *columns("id", "type"), self.keypair])
        self.show_definitions({"flavor": self.flavor, "keypair": self.keypair})
        self.say("A network with a subnet, and a security group: made at the top, and in no site so far.")
        self.commands(["network", "create", *columns("id", "name"), self.network])
        self.commands(
            ["subnet", "create", *SUBNET, "--network", self.network, *columns("cidr", "name"), self.subnet],
            ["security", "group", "create", *columns("id", "name"), self.group],
        )
        self.commands(["security", "group", "rule", "create", *RULE, *columns("port_range_min"), self.group])
        self.say("A server on them and a volume in each zone, by the ordinary client, side by side.")
        self.commands(*(create for zone in self.zones for create in self.creates(zone)))
        servers = self.wait(self.compute, "servers", self.servers, "ACTIVE")
        self.say("Each volume goes to the server of its zone.")
        self.commands(
            *(
                ["server", "add", "volume", *columns("Device"), self.servers[zone], self.volumes[zone]]
                for zone in self.zones
            )
        )
        volumes = self.wait(self.volume, "volumes", self.volumes, "in-use")
        self.say("Servers and volumes of all sites, as of one cloud.")
        self.commands(
            ["server", "list", "--long", *columns("Name", "Status", "Networks", "Availability Zone")]
        )
        self.commands(["volume", "list", *columns("Name", "Status", "Size", "Attached to")])
        self.say("And where each lives: what the top tells its operator, and what the sites themselves say.")
        self.show_homes({**servers, **volumes})
        self.say(
            "What each site has got of the network: its own copy, with addresses of its own to hand out."
        )
        self.show_network()
        self.say("And the ports that the sites' Neutrons made, as the top has them.")
        self.show_ports(servers)
        self.farewell()

    def creates(self, zone: str) -> list[Command]:
        """Return the commands that make a server and a volume in a zone."""
        place = ["--availability-zone", zone]
        boot = ["--flavor", self.flavor, "--key-name", self.keypair, "--image", IMAGE, "--wait"]
        on = ["--network", self.network, "--security-group", self.group]
        server = ["server", "create", *place, *boot, *on, *columns(*SERVER_COLUMNS), self.servers[zone]]
        volume = ["volume", "create", *place, "--size", "1", *columns(*VOLUME_COLUMNS), self.volumes[zone]]
        return [server, volume]

    def private_key(self) -> Command:
        """Return the option by which the client keeps the private key, instead of printing it."""
        file = self.layout.directory / "keys" / self.keypair
        file.parent.mkdir(mode=0o700, exist_ok=True)
        return ["--private-key", str(file)]

    def show_definitions(self, names: dict[str, str]) -> None:
        """Wait until each site has what was made once, and show it.

        :param names: what things of each type are called
        :raises SandboxError: a site has not got one for too long
        """
        url = ADMIN_API.url(self.layout.top_address)
        self.say("What is made once is in every site a moment later.")
        self.console.print(
            f"[bold cyan]$ GET {url}/v1/definitions?resource_type=TYPE&name=NAME[/] (as admin)"
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            found = {type_: self.definition(type_, name) for type_, name in names.items()}
            sites = [site for definition in found.values() for site in definition["sites"]]
            if sites and all(site["in_step"] for site in sites):
                break
            if time.monotonic() > deadline:
                behind = sorted({site["site"] for site in sites if not site["in_step"]})
                raise SandboxError(f"{' and '.join(names.values())} are not in step in {', '.join(behind)}")
            time.sleep(INTERVAL)
        table = Table("type", "name", "site", "in step", "found there", box=None, pad_edge=False)
        for type_, definition in found.items():
            path = DEFINED[type_].format(**definition)
            for site in self.layout.sites:
                there = self.at(site, NOVA).find(path) is not None
                table.add_row(type_, names[type_], site.name, "yes", "yes" if there else "no")
                if not there:
                    raise SandboxError(f"{names[type_]} should be in {site.name}, and is not")
        self.console.print(table)

    def definition(self, type_: str, name: str) -> dict[str, Any]:
        """Return what the top has of a replicated resource; it has it as soon as it is made."""
        query = f"/v1/definitions?resource_type={type_}&name={name}"
        definitions: list[dict[str, Any]] = self.admin_api.get(query)["definitions"]
        if len(definitions) != 1:
            raise SandboxError(f"the top should have one {type_} {name}, and has {len(definitions)}")
        return definitions[0]

    def commands(self, *commands: Command, cloud: str = TENANT) -> None:
        """Run ``openstack`` commands side by side; print each with its output, in order."""
        run = partial(self.openstack, cloud=cloud)
        who = "" if cloud == TENANT else f" --os-cloud {cloud}"
        with ThreadPoolExecutor(len(commands)) as pool:
            for command, done in zip(commands, pool.map(run, commands), strict=True):
                self.console.print(f"[bold cyan]$ openstack{who} {escape(shlex.join(command))}[/]")
                self.console.print(escape(done.stdout.rstrip()) or "[dim](no output)[/]")
                if done.returncode:
                    raise SandboxError(f"the command ended with {done.returncode}: {done.stderr.strip()}")

    def openstack(self, command: Command, cloud: str) -> subprocess.CompletedProcess[str]:
        """Run one command in Central, as the user that a cloud in clouds.yaml is for."""
        clean = {key: value for key, value in os.environ.items() if not is_disturbing(key)}
        environment = {**clean, "OS_CLIENT_CONFIG_FILE": str(self.layout.clouds), "OS_CLOUD": cloud}
        return subprocess.run(
            [str(OPENSTACK), *command],
            env={**environment, "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def wait(self, api: rest.Api, kind: str, names: dict[str, str], status: str) -> dict[str, dict[str, Any]]:
        """Wait until what was made in each zone has a status; return each by its id, with its zone.

        :raises SandboxError: one of them has another status for too long
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            found = {item["name"]: item for item in api.get(f"/{kind}/detail")[kind]}
            states = {name: found[name]["status"] if name in found else "missing" for name in names.values()}
            if set(states.values()) == {status}:
                return {found[name]["id"]: {**found[name], "zone": zone} for zone, name in names.items()}
            if time.monotonic() > deadline or "error" in {state.lower() for state in states.values()}:
                raise SandboxError(f"{kind} that should be {status}: {states}")
            time.sleep(INTERVAL)

    def show_homes(self, resources: dict[str, dict[str, Any]]) -> None:
        """Show the site of each resource, as the top's routing has it and as the site's own API confirms.

        :raises SandboxError: a resource is not in the site that its zone stands for
        """
        self.console.print(
            f"[bold cyan]$ GET {ADMIN_API.url(self.layout.top_address)}/v1/routes/ID[/] (as admin)"
        )
        table = Table("resource", "zone", "site, says the top", "found there", box=None, pad_edge=False)
        for resource_id, resource in resources.items():
            site = self.zones[resource["zone"]]
            routes = self.admin_api.get(f"/v1/routes/{resource_id}")["routes"]
            homes = ", ".join(route["site"] for route in routes)
            there = self.is_in(site, routes[0]["type"], resource_id)
            table.add_row(resource["name"], resource["zone"], homes, "yes" if there else "no")
            if homes != site.name or not there:
                raise SandboxError(f"{resource['name']} should be in {site.name}; the top says {homes}")
        self.console.print(table)

    def show_network(self) -> None:
        """Show what each site has of the network, by its own API.

        :raises SandboxError: a site has none, or another segment; or two would hand out the same addresses
        """
        network_id = self.top_network.get(f"/v2.0/networks?name={self.network}")["networks"][0]["id"]
        self.console.print(
            f"[bold cyan]$ GET /v2.0/networks?description=tricircle:{network_id}[/] (at each site)"
        )
        headings = ("site", "network there", "segment", "hands out", "security group")
        table = Table(*headings, box=None, pad_edge=False)
        segments: set[str] = set()
        ranges: list[tuple[int, int]] = []
        for site in self.layout.sites:
            neutron = self.at(site, NEUTRON)
            networks = neutron.get(f"/v2.0/networks?description=tricircle:{network_id}")["networks"]
            groups = neutron.get(f"/v2.0/security-groups?name={self.group}")["security_groups"]
            if len(networks) != 1 or len(groups) != 1:
                raise SandboxError(f"{site.name} should have {self.network} and {self.group} once")
            there = networks[0]["id"]
            subnets = neutron.get(f"/v2.0/subnets?network_id={there}")["subnets"]
            pools = [pool for subnet in subnets for pool in subnet["allocation_pools"]]
            ranges += [(int(IPv4Address(pool["start"])), int(IPv4Address(pool["end"]))) for pool in pools]
            handed = ", ".join(f"{pool['start']} to {pool['end']}" for pool in pools)
            rules = f"{self.group}, {len(groups[0]['security_group_rules'])} rules"
            segment = segment_of(self.at(site, NEUTRON, "admin").get(f"/v2.0/networks/{there}")["network"])
            segments.add(segment)
            table.add_row(site.name, networks[0]["name"], segment, handed, rules)
        if len(segments) != 1:
            raise SandboxError(f"{self.network} should be the same segment in all sites")
        ranges.sort()
        if any(before[1] >= after[0] for before, after in pairwise(ranges)):
            raise SandboxError(f"two sites hand out the same addresses of {self.network}")
        self.console.print(table)

    def show_ports(self, servers: dict[str, dict[str, Any]]) -> None:
        """Wait until the top has the port of each server, and list them.

        :param servers: by id
        :raises SandboxError: one has none for too long
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self.top_network.get("/v2.0/ports")["ports"]
            active = {port["device_id"] for port in found if port["status"] == "ACTIVE"}
            if servers.keys() <= active:
                break
            if time.monotonic() > deadline:
                raise SandboxError(f"the top lacks the ports of {', '.join(sorted(servers.keys() - active))}")
            time.sleep(INTERVAL)
        self.commands(["port", "list", "--network", self.network, "--long", *columns(*PORT_COLUMNS)])

    def is_in(self, site: Site, type_: str, resource_id: str) -> bool:
        """Return whether a site's own API, asked directly, has a resource."""
        api = self.at(site, NOVA if type_ == "server" else CINDER)
        return api.find(f"/{type_}s/{resource_id}") is not None

    def at(self, site: Site, service: Service, user: str = "demo") -> rest.Api:
        """Return a site's own API, for the tenant or another user."""
        return rest.Api(rest.session_of(self.layout, user), service.url(site.address))

    def say(self, text: str) -> None:
        """Print a heading."""
        self.console.print(f"\n[bold]{text}[/]\n")

    def farewell(self) -> None:
        """Say how to go on by hand."""
        self.say("All of it worked. To go on by hand:")
        other = "" if self.layout.directory == DEFAULT_DIRECTORY else f" --dir {self.layout.directory}"
        site = self.layout.sites[0].cloud
        self.console.print(
            f'  eval "$(sandbox/.venv/bin/sandbox{other} env)"\n'
            f"  openstack server list\n"
            f"  openstack --os-cloud {site} server list --all-projects    # a site, without the top\n"
            f"  make demo-status\n"
            f"  make demo-down"
        )


def segment_of(network: dict[str, Any]) -> str:
    """Return what a network is in the fabric, as an administrator is shown it."""
    parts = ("network_type", "segmentation_id", "physical_network")
    return " ".join(str(network[f"provider:{part}"]) for part in parts)


def columns(*names: str) -> Command:
    """Return the options that choose columns."""
    return [option for name in names for option in ("-c", name)]
