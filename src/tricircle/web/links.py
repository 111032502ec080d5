"""Where the links in answers point: at the top, as the catalogue has it.

Not at the request's Host, which anyone may set to anything; that only serves while the catalogue has no
endpoint of the top.
"""

import falcon
from oslo_config import cfg

from tricircle.sites.endpoints import Endpoints


class PublicRoot:
    """Tells scheme, host and path, before the version, of the links in an answer.

    :param service_type: of the top's service that answers.
    """

    def __init__(self, endpoints: Endpoints, service_type: str, conf: cfg.ConfigOpts) -> None:
        self._endpoints = endpoints
        self._service_type = service_type
        self._region: str = conf.region_name
        self._forwarded: bool = conf.api.trust_forwarded_headers

    def __call__(self, req: falcon.Request) -> str:
        """Return the root for the answer to a request."""
        root = self._endpoints.public_root(self._region, self._service_type)
        if root is None:
            return req.prefix
        if self._forwarded:
            # Falcon's own reading would believe `Forwarded` first, which a proxy may pass on unseen.
            scheme = req.env.get("HTTP_X_FORWARDED_PROTO", req.scheme)
            host = req.env.get("HTTP_X_FORWARDED_HOST", req.netloc)
            path = root.partition("://")[2].partition("/")[2]
            return f"{scheme}://{host}/{path}".rstrip("/")
        return root
