"""What RabbitMQ reads: its options, its users and virtual hosts, and its environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.layout import PASSWORD, RABBITMQ_PORT, SERVICES_USER

if TYPE_CHECKING:
    from sandbox.layout import Layout

# Where the ports that Erlang takes on every address begin; a sandbox's number is added.
MAPPER_PORTS = 24000
DISTRIBUTION_PORTS = 25000
# One scheduler, which sleeps when it has nothing to do.
EMULATOR = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"


def options(layout: Layout) -> str:
    """Return rabbitmq.conf."""
    return (
        f"listeners.tcp.1 = {layout.servers_address}:{RABBITMQ_PORT}\n"
        f"load_definitions = {layout.conf('servers', 'rabbitmq-definitions.json')}\n"
        "vm_memory_high_watermark.absolute = 1GiB\n"
        "disk_free_limit.absolute = 50MB\n"
        "log.console = true\n"
        "log.console.level = info\n"
        "log.file = false\n"
    )


def definitions(layout: Layout) -> str:
    """Return the one user and the virtual hosts: one for each site, one for the top."""
    hosts = ["top", *(site.name for site in layout.sites)]
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    content = {
        "users": [{"name": SERVICES_USER, "password": PASSWORD, "tags": ["administrator"]}],
        "vhosts": [{"name": host} for host in hosts],
        "permissions": [{"user": SERVICES_USER, "vhost": host, **everything} for host in hosts],
    }
    return json.dumps(content, indent=2) + "\n"


def mapper_port(layout: Layout) -> int:
    """Return the port at which Erlang's port mapper tells where the broker's distribution is."""
    return MAPPER_PORTS + layout.number


def environment(layout: Layout) -> dict[str, str]:
    """Return the environment of the broker, and of the commands that speak to it."""
    data = layout.data("rabbitmq")
    address = layout.servers_address
    return {
        "HOME": str(data),
        "LC_ALL": "C.UTF-8",
        "ERL_EPMD_ADDRESS": address,
        "ERL_EPMD_PORT": str(mapper_port(layout)),
        "RABBITMQ_NODENAME": f"sandbox@{address}",
        "RABBITMQ_USE_LONGNAME": "true",
        "RABBITMQ_DIST_PORT": str(DISTRIBUTION_PORTS + layout.number),
        "RABBITMQ_CONFIG_FILE": str(layout.conf("servers", "rabbitmq.conf")),
        # The system's own would tell of the system's broker.
        "RABBITMQ_CONF_ENV_FILE": str(layout.conf("servers", "rabbitmq-env.conf")),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(layout.conf("servers", "rabbitmq-plugins")),
        "RABBITMQ_MNESIA_BASE": str(data),
        "RABBITMQ_LOG_BASE": str(data),
        "RABBITMQ_PID_FILE": str(data / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            f"-kernel inet_dist_use_interface {{{address.replace('.', ',')}}} {EMULATOR}"
        ),
    }
