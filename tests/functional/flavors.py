"""A flavor, made through the top."""

from tests.functional.gateway import GatewayClient, Reply

GOLD = {"name": "gold", "ram": 4096, "disk": 40, "vcpus": 2, "id": "gold-1"}


def make(admin: GatewayClient, **fields: object) -> Reply:
    """Make a flavor through the top."""
    return admin.post("/v2.1/flavors", {"flavor": GOLD | fields})
