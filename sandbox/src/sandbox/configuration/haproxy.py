"""haproxy.cfg: what stands at the top's address, before the gateways and the Networking APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.layout import CINDER, NEUTRON, NOVA

if TYPE_CHECKING:
    from sandbox.layout import Layout

SERVED = {"compute": NOVA, "volume": CINDER, "network": NEUTRON}

# A request whose connection was refused goes to the other process; one that was sent is never sent again. A
# process that is slow to say that it is well is not dead: it gets nothing new, and ends those that it has.
DEFAULTS = """\
global
    maxconn 4000
    log stdout format raw local0 notice

defaults
    mode http
    log global
    option redispatch 1
    option http-keep-alive
    retries 2
    timeout connect 2s
    timeout client 300s
    timeout server 300s
    timeout queue 10s
    timeout check 5s
    option httpchk GET /healthcheck
    default-server check inter 1s fall 3 rise 1
"""


def render(layout: Layout) -> str:
    """Return haproxy.cfg."""
    blocks = [DEFAULTS]
    for module, service in SERVED.items():
        lines = [f"listen {module}", f"    bind {layout.top_address}:{service.port}"]
        lines += [
            f"    server {module}-{number} {address}:{service.port}"
            for number, address in enumerate(layout.gateway_addresses, 1)
        ]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)
