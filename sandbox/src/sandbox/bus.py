"""Whether a part of a service hears what is said to it: it does when its queue has a consumer.

A service without an API says in its database that it is up, but that may be what it said before it was
stopped; and what is said to it before it listens is lost, upon which the one who said it waits for a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.layout import CINDER, NEUTRON, NOVA

if TYPE_CHECKING:
    from sandbox.layout import Layout, Site
    from sandbox.process import Process
    from sandbox.readiness import Condition

CONNECT_SECONDS = 5
# The queue of each part, by the service that it is a part of; ``{host}`` is the site's one host.
QUEUES = {
    (NOVA.name, "conductor"): "conductor",
    (NOVA.name, "scheduler"): "scheduler",
    (NOVA.name, "compute"): "compute.{host}",
    (CINDER.name, "scheduler"): "cinder-scheduler",
    (CINDER.name, "volume"): "cinder-volume.{host}@fake",
    (NEUTRON.name, "rpc"): "q-plugin",
}


def is_heard(layout: Layout, site: Site, process: Process) -> Condition:
    """Return the condition that a part of a site's service takes messages; met at once by all others."""
    name = QUEUES.get((process.program, process.part), "").format(host=site.host)

    def condition() -> str | None:
        if not name or consumers(layout.bus_url(site.name), name):
            return None
        return f"{process.name} to listen"

    return condition


def consumers(url: str, queue: str) -> int:
    """Return how many listen to a queue; 0 where it or the broker is not there."""
    import amqp  # only here: every other command does without
    from kombu.connection import Connection  # kombu itself is half made while another thread imports it

    amqp_url = url.replace("rabbit://", "amqp://", 1)
    try:
        with Connection(amqp_url, connect_timeout=CONNECT_SECONDS) as connection:
            declared = connection.channel().queue_declare(queue=queue, passive=True)
    except (OSError, amqp.exceptions.AMQPError):
        return 0
    return int(declared.consumer_count)
