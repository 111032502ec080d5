"""REST calls to the sandbox's services, as one of its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keystoneauth1 import adapter
from keystoneauth1 import session as keystone_session
from keystoneauth1.exceptions import NotFound
from keystoneauth1.identity import v3

from sandbox.layout import PASSWORD

if TYPE_CHECKING:
    from sandbox.layout import Layout


class Api:
    """One service's API: paths in, decoded JSON out.

    :raises ClientException: from every call that gets no answer, or one of 400 and above
    """

    def __init__(self, session: Any, url: str, **more: Any) -> None:
        self.adapter = adapter.Adapter(session, endpoint_override=url, **more)

    def get(self, path: str) -> Any:
        """Return what is at a path."""
        return self.call("GET", path)

    def find(self, path: str) -> Any | None:
        """Return what is at a path, or None where there is nothing."""
        try:
            return self.get(path)
        except NotFound:
            return None

    def post(self, path: str, **body: Any) -> Any:
        """Make something."""
        return self.call("POST", path, json=body)

    def put(self, path: str, **body: Any) -> Any:
        """Make something be so."""
        return self.call("PUT", path, json=body or None)

    def patch(self, path: str, **body: Any) -> Any:
        """Change something."""
        return self.call("PATCH", path, json=body)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Make one call."""
        response = self.adapter.request(path, method, **arguments)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response.json() if response.content and is_json else None


def session_of(layout: Layout, user: str = "admin") -> Any:
    """Return a session of a user, in the project of the same name."""
    auth = v3.Password(
        auth_url=layout.keystone_url,
        username=user,
        password=PASSWORD,
        project_name=user,
        user_domain_id="default",
        project_domain_id="default",
    )
    return keystone_session.Session(auth)
