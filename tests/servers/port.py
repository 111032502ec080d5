"""Ports on loopback that stay free while a server of ours is stopped."""

import errno
import random
import socket

PORTS = range(20000, 32000)
"""Below those that Linux gives to outgoing connections: none can take the port of a stopped server."""


def free_port() -> int:
    """Choose a port that nobody listens on now.

    :raises OSError: there is none.
    """
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
    raise OSError(errno.EADDRINUSE, "no port is free")
