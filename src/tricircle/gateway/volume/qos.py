"""QoS specs and volume types that have them. Which one a type has is part of the type's definition."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from tricircle.errors import NotFound
from tricircle.gateway.call import Call, Reply
from tricircle.gateway.replicated import Named
from tricircle.gateway.replicated_write import Place, Sending, find, look, pass_on
from tricircle.realise.definition import Known
from tricircle.realise.kinds import QOS_SPEC, VOLUME_TYPE
from tricircle.sites.site import Site

_TYPE = "vol_type_id"
"""The query's parameter that names the volume type."""


def associated_types(call: Call, qos_spec: Known) -> Sequence[Known]:
    """Return the volume types that have a QoS spec."""
    return call.engine.replicas.store.referring("qos_spec", qos_spec.definition.key, VOLUME_TYPE.name)


@dataclass(frozen=True, slots=True)
class _NamedInQuery(Named):
    """How these operations name a volume type."""

    def key(self, call: Call) -> str:
        """Return its key."""
        return dict(parse_qsl(call.query)).get(_TYPE, "")

    def missing(self, call: Call) -> NotFound:
        """Return Cinder's own words."""
        return NotFound(self.kind.not_found.format(name=self.key(call)))


@dataclass(frozen=True, slots=True)
class Associate:
    """Handler of the two operations that put a QoS spec on a volume type and take it off."""

    named: Named
    summary: str = field(default="done in one site that is in step, then in the others", init=False)

    def __call__(self, call: Call) -> Reply:
        """Do it."""
        named_type = _NamedInQuery(VOLUME_TYPE, _TYPE)
        if not named_type.key(call):
            return pass_on(call)
        qos_spec = self.named.known(call)
        self.named.require_there(call, qos_spec)
        volume_type = find(call, named_type)
        if volume_type is None:
            return pass_on(call)
        sites = volume_type.sites
        if qos_spec is None and (there := look(call, self.named, sites)) is not None:
            # It gets its definition with that of the type, when the site has agreed.
            sites = there.sites
        sending = Sending(
            call,
            volume_type.subject,
            lambda site: (self._target(call, qos_spec, volume_type, site), None),
        )
        return sending.to_one_of(sites)

    def _target(self, call: Call, qos_spec: Known | None, volume_type: Place, site: Site) -> str:
        """Name both as the site does, which must have both."""
        key = self.named.key(call) if qos_spec is None else qos_spec.definition.key
        replicas = call.engine.replicas
        replicas.realise_for(site, [(QOS_SPEC.name, key)], request_id=call.request_id)
        there = replicas.store.find(QOS_SPEC.name, key)
        known_as = (there and there.id_in(site.id)) or key
        path = call.path(**{self.named.parameter: known_as})
        known = volume_type.known
        type_id = (known and known.id_in(site.id)) or volume_type.subject.key
        return call.target(path, urlencode(dict(parse_qsl(call.query)) | {_TYPE: type_id}))
