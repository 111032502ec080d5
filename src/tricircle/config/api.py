"""What the three web services have in common."""

from oslo_config import cfg

GROUP = "api"

OPTIONS = (
    cfg.IntOpt(
        "max_limit",
        default=1000,
        min=1,
        help="Most items of one page of a list, also when the request asks for more or names no limit.",
    ),
    cfg.IntOpt(
        "max_body_size",
        default=112 << 10,
        min=1024,
        help="Largest request body, in bytes. A larger one is refused with 413 before it is read. The "
        "default is that of Nova and Cinder themselves ([oslo_middleware] max_request_body_size).",
    ),
    cfg.IntOpt(
        "token_cache_time",
        default=300,
        min=0,
        help="Seconds for which a validated token is believed without asking Keystone again, and so the "
        "longest time that a revoked token goes on working. Never past the token's own expiry.",
    ),
    cfg.IntOpt("token_cache_size", default=100_000, min=1, help="Most tokens kept by one process."),
    cfg.ListOpt(
        "admin_roles",
        default=["admin"],
        help="Roles whose holder may see resources of other projects. What such a request may do is still "
        "the site's own policy to decide.",
    ),
    cfg.BoolOpt(
        "trust_forwarded_headers",
        default=False,
        help="Take scheme and host of the links in answers from X-Forwarded-Proto and X-Forwarded-Host. Only "
        "behind a proxy that sets both itself. Without it they come from the top's catalogue entry.",
    ),
)
