"""What a process of a web service does first: read its configuration and begin its log."""

from oslo_config import cfg
from oslo_log import log

from tricircle import config


def configure() -> cfg.ConfigOpts:
    """Read the configuration and set up logging for this process."""
    conf = config.load_from_environment()
    log.set_defaults()
    log.setup(conf, "tricircle")
    return conf
