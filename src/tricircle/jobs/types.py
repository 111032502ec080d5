"""The types of jobs: what each is called, what it must be told, how often it is tried and how soon it is due.

What a type does is in `tricircle.xjob`; this is what those who ask for a job need to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from tricircle.errors import BadRequest
from tricircle.jobs.job import NoParameters
from tricircle.jobs.retry import Retry

URGENT, USUAL, IDLE = 10, 50, 90
"""Priorities: what a user waits for, what users will notice, and what keeps the house in order."""


class IntentParameters(msgspec.Struct, frozen=True):
    """What was asked for when a server or volume was to be made, or when a server was to get a port or group.

    :param name: as the client gave it; None where nothing is to be made.
    :param most: how many were asked for at once.
    :param sent_at: ISO 8601, naive, UTC.
    :param facts: fields of the resource by which one is told from another, as its site shows them.
    :param uses: what of the top's it was to be on; see `tricircle.jobs.boots`.
    :param groups: ids of the security groups that it was to be in, or their names in the project.
    :param over_at: since when the site is known to be at it no more, as `sent_at`; None where nobody knows.
    """

    name: str | None
    most: int
    sent_at: str
    facts: dict[str, Any]
    uses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    over_at: str | None = None


class AdoptParameters(msgspec.Struct, frozen=True):
    """What a server, whose ports are to be adopted, was made on; or what was to be there for one.

    :param uses: networks and ports by the top's ids, and addresses; see `tricircle.jobs.boots`.
    :param groups: ids of security groups, or their names in the project.
    :param leaving: what the site has been told to take off the server, which it does after its answer:
        addresses, and ports by their ids there.
    :param until: when what was asked of a server that is there has begun to show, in seconds since the epoch.
    """

    uses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    until: float = 0.0

    def after(self, earlier: "AdoptParameters") -> "AdoptParameters":
        """Return what a request means that joins an earlier one: what the server has or loses by either."""
        uses, groups = {*self.uses, *earlier.uses}, {*self.groups, *earlier.groups}
        leaving = {*self.leaving, *earlier.leaving}
        until = max(self.until, earlier.until)
        return AdoptParameters(tuple(sorted(uses)), tuple(sorted(groups)), tuple(sorted(leaving)), until)


class LearnParameters(msgspec.Struct, frozen=True):
    """What was done with a replicated resource.

    :param may_be_gone: it was deleted: a site that no longer shows it means that it is to go everywhere.
    :param taken_over: the site had it before, without a definition, and nobody knows that the request was
        done: that the site shows it is no sign of that.
    """

    may_be_gone: bool = False
    taken_over: bool = False


class DriftParameters(msgspec.Struct, frozen=True):
    """What is to become of what was changed in a site behind the top's back.

    :param mend: whether it is changed back.
    """

    mend: bool = False

    def after(self, earlier: "DriftParameters") -> "DriftParameters":
        """Return what a request means that joins an earlier one: no wish to mend gets lost."""
        return DriftParameters(mend=self.mend or earlier.mend)


class ReplicateParameters(msgspec.Struct, frozen=True):
    """How a replicated resource is to be made the same in a site.

    :param mend: as of `DriftParameters`.
    :param is_precaution: whoever asks for it is about to do it; nothing is left to do once the site agrees.
    """

    mend: bool = False
    is_precaution: bool = False

    def after(self, earlier: "ReplicateParameters") -> "ReplicateParameters":
        """Return what a request means that joins an earlier one: no wish to mend, or to look, gets lost."""
        return ReplicateParameters(
            mend=self.mend or earlier.mend, is_precaution=self.is_precaution and earlier.is_precaution
        )


_USUAL_RETRY = Retry()


@dataclass(frozen=True, slots=True)
class JobType:
    """A type of job.

    :param about: the resource types it may be about; empty for any.
    :param needs_site: whether it is always for one site.
    :param parameters: what they look like.
    """

    name: str
    summary: str
    about: frozenset[str]
    needs_site: bool = True
    parameters: type[msgspec.Struct] = NoParameters
    priority: int = USUAL
    retry: Retry = _USUAL_RETRY

    def read(self, parameters: bytes) -> Any:
        """Read a row's parameters.

        :raises BadRequest: they make no sense (any more).
        """
        try:
            return msgspec.json.decode(parameters, type=self.parameters)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise BadRequest(f"The parameters of the {self.name} job make no sense: {error}") from None

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """Return the parameters of a waiting job for the same of which there was a later request.

        The later ones hold, unless they say themselves what they keep of the earlier ones (a method `after`).
        """
        parameters = self.read(later)
        if not hasattr(parameters, "after"):
            return later
        try:
            return msgspec.json.encode(parameters.after(self.read(earlier)))
        except BadRequest:
            return later


_MADE_ONCE = frozenset({"flavor", "keypair", "volume_type", "qos_spec"})
_AT_TOP = frozenset({"network", "subnet", "port", "security_group", "address_group", "qos_policy"})
REPLICATED = _MADE_ONCE | _AT_TOP | {"rbac_policy"}
_SITE = frozenset({"site"})

REBUILD = JobType("rebuild", "learn the routes of a site from its lists", _SITE, priority=IDLE)
NODE = JobType(
    "node",
    "learn the capacity and state of a site",
    _SITE,
    priority=IDLE,
    retry=Retry(attempts=3, first=2, most=30),
)
INTENT = JobType(
    "intent",
    "find what became of a create whose answer was lost",
    frozenset({"server", "volume"}),
    parameters=IntentParameters,
    priority=URGENT,
    retry=Retry(attempts=12, first=2, most=300),
)
AFTER_DELETE = JobType(
    "after_delete", "drop the route of a deleted resource when its site says that it is gone", frozenset()
)
LEARN = JobType(
    "learn",
    "take over how a site shows a replicated resource that was changed there through the top",
    _MADE_ONCE,
    parameters=LearnParameters,
    priority=URGENT,
    retry=Retry(attempts=12, first=1, most=300),
)
REPLICATE = JobType(
    "replicate",
    "make a replicated resource the same in a site",
    REPLICATED,
    parameters=ReplicateParameters,
    priority=URGENT,
)
CATCH_UP = JobType("catch_up", "ask for all that a site lacks of the replicated resources", _SITE)
DRIFT = JobType(
    "drift",
    "compare the replicated resources of a site with their definitions",
    _SITE,
    parameters=DriftParameters,
    priority=IDLE,
    retry=Retry(attempts=3, first=5, most=60),
)

FOLLOW = JobType(
    "follow",
    "take over what changed at the top's Neutron",
    _AT_TOP,
    needs_site=False,
    priority=URGENT,
)
ADOPT = JobType(
    "adopt",
    "give the ports of a new server their rows at the top",
    frozenset({"server"}),
    parameters=AdoptParameters,
    priority=URGENT,
    retry=Retry(attempts=12, first=1, most=60),
)
CLEAN_UP = JobType(
    "clean_up",
    "take out of a site what was brought there for a server that was never made, or never ran",
    frozenset({"server"}),
    parameters=AdoptParameters,
)
MEMBERS = JobType(
    "members",
    "have a site's rules let in the members that a security group has in other sites",
    frozenset({"security_group"}),
    priority=URGENT,
    retry=Retry(attempts=12, first=1, most=300),
)

PORTS = JobType(
    "ports",
    "compare the ports of a site with those that the top has of it",
    _SITE,
    priority=IDLE,
    retry=Retry(attempts=3, first=5, most=60),
)

TYPES: Mapping[str, JobType] = MappingProxyType(
    {
        known.name: known
        for known in (
            REBUILD,
            NODE,
            INTENT,
            AFTER_DELETE,
            LEARN,
            REPLICATE,
            CATCH_UP,
            DRIFT,
            FOLLOW,
            ADOPT,
            CLEAN_UP,
            MEMBERS,
            PORTS,
        )
    }
)


def type_of(name: str) -> JobType:
    """Return a type by its name.

    :raises BadRequest: there is none.
    """
    try:
        return TYPES[name]
    except KeyError:
        raise BadRequest(f"There is no job type {name}.") from None
