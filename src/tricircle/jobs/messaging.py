"""oslo.messaging, as the top uses it: the one place that loads it.

It works with threads, never with eventlet. Whoever has chosen oslo.service's backend before, as Neutron
does, keeps what was chosen.
"""

import sys
import warnings

import oslo_service.backend as service_backend
from oslo_config import cfg

TOPIC = "tricircle-xjob"
"""The queue that one of the workers takes a message from; with a worker's name, that worker."""

VERSION = "1.0"
"""The version of the RPC API, see doc/source/contributor/xjob.md. A minor one only adds."""

ERRORS = ["tricircle.errors"]
"""The modules whose errors a client gets as they were raised."""

service_backend.register_backend_default_hook(lambda: service_backend.BackendType.THREADING)
with warnings.catch_warnings():
    # Of libraries about one another: eventlet is loaded by one, and used by none.
    warnings.simplefilter("ignore")
    import oslo_messaging as messaging
    from oslo_messaging.rpc.server import RPCServer

_GLOBAL = {
    "oslo_messaging_metrics": "oslo_messaging._metrics.client",
    "oslo_messaging_tracing": "oslo_messaging._tracing.client",
}
"""Options that it declares in oslo.config's global object alone, and looks for in ours: group and module."""


def make_transport(conf: cfg.ConfigOpts) -> messaging.Transport:
    """Make a process's transport. No connection is made before the first use.

    :raises ValueError: the URL names no transport that is there.
    """
    for group, module in _GLOBAL.items():
        if module in sys.modules:  # each came with some release
            conf.register_opts(getattr(sys.modules[module], group), group=group)
    try:
        return messaging.get_rpc_transport(conf, allowed_remote_exmods=ERRORS)
    except (messaging.DriverLoadFailure, messaging.InvalidTransportURL) as error:
        # Says which driver, and not the URL, which may hold a password.
        raise ValueError(f"[DEFAULT] transport_url cannot be used: {type(error).__name__}") from None


__all__ = ["ERRORS", "TOPIC", "VERSION", "RPCServer", "make_transport", "messaging"]
