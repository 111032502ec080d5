"""What a process of a web service does first: read its configuration, begin its log, make the application."""

import gc
from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log

from tricircle import config
from tricircle.web.application import Application


def serve(make: Callable[[cfg.ConfigOpts], Application]) -> Application:
    """Make an application, as the configuration says that this process is given.

    What is in memory by then stays there. The garbage collector need not look at it again, which halves the
    cost of large lists.
    """
    conf = config.load_from_environment()
    log.set_defaults()
    log.setup(conf, "tricircle")
    application = make(conf)
    gc.collect()
    gc.freeze()
    return application
