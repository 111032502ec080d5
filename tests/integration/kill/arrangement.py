"""What scenarios are made of: definitions and routes at a case's own top, and what is in the real sites."""

import base64
from typing import Any

import msgspec
import sqlalchemy as sa
from tests.integration.kill.order import Arranged, Things

from tricircle.db.tables import jobs, routes
from tricircle.db.timestamps import now
from tricircle.jobs.job import Job, NoParameters, Request
from tricircle.jobs.store import JobStore
from tricircle.jobs.types import (
    AFTER_DELETE,
    INTENT,
    REPLICATE,
    DriftParameters,
    IntentParameters,
    JobType,
    ReplicateParameters,
)
from tricircle.realise.definition import Body, Definition, DefinitionState, Sought
from tricircle.realise.kinds import KINDS
from tricircle.realise.kinds.keypair import Keypair
from tricircle.routing.homed import HOMED
from tricircle.routing.route import Route
from tricircle.sites.site import Site
from tricircle.xjob.engine import Engine


def public_key(letter: str) -> str:
    """Return a public key that Nova takes."""
    parts = (b"ssh-ed25519", letter.encode() * 32)
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


class Arrangement:
    """One case's top and sites, before the job.

    :param mark: is in the name of all that is made.
    :param things: what is in the first site for everybody.
    """

    def __init__(self, engine: Engine, mark: str, things: Things) -> None:
        self.engine = engine
        self.mark = mark
        self.things = things
        self.names: dict[str, str] = {}
        self.first, self.second = engine.registry.snapshot.asked

    # -- bodies: each as its definition has it ---------------------------------------------------------------

    def flavor(self, **changes: Any) -> Body:
        """Return a flavor."""
        return {
            "id": self.mark,
            "name": self.mark,
            "ram": 64,
            "vcpus": 1,
            "disk": 1,
            "ephemeral": 0,
            "swap": 0,
            "rxtx_factor": 1.0,
            "is_public": True,
            "description": "as it should be",
            "extra_specs": {"hw:cpu_policy": "shared", "quota:vif_average": "100"},
            "access": [],
        } | changes

    @property
    def private(self) -> dict[str, Any]:
        """What makes a flavor or a volume type one of some projects' only; else it is everybody's."""
        return {"is_public": False, "access": [self.things.project_id]}

    def keypair(self, letter: str = "a") -> Body:
        """Return a keypair of the tenant's."""
        user_id = self.things.user_id
        return {"name": self.mark, "user_id": user_id, "type": "ssh", "public_key": public_key(letter)}

    def qos_spec(self, suffix: str = "", **changes: Any) -> Body:
        """Return a QoS spec."""
        specs = {"read_iops_sec": "100", "write_iops_sec": "50"}
        return {"name": self.mark + suffix, "consumer": "front-end", "specs": specs} | changes

    def volume_type(self, **changes: Any) -> Body:
        """Return a volume type without a QoS spec."""
        return {
            "name": self.mark,
            "description": "as it should be",
            "is_public": True,
            "extra_specs": {"multiattach": "<is> False", "replication_enabled": "<is> False"},
            "access": [],
            "qos_spec": None,
        } | changes

    # -- sites -----------------------------------------------------------------------------------------------

    def make(self, kind: str, body: Body, *sites: Site) -> dict[str, str]:
        """Make something in sites, as somebody there would; return what each calls it.

        :param body: other things stand in it by the site's ids.
        """
        known_as = {}
        for site in sites:
            it = KINDS[kind]
            view = self.engine.replicas.realiser.view(it, site)
            it.make(view, body)
            sought = Sought(key_of(kind, body), body["name"], None)
            found = it.find(view, sought)
            assert found is not None
            it.change(view, found, body)
            known_as[site.id] = found.site_resource_id
        return known_as

    # -- definitions -----------------------------------------------------------------------------------------

    def define(self, kind: str, body: Body, known_as: dict[str, str] | None = None) -> Definition:
        """Define something at the top, which the first site is said to have.

        :param known_as: what sites that agree call it, by their ids.
        """
        store = self.engine.replicas.store
        proposed = self.engine.database.transact(
            lambda connection: store.propose(connection, kind, key_of(kind, body), body["name"])
        )
        self.names[proposed.id] = f"definition {len(self.names)}"
        return self.redefine(proposed, body, known_as)

    def redefine(
        self, definition: Definition, body: Body | None, known_as: dict[str, str] | None = None
    ) -> Definition:
        """Give a definition its next version, of which the other sites have not heard.

        :param body: None where it is deleted.
        :param known_as: as for `define`; those of the sites that have heard.
        """
        store = self.engine.replicas.store
        known = store.get(definition.id)
        assert known is not None
        agreed = {self.first.id: f"{self.mark} there"} | (known_as or {})

        def work(connection: sa.Connection) -> None:
            version = store.define(
                connection,
                definition,
                key=definition.key,
                name=definition.name,
                body=definition.body if body is None else body,
                state=DefinitionState.DELETED if body is None else DefinitionState.ACTIVE,
            )
            for site_id, site_resource_id in agreed.items():
                store.realised.record(
                    connection,
                    definition.id,
                    site_id,
                    site_resource_id=None if body is None else site_resource_id,
                    seen=known.version_in(site_id),
                    version=version,
                )

        self.engine.database.transact(work)
        defined = store.get(definition.id)
        assert defined is not None
        return defined.definition

    # -- routes ----------------------------------------------------------------------------------------------

    def route(self, kind: str, resource_id: str, site: Site) -> None:
        """Have a route known since yesterday."""
        route = Route(resource_id, kind, site.id, resource_id, self.things.project_id, None)
        self.engine.routes.record([route])
        statement = routes.update().where(routes.c.top_id == resource_id)
        self.engine.database.transact(
            lambda connection: connection.execute(statement.values(recorded_at=now().replace(year=2020)))
        )

    # -- jobs ------------------------------------------------------------------------------------------------

    def ask(
        self,
        kind: JobType,
        resource_type: str,
        resource_id: str,
        site: Site | None,
        parameters: msgspec.Struct | None = None,
    ) -> Arranged:
        """Ask for the job.

        :param site: None for one that is for no single site.
        """
        if parameters is None:
            parameters = DriftParameters() if kind.parameters is DriftParameters else NoParameters()
        request = Request(
            kind.name,
            resource_type,
            resource_id,
            None if site is None else site.id,
            self.things.project_id if resource_type in HOMED else None,
            parameters,
        )
        (job,) = self.engine.requester.request(request)
        return Arranged(job.id, self.names)

    def ask_about(self, kind: JobType, site: Site, parameters: msgspec.Struct | None = None) -> Arranged:
        """Ask for a job about a whole site."""
        return self.ask(kind, "site", site.id, site, parameters)

    def replicate(self, definition: Definition, *, mend: bool = False) -> Arranged:
        """Ask that the second site get what the first one has."""
        parameters = ReplicateParameters(mend)
        return self.ask(REPLICATE, definition.kind, definition.id, self.second, parameters)

    def learn(self, kind: str, key: str, *, may_be_gone: bool = False) -> Arranged:
        """Write down what a gateway does before it sends a user's change; then it is never heard of again."""
        sites = {self.first.id: self.first}
        writing = self.engine.replicas.writing
        intent = writing.begin(KINDS[kind], key, self.mark, sites, may_be_gone=may_be_gone)
        job = next(job for job in self.jobs() if job.id == intent.job_id)
        request = {job.resource_id.partition("/")[2]: "request", intent.definition.id: "new"}
        return Arranged(intent.job_id, self.names | request)

    def intend(self, kind: str, parameters: IntentParameters) -> Arranged:
        """Write down what a gateway does before it sends a user's create; then it is never heard of again."""
        return self.ask(INTENT, kind, f"request {self.mark}", self.first, parameters)

    def delete(self, kind: str, resource_id: str) -> Arranged:
        """Ask what has become of something that a user wanted deleted in the first site."""
        self.route(kind, resource_id, self.first)
        return self.ask(AFTER_DELETE, kind, resource_id, self.first)

    def jobs(self) -> list[Job]:
        """Return all jobs."""
        return JobStore(self.engine.database).page()

    def note_progress(self, arranged: Arranged, progress: dict[str, Any]) -> Arranged:
        """Have the job be one that has been begun before."""
        statement = jobs.update().where(jobs.c.id == arranged.job_id)
        told = msgspec.json.encode(progress).decode()
        self.engine.database.transact(lambda connection: connection.execute(statement.values(progress=told)))
        return arranged


def key_of(kind: str, body: Body) -> str:
    """Return what the top calls something; not an id that any site gives."""
    match kind:
        case "flavor":
            return str(body["id"])
        case "keypair":
            return Keypair.key_of(body["user_id"], body["name"])
        case _:
            return f"key of {kind} {body['name']}"
