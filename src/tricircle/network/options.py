"""The options that the plugin adds to Neutron's own configuration."""

from oslo_config import cfg

GROUP = "tricircle"

OPTIONS = (
    cfg.ListOpt(
        "config_file",
        default=["/etc/tricircle/tricircle.conf"],
        help="Tricircle's own configuration files, one after the other. [database], transport_url and "
        "[sites] of them are used: where the sites are registered, and how workers are told of changes.",
    ),
    cfg.FloatOpt(
        "sweep_interval",
        default=5.0,
        min=0.1,
        help="Seconds between looks for changes that have not been handed on to Tricircle: because its "
        "database was away, or a process died.",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    """Make a configuration know the options; may be done twice."""
    conf.register_opts(OPTIONS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """List the options, for oslo-config-generator."""
    return [(GROUP, list(OPTIONS))]
