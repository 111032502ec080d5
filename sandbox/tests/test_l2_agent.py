"""What the emulated L2 agent says to Neutron, and when."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sandbox.serving import l2_agent

PORT = {
    "id": "a-port",
    "binding:host_id": "host",
    "binding:vif_type": "ovs",
    "status": "DOWN",
    "admin_state_up": True,
}


class Agent(l2_agent.L2Agent):
    """An agent whose Neutron does not hear the first words.

    :param deaf: how many.
    """

    def __init__(self, deaf: int = 0) -> None:
        super().__init__("host", "127.0.0.1")
        self.deaf = deaf
        self.said: list[str] = []

    def device_up(self, port_id: str) -> None:
        """Say it, or fail."""
        self.said.append(port_id)
        if len(self.said) <= self.deaf:
            raise ConnectionError("the broker is away")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    monkeypatch.setattr(l2_agent, "PATIENCE_SECONDS", 0)


@pytest.mark.parametrize(
    "otherwise",
    [
        {"binding:host_id": "elsewhere"},
        {"binding:vif_type": "unbound"},
        {"status": "ACTIVE"},
        {"admin_state_up": False},
    ],
)
def test_only_what_is_bound_here_and_not_up_yet_is_wired(otherwise: dict[str, Any]) -> None:
    agent = Agent()
    agent.notice({**PORT, **otherwise})
    assert agent.bound.empty()
    agent.notice(PORT)
    assert agent.bound.get_nowait() == "a-port"


def test_a_port_is_up_though_neutron_has_not_heard_it_at_once() -> None:
    agent = Agent(deaf=3)
    agent.set_up("a-port")
    assert agent.said == ["a-port"] * 4


def test_a_port_that_neutron_never_hears_of_does_not_hold_up_the_others() -> None:
    agent = Agent(deaf=l2_agent.ATTEMPTS)
    threading.Thread(target=agent.wire, daemon=True).start()
    agent.bound.put("a-port")
    agent.bound.put("another")
    for _ in range(200):
        if agent.said[-1:] == ["another"]:
            break
        threading.Event().wait(0.05)
    assert agent.said == ["a-port"] * l2_agent.ATTEMPTS + ["another"]
