"""The Cinder API-GW, for any WSGI server: `tricircle.wsgi.volume:application`."""

from tricircle.gateway.volume.application import make_application
from tricircle.wsgi.process import serve

application = serve(make_application)
