"""The Nova API-GW, for any WSGI server: `tricircle.wsgi.compute:application`."""

from tricircle.gateway.compute.application import make_application
from tricircle.wsgi.process import serve

application = serve(make_application)
