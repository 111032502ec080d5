"""The credentials of the top itself: the session it acts with, its service token, the catalogue.

The service token travels beside a user's token to a site, so that one which expires on the way is still
honoured (keystonemiddleware, "Service tokens").
"""

from keystoneauth1 import loading, plugin, session
from keystoneauth1.access.service_catalog import ServiceCatalog, ServiceCatalogV3
from keystoneauth1.discover import LATEST
from keystoneauth1.exceptions import ClientException
from oslo_config import cfg

from tricircle.config import SERVICE_USER
from tricircle.errors import IdentityUnavailable, TricircleError
from tricircle.refreshed import Refreshed, in_background

# keystoneauth renews a token by itself; looking every so often keeps its lock off the hot path.
_TOKEN_INTERVAL = 30.0

_KEYSTONE = {"interface": plugin.AUTH_INTERFACE, "min_version": (3, 0), "max_version": (3, LATEST)}


class ServiceUser:
    """The top's own user in Keystone, as `[service_user]` names it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        auth = loading.load_auth_from_conf_options(conf, SERVICE_USER)
        self.session: session.Session = loading.load_session_from_conf_options(conf, SERVICE_USER, auth=auth)
        self._token = Refreshed("the service token", self._fetch_token, _TOKEN_INTERVAL, start=in_background)

    def token(self) -> str | None:
        """Return a valid token of the service user, or None while Keystone cannot be reached.

        A request goes on without one: all it costs is that a token which expires on the way is refused.
        """
        try:
            return self._token.get()
        except TricircleError:
            return None

    def catalog(self) -> ServiceCatalog:
        """Read the catalogue from Keystone (Identity API v3, `GET /v3/auth/catalog`).

        :raises IdentityUnavailable: it cannot be read.
        """
        try:
            answer = self.session.get("/auth/catalog", endpoint_filter=dict(_KEYSTONE))
            return ServiceCatalogV3(answer.json()["catalog"])
        except (ClientException, KeyError, ValueError) as error:
            raise IdentityUnavailable("The service catalogue cannot be read.") from error

    def project_id(self) -> str | None:
        """Return the id of the service user's project, which Keystone writes into its catalogue's URLs."""
        try:
            found: str | None = self.session.get_project_id()
        except ClientException as error:
            raise IdentityUnavailable("The service user cannot log in.") from error
        return found

    def _fetch_token(self) -> str:
        try:
            token = self.session.get_token()
        except ClientException as error:
            raise IdentityUnavailable("The service user cannot log in.") from error
        if token is None:
            raise IdentityUnavailable("The service user gets no token.")
        return token
