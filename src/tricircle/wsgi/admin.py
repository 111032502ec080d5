"""The Admin API, for any WSGI server: `tricircle.wsgi.admin:application`."""

from tricircle.admin.application import make_application
from tricircle.wsgi.process import serve

application = serve(make_application)
