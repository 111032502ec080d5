"""Who makes a request: what a validated token says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Identity:
    """A validated token's user, project and roles.

    :param project_id: None for a token without a project (domain or system scope).
    :param expires_at: seconds since the epoch.
    """

    user_id: str
    project_id: str | None
    roles: frozenset[str]
    expires_at: float

    @classmethod
    def from_token(cls, data: dict[str, Any]) -> Self:
        """Read the body of `GET /v3/auth/tokens` (Identity API v3, "Validate and show information")."""
        token = data["token"]
        return cls(
            user_id=token["user"]["id"],
            project_id=token.get("project", {}).get("id"),
            roles=frozenset(role["name"] for role in token.get("roles", ())),
            expires_at=datetime.fromisoformat(token["expires_at"]).timestamp(),
        )
