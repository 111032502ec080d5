"""The API gateways: routing cache, search and fan-out."""

from oslo_config import cfg

GROUP = "gateway"

OPTIONS = (
    cfg.IntOpt("route_cache_size", default=200_000, min=1, help="Most routes kept by one process."),
    cfg.IntOpt(
        "route_cache_time",
        default=300,
        min=0,
        help="Seconds after which a kept route is read from the database again.",
    ),
    cfg.FloatOpt(
        "fan_out_deadline",
        default=10.0,
        min=0.1,
        help="Seconds that a list, a search or a statistic waits for its slowest site. A site that has not "
        "answered by then is left out, and named in the answer's header.",
    ),
)
