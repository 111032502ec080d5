"""Network namespaces that live no longer than the process that made them.

They have no name in the system, as those of ``ip netns`` do, which stay until someone deletes them: a
namespace is there while a process is in it or holds it open. A link in the sandbox's directory leads to it,
through the /proc of that process: ``nsenter --net=LINK`` works with it. When its maker ends, however it ends,
the kernel takes the namespace away and every interface in it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

CLONE_NEWNET = 0x40000000
C_LIBRARY = ctypes.CDLL(None, use_errno=True)


def leave() -> None:
    """Have the calling thread be in a new network namespace, with nothing in it but a loopback that is down.

    :raises OSError: that is not allowed
    """
    check(C_LIBRARY.unshare(CLONE_NEWNET))


def enter(namespace: Path) -> None:
    """Have the calling thread be in a namespace.

    :raises OSError: that is not allowed, or its maker has ended
    """
    opened = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        check(C_LIBRARY.setns(opened, CLONE_NEWNET))
    finally:
        os.close(opened)


def check(result: int) -> None:
    """Raise OSError where a call of the C library has failed."""
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def make() -> int:
    """Make a namespace, and return the open file that it lives by."""
    opened: list[int] = []

    def open_new() -> None:
        leave()
        opened.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

    # A namespace is a thread's: one that ends at once leaves this process where it was.
    thread = threading.Thread(target=open_new)
    thread.start()
    thread.join()
    if not opened:
        raise OSError("no network namespace could be made")
    return opened[0]


def publish(namespace: Path, file: str) -> None:
    """Have a link lead to a namespace.

    :param file: what stands for it in this process's directory of /proc, such as ``ns/net``
    """
    namespace.parent.mkdir(parents=True, exist_ok=True)
    scratch = namespace.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(f"/proc/{os.getpid()}/{file}")
    scratch.replace(namespace)


def run(namespace: Path, *command: str) -> str:
    """Run a program in a namespace, and return what it prints.

    :raises SandboxError: it failed
    """
    return run_command("nsenter", f"--net={namespace}", "--", *command)


def run_command(*command: str) -> str:
    """Run a program, and return what it prints.

    :raises SandboxError: it failed
    """
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def connect(one: Path, name: str, other: Path, other_name: str, address: str | None = None) -> None:
    """Join two namespaces with a wire: a pair of interfaces, both up.

    Neither leaves checksums for later: a switch in user space would never do them.

    :param address: the MAC address of the first one; any, unless given
    :raises SandboxError: a namespace is gone, or an interface of that name is there
    """
    target = str(other.readlink())  # `ip` takes a path, but not a link's
    own = ("address", address) if address else ()
    run(one, "ip", "link", "add", name, *own, "type", "veth", "peer", "name", other_name, "netns", target)
    for namespace, interface in ((one, name), (other, other_name)):
        run(namespace, "ethtool", "--offload", interface, "tx", "off")
        run(namespace, "ip", "link", "set", interface, "up")
