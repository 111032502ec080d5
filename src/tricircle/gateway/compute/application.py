"""The Nova API-GW as a WSGI application."""

from oslo_config import cfg

from tricircle.gateway import application
from tricircle.gateway.compute.operations import OPERATIONS
from tricircle.gateway.microversion import MicroversionHeaders
from tricircle.gateway.service import Service
from tricircle.web.application import Application

SERVICE = Service(
    type="compute",
    version_id="v2.1",
    microversions=MicroversionHeaders("compute", legacy="X-OpenStack-Nova-API-Version"),
    request_id_header="x-compute-request-id",
    operations=OPERATIONS,
)


def make_application(conf: cfg.ConfigOpts) -> Application:
    """Make the Nova API-GW."""
    return application.make_application(conf, SERVICE)
