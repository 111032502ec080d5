"""How workers share out their periodic work."""

from oslo_config import cfg

GROUP = "coordination"

OPTIONS = (
    cfg.StrOpt(
        "backend_url",
        secret=True,
        help="Where workers meet to share out their periodic work, as a URL of tooz: memcached://host:11211, "
        "etcd3+http://host:2379, or, for workers of one host, file:///var/lib/tricircle/coordination. Unset, "
        "and while it is away, each worker does all periodic work, which costs some requests and harms "
        "nothing. A worker that has died is missed after 30 seconds, or 10 with file; `?timeout=` in the URL "
        "says otherwise.",
    ),
)
