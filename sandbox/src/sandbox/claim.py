"""Gives each running sandbox of a machine a loopback /24 that no other has.

The claim is a bound socket on the subnet's first address: taken in one step, and given back by the kernel
when the supervisor ends, however it ends.
"""

from __future__ import annotations

import socket

from sandbox.errors import SandboxError

PORT = 17700
SUBNETS = tuple(f"127.77.{number}" for number in range(1, 255))


def claim(wanted: str | None, remembered: str | None) -> tuple[str, socket.socket]:
    """Claim a subnet for as long as the returned socket is open.

    :param wanted: the only one that will do, such as ``127.77.9``; None for any
    :param remembered: the one to try first, which this sandbox had before
    :raises SandboxError: there is none to be had
    """
    candidates = [wanted] if wanted else [*([remembered] if remembered else []), *SUBNETS]
    for subnet in candidates:
        holder = socket.socket()
        try:
            holder.bind((f"{subnet}.1", PORT))
        except OSError:
            holder.close()
        else:
            return subnet, holder
    raise SandboxError(f"another sandbox uses {wanted or 'every subnet of 127.77'}")
