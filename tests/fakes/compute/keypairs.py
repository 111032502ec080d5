"""Keypairs, which belong to a user and not to a project."""

import hashlib
import re
from typing import TYPE_CHECKING

from tests.fakes.compute.records import Keypair
from tests.fakes.server import Response
from tests.fakes.service import Call, Document, Refusal, Route

if TYPE_CHECKING:
    from tests.fakes.compute.service import Compute

_NAME_BEFORE = re.compile(r"[\w \-]+", re.ASCII)
"""The names that Nova takes below microversion 2.92."""
_NAME = re.compile(r"[\w @.\-]+", re.ASCII)


def index(compute: "Compute", call: Call) -> Document:
    """List a user's keypairs."""
    user_id = _user(call)
    found = [_basic(call, keypair) for keypair in compute.keypairs.values() if keypair.user_id == user_id]
    return {"keypairs": [{"keypair": view} for view in found]}


def create(compute: "Compute", call: Call) -> Response:
    """Import a public key, or make a pair up to microversion 2.91."""
    wanted = call.body("keypair")
    if "name" not in wanted:
        raise Refusal(400, "Invalid input for field/attribute keypair. 'name' is a required property")
    user_id = _permitted(call, wanted.get("user_id")) if call.at_least(10) else call.token.user_id
    name = wanted["name"].strip()
    if not (_NAME if call.at_least(92) else _NAME_BEFORE).fullmatch(name):
        raise Refusal(400, "Keypair data is invalid: Keypair name contains unsafe characters")
    if (user_id, name) in compute.keypairs:
        raise Refusal(409, f"Key pair '{name}' already exists.")
    public_key = wanted.get("public_key")
    if public_key is None and call.at_least(92):
        raise Refusal(400, "Invalid input for field/attribute keypair. 'public_key' is a required property")
    owned = [each for each in compute.keypairs.values() if each.user_id == user_id]
    if len(owned) >= compute.quota["maxTotalKeypairs"]:
        raise Refusal(403, "Quota exceeded, too many key pairs.")
    material = public_key or f"ssh-rsa {hashlib.sha256(name.encode()).hexdigest()} Generated-by-Nova\n"
    digest = hashlib.md5(material.encode(), usedforsecurity=False).hexdigest()
    fingerprint = ":".join(digest[place : place + 2] for place in range(0, 32, 2))
    keypair = Keypair(name, user_id, material, fingerprint, wanted.get("type", "ssh"), compute.clock())
    compute.keypairs[user_id, name] = keypair
    view = _basic(call, keypair) | {"user_id": user_id}
    if public_key is None:
        view["private_key"] = "-----BEGIN PRIVATE KEY-----\nfake\n-----END PRIVATE KEY-----\n"
    return Response.of_json({"keypair": view}, 201 if call.at_least(2) else 200)


def show(compute: "Compute", call: Call) -> Document:
    """Show a keypair."""
    keypair = _keypair(compute, call)
    return {
        "keypair": _basic(call, keypair)
        | {
            "user_id": keypair.user_id,
            "created_at": keypair.created.strftime("%Y-%m-%dT%H:%M:%S.000000"),
            "deleted": False,
            "deleted_at": None,
            "id": 1,
            "updated_at": None,
        }
    }


def delete(compute: "Compute", call: Call) -> Response:
    """Delete a keypair."""
    keypair = _keypair(compute, call)
    del compute.keypairs[keypair.user_id, keypair.name]
    return Response(204 if call.at_least(2) else 202)


def _user(call: Call) -> str:
    asked = call.request.parameter("user_id") if call.at_least(10) else None
    return _permitted(call, asked)


def _permitted(call: Call, user_id: str | None) -> str:
    """Return the user that a call is about; only administrators may name others."""
    if user_id is not None and user_id != call.token.user_id and not call.admin:
        raise Refusal(403, "Policy doesn't allow os_compute_api:os-keypairs to be performed.")
    return user_id or call.token.user_id


def _keypair(compute: "Compute", call: Call) -> Keypair:
    name, user_id = call.arguments["id"], _user(call)
    keypair = compute.keypairs.get((user_id, name))
    if keypair is None:
        raise Refusal(404, f"Keypair {name} not found for user {user_id}")
    return keypair


def _basic(call: Call, keypair: Keypair) -> Document:
    view = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
    }
    return view | ({"type": keypair.type} if call.at_least(2) else {})


ROUTES: tuple[Route, ...] = (
    ("GET", "/os-keypairs", index),
    ("POST", "/os-keypairs", create),
    ("GET", "/os-keypairs/{id}", show),
    ("DELETE", "/os-keypairs/{id}", delete),
)
