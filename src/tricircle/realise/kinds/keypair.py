"""Keypairs. One belongs to a user; its key is the user's id and its name, with `|` between them.

Only the public key is ever read: what Nova generates goes from its site to the user, and is kept nowhere.

Source: Compute API reference, "Keypairs".
"""

from urllib.parse import urlencode

from tricircle.realise.definition import Body, Found, Sought
from tricircle.realise.kinds.kind import Kind, quoted
from tricircle.realise.site_view import SiteView


class Keypair(Kind):
    """A keypair of a user."""

    name = "keypair"
    service_type = "compute"
    # The first microversion in which names may hold `@` and `.`; 2.10 lets an administrator act for others.
    version = "2.92"
    not_found = "Keypair {name} not found for user {user}"
    fixed = frozenset({"name", "user_id", "type", "public_key"})

    @staticmethod
    def key_of(user_id: str, name: str) -> str:
        """Return the key of a user's keypair."""
        return f"{user_id}|{name}"

    def find(self, view: SiteView, sought: Sought) -> Found | None:
        """Find it by user and name."""
        user_id, _, name = sought.key.partition("|")
        answer = view.get(_path(user_id, name))
        if answer is None:
            return None
        item = answer["keypair"]
        body: Body = {
            "name": item["name"],
            "user_id": user_id,
            "type": item["type"],
            # Nova ends those that it generates with a line end, and a site that is given it may not.
            "public_key": item["public_key"].strip(),
        }
        return Found(item["name"], item["name"], body)

    def make(self, view: SiteView, body: Body) -> None:
        """Import the public key for its user."""
        view.change(f"keypair {body['name']} made", "POST", "/v2.1/os-keypairs", {"keypair": body})

    def change(self, view: SiteView, shown: Found, body: Body) -> None:
        """Change nothing: all of a keypair is fixed."""

    def remove(self, view: SiteView, shown: Found) -> None:
        """Delete it."""
        path = _path(shown.body["user_id"], shown.site_resource_id)
        view.change("keypair deleted", "DELETE", path, fine={404})


def _path(user_id: str, name: str) -> str:
    return f"/v2.1/os-keypairs/{quoted(name)}?{urlencode({'user_id': user_id})}"
