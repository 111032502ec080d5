"""People who use the top with openstacksdk, and each site's own administrator."""

from typing import Any

from openstack.config import OpenStackConfig
from openstack.connection import Connection
from tests.integration.sandbox import Sandbox, Site
from tests.integration.witness import Witness

UPKEEP = frozenset({"node", "drift", "catch_up", "ports"})
"""Jobs that come round by themselves, whatever anybody does."""


def connect(sandbox: Sandbox, cloud: str, **settings: str) -> Connection:
    """Log in to a cloud of the sandbox's clouds.yaml.

    :param settings: of the cloud, in place of those in the file: `compute_endpoint_override`.
    """
    config = OpenStackConfig(config_files=[str(sandbox.clouds)], load_envvars=False)
    return Connection(config=config.get_one(cloud, **settings))


class Client:
    """A user of the top: openstacksdk's connection, under the eyes of a witness."""

    def __init__(self, sandbox: Sandbox, cloud: str, **settings: str) -> None:
        self.facts = sandbox.facts
        self.connection = connect(sandbox, cloud, **settings)
        top = self.facts["top"]["address"]
        shared = self.facts["keystone_url"].split("/")[2].partition(":")[0]
        self.witness = Witness(top, {top, shared}, [site.address for site in sandbox.sites])
        self.witness.watch(self.connection.session.session)

    @property
    def compute(self) -> Any:
        """The Compute API of the top."""
        return self.connection.compute

    @property
    def volume(self) -> Any:
        """The Block Storage API of the top."""
        return self.connection.block_storage

    @property
    def admin_api(self) -> Any:
        """The Admin API of the top."""
        return self.connection.config.get_session_client("tricircle")

    @property
    def token(self) -> str:
        """A token of this user's, valid now."""
        token: str = self.connection.session.get_token()
        return token

    @property
    def project_id(self) -> str:
        """The user's project."""
        project_id: str = self.connection.session.get_project_id()
        return project_id


class SiteAdmin:
    """A site's own administrator, who sees what really is there, without the top."""

    def __init__(self, sandbox: Sandbox, site: Site) -> None:
        self.site = site
        self.connection = connect(sandbox, site.cloud)

    def servers(self) -> dict[str, dict[str, Any]]:
        """Return all servers of the site by id."""
        return self._all(self.connection.compute, "servers")

    def volumes(self) -> dict[str, dict[str, Any]]:
        """Return all volumes of the site by id."""
        return self._all(self.connection.block_storage, "volumes")

    def snapshots(self) -> dict[str, dict[str, Any]]:
        """Return all snapshots of the site by id."""
        return self._all(self.connection.block_storage, "snapshots")

    def ports(self) -> dict[str, dict[str, Any]]:
        """Return the ports of servers by id."""
        found = self.connection.network.get("/ports", params={"fields": ["id", "device_id", "device_owner"]})
        return {
            port["id"]: port for port in found.json()["ports"] if port["device_owner"].startswith("compute:")
        }

    def inventory(self) -> dict[str, set[str]]:
        """Return the ids of all that a tenant can make in a site."""
        return {
            "servers": set(self.servers()),
            "volumes": set(self.volumes()),
            "snapshots": set(self.snapshots()),
            "ports": set(self.ports()),
        }

    @staticmethod
    def _all(service: Any, collection: str) -> dict[str, dict[str, Any]]:
        found = service.get(f"/{collection}/detail", params={"all_tenants": "1"})
        assert found.status_code == 200, found.text
        return {item["id"]: item for item in found.json()[collection]}


def open_jobs(admin: Client, *kinds: str) -> list[Any]:
    """Return the jobs of some types that wait or run; without a type, all but upkeep."""
    types = [f"type={kind}&" for kind in kinds] or [""]
    found = [
        admin.admin_api.get(f"/jobs?{chosen}state={state}").json()["jobs"]
        for chosen in types
        for state in ("waiting", "running")
    ]
    return [job for jobs in found for job in jobs if kinds or job["type"] not in UPKEEP]
