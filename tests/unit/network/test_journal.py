"""What changes at the top is journalled with the change, and handed on once it is committed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from neutron_lib.context import get_admin_context
from neutron_lib.db import api as db_api
from oslo_utils import uuidutils
from tests.unit.clock import Clock
from tests.unit.network.base import TricircleTestCase

from tricircle.errors import DatabaseUnavailable
from tricircle.jobs.job import Request
from tricircle.network import forwarder as module
from tricircle.network import journal
from tricircle.network.forwarder import Forwarder
from tricircle.network.sweeper import Sweeper
from tricircle.network.top import Top

AWAY = DatabaseUnavailable("The database cannot be reached.")


class RecordingTestCase(TricircleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.call("GET", "security-groups")  # makes the default group
        held = mock.patch.object(Forwarder, "after_change")
        held.start()
        self.addCleanup(held.stop)

    @contextmanager
    def journals(self, *expected: tuple[str, str]) -> Iterator[None]:
        """See to it that just these resources are written down."""
        before = len(self.journal())
        yield
        assert set(self.journal()[before:]) == set(expected)

    def make(self, collection: str, resource: str, **body: Any) -> str:
        made: str = self.call("POST", collection, {resource: body})[resource]["id"]
        return made

    def test_networks_subnets_and_ports(self) -> None:
        network_id = self.make("networks", "network", name="blue")
        assert self.journal() == [("network", network_id)]
        subnet_id = self.make("subnets", "subnet", network_id=network_id, ip_version=4, cidr="10.0.0.0/28")
        port_id = self.make("ports", "port", network_id=network_id)
        assert self.journal()[1:] == [("subnet", subnet_id), ("port", port_id)]
        with self.journals(("port", port_id)):
            self.call("PUT", f"ports/{port_id}", {"port": {"name": "x"}})
        with self.journals(("port", port_id)):
            self.call("DELETE", f"ports/{port_id}")
        with self.journals(("subnet", subnet_id)):
            self.call("PUT", f"subnets/{subnet_id}", {"subnet": {"name": "x"}})
        with self.journals(("subnet", subnet_id)):
            self.call("DELETE", f"subnets/{subnet_id}")
        with self.journals(("network", network_id)):
            self.call("PUT", f"networks/{network_id}", {"network": {"name": "x"}})
        with self.journals(("network", network_id)):
            self.call("PUT", f"networks/{network_id}/tags/x")
        with self.journals(("network", network_id)):
            self.call("DELETE", f"networks/{network_id}/tags")
        with self.journals(("network", network_id)):
            self.call("DELETE", f"networks/{network_id}")
        before = len(self.journal())
        self.call("PUT", f"networks/{network_id}", {"network": {"name": "x"}}, status=404)
        assert len(self.journal()) == before

    def test_security_groups_and_what_they_are_made_of(self) -> None:
        group_id = self.make("security-groups", "security_group", name="web")
        group = ("security_group", group_id)
        assert set(self.journal()) == {group}
        with self.journals(group):
            rule_id = self.make(
                "security-group-rules",
                "security_group_rule",
                security_group_id=group_id,
                direction="ingress",
                ethertype="IPv4",
            )
        with self.journals(group):
            self.call("DELETE", f"security-group-rules/{rule_id}")
        with self.journals(group):
            self.call("PUT", f"security-groups/{group_id}", {"security_group": {"name": "x"}})
        with self.journals(group):
            self.call("DELETE", f"security-groups/{group_id}")
        addresses_id = self.make("address-groups", "address_group", name="x", addresses=["10.0.0.1/32"])
        addresses = ("address_group", addresses_id)
        assert addresses in self.journal()
        with self.journals(addresses):
            self.call("PUT", f"address-groups/{addresses_id}", {"address_group": {"name": "y"}})
        for action in ("add_addresses", "remove_addresses"):
            with self.journals(addresses):
                body = {"addresses": ["10.0.0.2/32"]}
                self.call("PUT", f"address-groups/{addresses_id}/{action}", body)
        with self.journals(addresses):
            self.call("DELETE", f"address-groups/{addresses_id}")

    def test_who_a_network_is_shared_with(self) -> None:
        network_id = self.make("networks", "network", name="blue")
        with self.journals(("network", network_id)):
            policy_id = self.make(
                "rbac-policies",
                "rbac_policy",
                object_type="network",
                object_id=network_id,
                action="access_as_shared",
                target_tenant=uuidutils.generate_uuid(),
            )
        with self.journals(("network", network_id)):
            self.call(
                "PUT",
                f"rbac-policies/{policy_id}",
                {"rbac_policy": {"target_tenant": uuidutils.generate_uuid()}},
            )
        with self.journals(("network", network_id)):
            self.call("DELETE", f"rbac-policies/{policy_id}")

    def test_what_is_rolled_back_was_never_written(self) -> None:
        def change() -> None:
            with db_api.CONTEXT_WRITER.using(self.admin):
                journal.record(self.admin, "network", "an-id", None)
                assert self.journal() == [("network", "an-id")]
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            change()
        assert self.journal() == []


class ForwardingTestCase(TricircleTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.call("GET", "security-groups")
        self.forget_jobs()
        self.clock = Clock()
        self.forwarder = Forwarder(self.top, clock=self.clock)

    def write(self, *ids: str, kind: str = "network", project_id: str | None = "p") -> None:
        for resource_id in ids:
            with db_api.CONTEXT_WRITER.using(self.admin):
                journal.record(self.admin, kind, resource_id, project_id)

    @contextmanager
    def asking(self, does: Any) -> Iterator[mock.Mock]:
        """Have something else happen where Tricircle is asked for jobs."""
        with mock.patch.object(Top, "request", side_effect=does) as asked:
            yield asked

    def test_a_change_is_handed_on_at_once(self) -> None:
        network_id = self.call("POST", "networks", {"network": {"name": "blue"}})["network"]["id"]
        assert self.jobs() == {("network", network_id)}
        assert self.journal() == []

    def test_a_user_does_not_notice_that_tricircle_is_away(self) -> None:
        with self.asking(AWAY) as asked:
            first = self.call("POST", "networks", {"network": {"name": "blue"}})["network"]["id"]
            second = self.call("POST", "networks", {"network": {"name": "green"}})["network"]["id"]
        assert asked.call_count == 1  # who comes soon after does not wait for it, too
        assert self.journal() == [("network", first), ("network", second)]
        assert self.forwarder.sweep() == 2
        assert self.jobs() == {("network", first), ("network", second)}
        assert self.journal() == []

    def test_after_a_pause_it_is_tried_again(self) -> None:
        self.write("a")
        with self.asking(AWAY) as asked:
            self.forwarder.after_change()
            self.clock.time += module.PAUSE - 0.1
            self.forwarder.after_change()
            assert asked.call_count == 1
        self.clock.time += 0.2
        self.forwarder.after_change()
        assert self.jobs() == {("network", "a")}

    def test_whatever_goes_wrong_is_not_the_user_s(self) -> None:
        with self.asking(ZeroDivisionError):
            network_id = self.call("POST", "networks", {"network": {"name": "blue"}})["network"]["id"]
        assert self.journal() == [("network", network_id)]

    def test_one_resource_is_asked_for_once(self) -> None:
        self.write("a", "b", "a")
        self.write("a", project_id=None)
        with self.asking(None) as asked:
            assert self.forwarder.sweep() == 4
        ((requests,), _) = asked.call_args
        assert {(each.resource_id, each.project_id) for each in requests} == {("a", "p"), ("b", "p")}
        assert {each.request_id for each in requests} == {self.admin.request_id}
        assert {each.type for each in requests} == {"follow"}

    def test_a_change_takes_the_newest_along_and_a_sweep_all(self) -> None:
        with mock.patch.object(module, "AFTER_A_CHANGE", 2), mock.patch.object(module, "IN_A_SWEEP", 2):
            self.write(*"abcdef")
            self.forwarder.after_change()
            assert self.jobs() == {("network", "e"), ("network", "f")}
            assert self.forwarder.sweep() == 4
        assert self.jobs() == {("network", each) for each in "abcdef"}

    def test_what_comes_meanwhile_stays(self) -> None:
        self.write("a")
        with self.asking(lambda _: self.write("a")):
            self.forwarder.sweep()
        assert self.journal() == [("network", "a")]

    def test_two_who_sweep_the_same_do_no_harm(self) -> None:
        self.write("a")
        self.sweep_twice(lambda: None)
        assert self.jobs() == {("network", "a")}
        assert self.journal() == []

    def test_what_comes_between_two_who_sweep_the_same_stays(self) -> None:
        self.write("a")
        self.sweep_twice(lambda: self.write("b"))
        assert self.journal() == [("network", "b")]

    def sweep_twice(self, meanwhile: Callable[[], None]) -> None:
        """Sweep, and have another one do so before what was read is removed."""
        request = Top.request
        other = Forwarder(self.top)

        def both(requests: list[Request]) -> Any:
            with mock.patch.object(Top, "request", request):
                assert other.sweep() == 1
                meanwhile()
                return self.top.request(requests)

        with self.asking(both):
            self.forwarder.sweep()

    def test_nothing_is_handed_on_within_a_transaction(self) -> None:
        driver = self.core.mechanism_manager.mech_drivers["tricircle"].obj
        context = get_admin_context()
        with self.asking(None) as asked:
            with db_api.CONTEXT_WRITER.using(context):
                journal.record(context, "network", "a", None)
                context.session.flush()
                driver.hand_on(context)
                assert not asked.called
            driver.hand_on(context)
            assert asked.called

    def test_the_process_that_sweeps_is_the_periodic_one_s(self) -> None:
        workers = self.tricircle.get_workers()
        assert [type(each) for each in workers] == [Sweeper]
        assert [each.worker_process_count for each in workers] == [0]


def test_a_sweeper_looks_until_it_is_told_to_stop() -> None:
    looks = threading.Semaphore(0)
    sweeper = Sweeper(mock.Mock(sweep=looks.release), 0.001)
    for _ in range(2):  # it may be started again
        sweeper.start()
        assert all(looks.acquire(timeout=10) for _ in range(3))
        sweeper.stop()
        sweeper.wait()
    while looks.acquire(blocking=False):
        pass
    assert not looks.acquire(timeout=0.05)
