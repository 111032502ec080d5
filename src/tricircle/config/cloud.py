"""What the whole top shares: its region and its default availability zone."""

from oslo_config import cfg

GROUP = None  # these stand in [DEFAULT]

OPTIONS = (
    cfg.StrOpt(
        "region_name",
        default="Central",
        help="Keystone region of the top: the one whose endpoints are the gateways'.",
    ),
    cfg.StrOpt(
        "default_availability_zone",
        help="Top availability zone of a server or volume that names none. Unset: any site may get it.",
    ),
)
