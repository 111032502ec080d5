"""The Cinder API-GW as a WSGI application."""

from oslo_config import cfg

from tricircle.gateway import application
from tricircle.gateway.microversion import MicroversionHeaders
from tricircle.gateway.service import Service
from tricircle.gateway.volume.operations import OPERATIONS
from tricircle.web.application import Application

SERVICE = Service(
    type="block-storage",
    version_id="v3",
    microversions=MicroversionHeaders("volume"),
    request_id_header=None,
    operations=OPERATIONS,
    lists_versions=True,
)


def make_application(conf: cfg.ConfigOpts) -> Application:
    """Make the Cinder API-GW."""
    return application.make_application(conf, SERVICE)
