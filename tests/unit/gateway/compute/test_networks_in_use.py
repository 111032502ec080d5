"""What requests about servers use is noted before their sites are asked, and completed after."""

from collections.abc import Callable
from contextlib import suppress
from time import time
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.gateway.compute.desk import (
    ACTION,
    ADOPT,
    GROUP,
    ID,
    INTERFACES,
    NET,
    PORT,
    Desk,
    Networks,
    told,
)
from tests.unit.gateway.office import A

from tricircle.errors import DatabaseUnavailable, TricircleError
from tricircle.jobs.types import AdoptParameters, IntentParameters
from tricircle.realise.definition import Known
from tricircle.sites.transport import NoAnswer, NotSent


class TestInUse:
    """What is asked for is noted as in use before the site is prepared, and until the top sees it."""

    @pytest.mark.parametrize(
        ("line", "body", "needs"),
        [
            (
                f"POST {INTERFACES}",
                {"interfaceAttachment": {"net_id": NET, "fixed_ips": [{"ip_address": "10.0.0.3"}]}},
                AdoptParameters((NET, f"{NET}=10.0.0.3"), ("default",)),
            ),
            (f"POST {INTERFACES}", {"interfaceAttachment": {"port_id": PORT}}, AdoptParameters((PORT,))),
            (ACTION, {"addFixedIp": {"networkId": NET}}, AdoptParameters((NET,))),
            (ACTION, {"addSecurityGroup": {"name": "web"}}, AdoptParameters((), ("web",))),
        ],
    )
    def test_it_is_noted(
        self, desk: Callable[..., Desk], networks: Networks, line: str, body: Any, needs: AdoptParameters
    ) -> None:
        asked = desk(told({}))
        prepare, before = networks.prepare, []

        def prepared(*what: Any, **more: Any) -> list[Known]:
            before.extend(intent.asked for intent in asked.office.desk.intents)
            return prepare(*what, **more)

        networks.prepare = prepared  # type: ignore[method-assign]
        asked(line, body)
        assert before == [IntentParameters(None, 1, "", {"id": ID}, needs.uses, needs.groups)]
        assert [intent.fate for intent in asked.office.desk.intents] == ["done"]
        (follows,) = asked.office.desk.requests
        assert replace(follows.parameters, until=0.0) == needs
        assert (follows.parameters.until > 0) == ("addFixedIp" in body), "which Nova does after its answer"

    @pytest.mark.parametrize(
        ("answer", "fate", "left"),
        [
            (
                told({"badRequest": {"code": 400, "message": "no"}}, 400),
                "not made: Site a refused it: 400.",
                1,
            ),
            (told({"computeFault": {"code": 500, "message": "no"}}, 500), "over", 0),
            (NoAnswer("x"), "lost", 0),
            (NotSent("x"), "not made: Site a cannot be reached.", 1),
        ],
    )
    def test_what_comes_to_nothing_is_cleaned_up(
        self, desk: Callable[..., Desk], answer: Any, fate: str, left: int
    ) -> None:
        asked = desk(answer)
        with suppress(TricircleError):
            asked(f"POST {INTERFACES}", {"interfaceAttachment": {"port_id": PORT}})
        (intent,) = asked.office.desk.intents
        assert intent.fate == fate
        jobs = [(each.type, each.site_id, each.parameters) for each in intent.followed]
        assert jobs == [("clean_up", A.id, AdoptParameters((PORT,)))] * left
        # What may be done all the same is looked at, for as long as the site may be at it.
        assert asked.followed == [ADOPT] * (not left)
        assert all(each.parameters.until > time() + 30 for each in asked.office.desk.requests)

    def test_what_the_site_cannot_have_is_not_sent_and_cleaned_up_later(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        networks.is_away = True
        asked = desk(told({}))
        with pytest.raises(DatabaseUnavailable):
            asked(ACTION, {"addSecurityGroup": {"name": "web"}})
        (intent,) = asked.office.desk.intents
        assert intent.fate == "not made: It was not sent: The database cannot be reached."
        (job,) = intent.followed
        assert (job.type, job.parameters) == ("clean_up", AdoptParameters((), ("web",)))
        assert job.delay > 10

    def test_what_cannot_be_noted_is_neither_prepared_nor_sent(
        self, desk: Callable[..., Desk], networks: Networks
    ) -> None:
        asked = desk(told({}))
        asked.office.desk.is_away = True
        with pytest.raises(DatabaseUnavailable):
            asked(f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}})
        assert asked.office.asked == networks.prepared == []


class TestCompleting:
    """What the site has only as far as Nova needs it, as a group without its rules, is completed at once."""

    @pytest.mark.parametrize(
        ("line", "body", "brought"),
        [
            (ACTION, {"addSecurityGroup": {"name": GROUP}}, ("security_group", GROUP)),
            (f"POST {INTERFACES}", {"interfaceAttachment": {"net_id": NET}}, ("network", NET)),
            (f"POST {INTERFACES}", {"interfaceAttachment": {"port_id": PORT}}, ("port", PORT)),
        ],
    )
    def test_it_is(
        self, desk: Callable[..., Desk], networks: Networks, line: str, body: Any, brought: tuple[str, str]
    ) -> None:
        networks.behind.add(brought[1])
        asked = desk(told({}))
        asked(line, body)
        assert asked.followed == [("replicate", *brought, A.id), ADOPT]
        assert [each.delay for each in asked.office.desk.requests] == [0.0, 0.0]

    def test_it_is_not_for_what_the_site_refuses(self, desk: Callable[..., Desk], networks: Networks) -> None:
        networks.behind.add(GROUP)
        asked = desk(told({"badRequest": {"code": 400, "message": "no"}}, 400))
        asked(ACTION, {"addSecurityGroup": {"name": GROUP}})
        assert asked.followed == []


class TestSwitched:
    """Actions that name nothing of the top's, after which a server's ports are otherwise."""

    @pytest.mark.parametrize(
        "action", ["os-stop", "os-start", "suspend", "resume", "shelve", "shelveOffload", "unshelve"]
    )
    def test_its_ports_are_followed(self, desk: Callable[..., Desk], action: str) -> None:
        asked = desk(told({}, 202))
        assert asked(ACTION, {action: None}).status == 202
        assert (asked.sent, asked.followed) == ({action: None}, [ADOPT])

    def test_they_are_not_where_they_stay_as_they_are(self, desk: Callable[..., Desk]) -> None:
        asked = desk(told({}, 202))
        asked(ACTION, {"reboot": {"type": "SOFT"}})
        assert asked.followed == []

    def test_a_server_that_is_deleted_by_force_is_followed_as_any_other(
        self, desk: Callable[..., Desk]
    ) -> None:
        asked = desk(told({}, 202))
        asked(ACTION, {"forceDelete": None})
        assert asked.followed == [("after_delete", "server", ID, A.id)]
