"""XJob: how many jobs at a time, how long a worker may be silent, how often the house is put in order."""

from oslo_config import cfg

GROUP = "xjob"

OPTIONS = (
    cfg.IntOpt("threads", default=16, min=1, help="Most jobs that one worker does at a time."),
    cfg.IntOpt(
        "max_per_site",
        default=4,
        min=1,
        help="Most jobs that one worker does at a time for one site: a slow one holds up nobody else.",
    ),
    cfg.IntOpt(
        "max_per_project",
        default=3,
        min=1,
        help="Most jobs that one worker does at a time for one project. Keep it below max_per_site, so that "
        "one project's flood leaves room for others at each site.",
    ),
    cfg.FloatOpt(
        "lease",
        default=30.0,
        min=1.0,
        help="Seconds after the last sign of life of a worker when others take its jobs over. It gives a "
        "sign three times as often. The clocks of all workers must agree to within a third of it.",
    ),
    cfg.FloatOpt(
        "sweep_interval",
        default=1.0,
        min=0.05,
        help="Seconds between looks for jobs that no message has announced. Without a message bus this is "
        "what drives everything.",
    ),
    cfg.FloatOpt(
        "shutdown_timeout",
        default=20.0,
        min=0.0,
        help="Seconds that a worker which is told to stop goes on with what it does; then it hands it back. "
        "A call of a site that is under way by then is waited for, at most [sites] write_deadline longer.",
    ),
    cfg.FloatOpt(
        "intent_grace",
        default=90.0,
        min=1.0,
        help="Seconds that a gateway has to finish what it began in a site before a worker looks what became "
        "of it. Keep it above [sites] write_deadline.",
    ),
    cfg.FloatOpt(
        "intent_horizon",
        default=90.0,
        min=1.0,
        help="Seconds after its request was sent when a server or volume that no list of its site shows "
        "counts as never made. Keep it above [sites] write_deadline: by then its site had to answer.",
    ),
    cfg.FloatOpt(
        "health_interval", default=15.0, min=1.0, help="Seconds between looks whether a site answers."
    ),
    cfg.FloatOpt("node_interval", default=60.0, min=1.0, help="Seconds between looks at a site's capacity."),
    cfg.FloatOpt(
        "drift_interval",
        default=900.0,
        min=1.0,
        help="Seconds between comparisons of a site's replicated resources with their definitions.",
    ),
    cfg.FloatOpt(
        "catch_up_interval",
        default=300.0,
        min=1.0,
        help="Seconds between looks for replicated resources that a site lacks, or has though they are "
        "deleted.",
    ),
    cfg.FloatOpt(
        "ports_interval",
        default=300.0,
        min=1.0,
        help="Seconds between comparisons of a site's ports with those that the top's Neutron has of it.",
    ),
    cfg.FloatOpt(
        "network_idle_time",
        default=900.0,
        min=0.0,
        help="Seconds after which a network goes from a site in which nothing is on it, and no server was "
        "asked for on it; it comes back with the next one. It is looked for with the comparison of ports. "
        "After that time a site also gives back addresses that it does not need. "
        "With 0 networks stay where they once were needed, until they are deleted, and addresses until "
        "another site needs them.",
    ),
    cfg.FloatOpt("purge_interval", default=3600.0, min=1.0, help="Seconds between deletions of old rows."),
    cfg.IntOpt("keep_days", default=14, min=0, help="Days for which ended jobs are kept; failed ones stay."),
)
