"""How sites are reached: deadlines, bounds, and when one counts as down."""

from oslo_config import cfg

GROUP = "sites"

OPTIONS = (
    cfg.StrOpt(
        "interface",
        default="internal",
        choices=["internal", "public", "admin"],
        help="Which of a site's endpoints in the catalogue is called.",
    ),
    cfg.StrOpt("cafile", help="CA certificates, in PEM, that sites' endpoints are checked against."),
    cfg.BoolOpt("insecure", default=False, help="Do not check sites' certificates. For trials only."),
    cfg.FloatOpt("connect_timeout", default=2.0, min=0.05, help="Seconds to open a connection to a site."),
    cfg.FloatOpt(
        "read_deadline", default=30.0, min=0.1, help="Seconds for the whole answer to a GET or HEAD."
    ),
    cfg.FloatOpt(
        "write_deadline",
        default=60.0,
        min=0.1,
        help="Seconds for the whole answer to a request that may change something. Nova itself takes up to "
        "a minute for some.",
    ),
    cfg.IntOpt(
        "max_concurrency",
        default=24,
        min=1,
        help="Most requests that one process has under way at one site at a time. Keep it below the number "
        "of the process's threads, so that a slow site cannot take them all. One more waits up to a second, "
        "and is answered with 503.",
    ),
    cfg.IntOpt(
        "max_answer_size",
        default=64 << 20,
        min=1024,
        help="Largest answer, in bytes, that is taken from a site.",
    ),
    cfg.IntOpt(
        "breaker_threshold",
        default=3,
        min=1,
        help="Failures to reach a site, one after the other, after which it is not tried for a while.",
    ),
    cfg.FloatOpt(
        "breaker_cooldown",
        default=5.0,
        min=0.1,
        help="Seconds for which a site that cannot be reached is left alone. Then one request tries it; each "
        "time that this fails the next waits twice as long, up to a minute.",
    ),
    cfg.FloatOpt("refresh_interval", default=5.0, min=0.0, help="Seconds between looks at the sites' rows."),
    cfg.FloatOpt(
        "catalog_interval", default=60.0, min=1.0, help="Seconds between looks at the Keystone catalogue."
    ),
)
