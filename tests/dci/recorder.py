"""A mechanism driver for tests, as an interconnect's is stacked behind ours: writes down what it is told.

It is installed by having this directory in `sys.path`, where Neutron finds its entry point. Where Neutron's
`state_path` has a file `recorder`, it writes each call as a line of JSON there, too.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from neutron_lib.plugins.ml2 import api
from oslo_config import cfg

Segment = tuple[str, str | None, int | None]


class Broken(Exception):
    """What a controller says that is away."""


@dataclass(frozen=True)
class Told:
    """One call.

    :param moment: `create_network_precommit` and so on.
    :param segments: of the network, in all sites.
    :param host: of a port: the node, as the context says it.
    :param bound: of a port: the segment that it is on.
    """

    moment: str
    current: dict[str, Any]
    original: dict[str, Any] | None
    segments: list[Segment]
    host: str | None = None
    bound: Segment | None = None


def _segment(segment: dict[str, Any]) -> Segment:
    return segment[api.NETWORK_TYPE], segment[api.PHYSICAL_NETWORK], segment[api.SEGMENTATION_ID]


def _told(moment: str, context: Any) -> Told:
    kind = moment.split("_")[1]
    network = context if kind == "network" else context.network
    segments = [_segment(each) for each in network.network_segments]
    said = (moment, dict(context.current), context.original and dict(context.original), segments)
    if kind != "port":
        return Told(*said)
    bound = context.bottom_bound_segment
    return Told(*said, host=context.host, bound=bound and _segment(bound))


def _hook(moment: str) -> Callable[["Recorder", Any], None]:
    def call(_driver: "Recorder", context: Any) -> None:
        told = _told(moment, context)
        Recorder.calls.append(told)
        file = Path(cfg.CONF.state_path) / "recorder"
        if file.exists():
            with file.open("a") as lines:
                lines.write(json.dumps(asdict(told), default=str) + "\n")
        if moment in Recorder.broken:
            raise Broken(moment)

    return call


class Recorder(api.MechanismDriver):
    """The driver. All that there are write down into one list.

    :cvar broken: moments at which it fails.
    """

    calls: ClassVar[list[Told]] = []
    broken: ClassVar[set[str]] = set()

    def initialize(self) -> None:
        """Begin with nothing."""
        Recorder.calls.clear()
        Recorder.broken.clear()


for _kind in ("network", "subnet", "port"):
    for _change in ("create", "update", "delete"):
        for _when in ("precommit", "postcommit"):
            _moment = f"{_change}_{_kind}_{_when}"
            setattr(Recorder, _moment, _hook(_moment))
