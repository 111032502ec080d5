"""Homed resources, made in a site."""

import json
from typing import Any

import pytest
from oslo_config import cfg
from tests.unit.gateway.office import TOP, A, B, C, Office, Opening, document, says
from tests.unit.gateway.walker import HANDLERS
from tests.unit.sites.wire import json_answer

from tricircle.errors import (
    AnswerLost,
    BadAnswer,
    BadRequest,
    DatabaseUnavailable,
    NotFound,
    PayloadTooLarge,
    SiteUnavailable,
)
from tricircle.gateway.volume.operations import OPERATIONS as VOLUME_OPERATIONS
from tricircle.jobs.types import IntentParameters
from tricircle.routing.route import Route
from tricircle.sites.transport import Answer, BrokenAnswer, NoAnswer, NotSent

CREATE = HANDLERS["POST", "/servers"]
VOLUME_HANDLERS = {(row.method, row.path): row.handler for row in VOLUME_OPERATIONS}
ID = "9168b536-cd40-4630-b43f-b259807c6e87"
ANOTHER = "11111111-cd40-4630-b43f-b259807c6e87"
MADE = says({"server": {"id": ID, "links": [{"rel": "self", "href": "http://a/x"}], "adminPass": "x"}}, 202)


def sent(office: Office) -> list[tuple[str, Any]]:
    """Give what each site got, in order."""
    bodies = [json.loads(each.body) for each in office.wire.requests if each.method == "POST"]
    return list(zip([name for name, _, _ in office.asked], bodies, strict=True))


def test_a_server_is_made_in_a_site_of_its_zone_and_learnt(compute: Opening) -> None:
    office = compute(c=MADE)
    body = {"server": {"name": "x", "availability_zone": "north", "metadata": {"availability_zone": "north"}}}
    reply = CREATE(office.call("POST /servers", body))
    assert reply.status == 202
    assert document(reply)["server"]["links"] == [{"rel": "self", "href": f"{TOP}/v2.1/servers/{ID}"}]
    assert office.index.learnt == [Route(ID, "server", C.id, ID, "blue", None)]


def test_only_the_zone_of_a_body_is_changed(compute: Opening) -> None:
    office = compute(c=MADE)
    server = {
        "name": "\xfc",
        "flavorRef": "1",
        "networks": "auto",
        "metadata": {"availability_zone": "north", "big": 2**53, "float": 1.5, "none": None},
        "tags": ["north"],
    }
    body = {"server": server | {"availability_zone": "north"}, "os:scheduler_hints": {"query": "north"}}
    CREATE(office.call("POST /servers", body))
    assert sent(office) == [
        ("c", {"server": server | {"availability_zone": "rack-1"}, "os:scheduler_hints": {"query": "north"}})
    ]


def test_host_and_node_behind_a_zone_stay(compute: Opening) -> None:
    office = compute(c=MADE)
    CREATE(office.call("POST /servers", {"server": {"availability_zone": "north:host-1:node-2"}}))
    assert sent(office) == [("c", {"server": {"availability_zone": "rack-1:host-1:node-2"}})]


def test_without_a_zone_the_site_chooses_its_own(compute: Opening) -> None:
    office = compute(a=MADE, b=MADE, c=MADE)
    CREATE(office.call("POST /servers", {"server": {"name": "x"}}))
    ((_, body),) = sent(office)
    assert body == {"server": {"name": "x"}}


def test_the_default_zone_is_named_as_the_site_does(compute: Opening, conf: cfg.ConfigOpts) -> None:
    conf.set_override("default_availability_zone", "north")
    office = compute(c=MADE)
    CREATE(office.call("POST /servers", {"server": {}}))
    assert sent(office) == [("c", {"server": {"availability_zone": "rack-1"}})]


@pytest.mark.parametrize("asked", ["west", "nova-a", "rack-1"])
def test_an_unknown_zone_is_refused_and_nothing_is_made(compute: Opening, asked: str) -> None:
    office = compute()
    with pytest.raises(BadRequest, match="The requested availability zone is not available"):
        CREATE(office.call("POST /servers", {"server": {"availability_zone": asked}}))
    assert office.asked == []


@pytest.mark.parametrize("asked", [5, True, [], {"name": "north"}])
def test_a_zone_that_is_no_text_is_not_replaced_by_the_default(
    compute: Opening, conf: cfg.ConfigOpts, asked: object
) -> None:
    conf.set_override("default_availability_zone", "north")
    with pytest.raises(BadRequest):
        CREATE(compute(c=MADE).call("POST /servers", {"server": {"availability_zone": asked}}))


def test_when_the_first_site_turns_out_to_be_unreachable_the_next_one_gets_it(compute: Opening) -> None:
    """Whichever comes first, in twenty tries each of the two was that."""
    for _ in range(20):
        office = compute(a=NotSent("x"), b=MADE)
        assert CREATE(office.call("POST /servers", {"server": {"availability_zone": "east"}})).status == 202
        assert sent(office)[-1] == ("b", {"server": {"availability_zone": "nova-b"}})
        assert sent(office)[:-1] in ([], [("a", {"server": {"availability_zone": "nova-a"}})])
        assert [route.site_id for route in office.index.learnt] == [B.id]


def test_where_no_site_can_be_reached_nothing_is_made(compute: Opening) -> None:
    office = compute(a=NotSent("x"), b=NotSent("x"))
    with pytest.raises(SiteUnavailable):
        CREATE(office.call("POST /servers", {"server": {"availability_zone": "east"}}))
    assert {name for name, _ in sent(office)} == {"a", "b"}
    assert office.index.learnt == []


def test_a_request_whose_answer_was_lost_is_never_sent_to_another_site(compute: Opening) -> None:
    for _ in range(10):
        office = compute(a=NoAnswer("x"), b=NoAnswer("x"))
        with pytest.raises(AnswerLost):
            CREATE(office.call("POST /servers", {"server": {"availability_zone": "east"}}))
        assert len(sent(office)) == 1


@pytest.mark.parametrize("status", [400, 403, 409, 413, 500, 503])
def test_a_sites_refusal_is_the_answer_and_nothing_is_learnt(compute: Opening, status: int) -> None:
    refusal = says({"badRequest": {"code": status, "message": "no", "id": ID}}, status)
    office = compute(a=refusal, b=refusal)
    reply = CREATE(office.call("POST /servers", {"server": {"availability_zone": "east"}}))
    assert (reply.status, reply.body) == (status, refusal.body)
    assert (len(sent(office)), office.index.learnt) == (1, [])


@pytest.mark.parametrize(
    "body",
    [b"", b'{"reservation_id": "r-1"}', b'{"server": null}', b'{"server":{}}', b"[]", b'{"server": []}'],
)
def test_an_answer_without_an_id_is_passed_back(compute: Opening, body: bytes) -> None:
    """The server is made, whatever the answer looks like."""
    office = compute(c=json_answer(body, 202))
    reply = CREATE(office.call("POST /servers", {"server": {"availability_zone": "north"}}))
    assert (reply.status, reply.body, office.index.learnt) == (202, body, [])


def volume_device(volume_id: object) -> dict[str, object]:
    return {"block_device_mapping_v2": [{"source_type": "volume", "uuid": volume_id}]}


@pytest.mark.parametrize(
    ("kind", "server", "hints"),
    [
        ("volume", volume_device(ID), {}),
        ("snapshot", {"block_device_mapping_v2": [{"source_type": "snapshot", "uuid": ID}]}, {}),
        ("volume", {"block_device_mapping": [{"device_name": "vda", "volume_id": ID}]}, {}),
        ("server_group", {}, {"os:scheduler_hints": {"group": ID}}),
        ("server_group", {}, {"OS-SCH-HNT:scheduler_hints": {"group": ID}}),
        ("server", {}, {"os:scheduler_hints": {"same_host": ID}}),
        ("server", {}, {"os:scheduler_hints": {"same_host": [ID, ID]}}),
    ],
)
def test_what_a_server_is_bound_to_decides_the_site(
    compute: Opening, kind: str, server: dict[str, Any], hints: dict[str, Any]
) -> None:
    office = compute(b=MADE)
    office.index.sites[kind, ID] = B
    CREATE(office.call("POST /servers", {"server": server} | hints))
    assert sent(office) == [("b", {"server": server} | hints)]


@pytest.mark.parametrize(
    "server",
    [
        {"block_device_mapping_v2": [{"source_type": "image", "uuid": ID}]},
        {"block_device_mapping_v2": [{"source_type": "blank"}, None, 1]},
        {"block_device_mapping_v2": {"source_type": "volume", "uuid": ID}},
        {"block_device_mapping_v2": "volume"},
        {"block_device_mapping": [None]},
        volume_device(None),
        volume_device(5),
    ],
)
def test_what_binds_to_nothing_is_the_sites_to_judge(compute: Opening, server: dict[str, Any]) -> None:
    office = compute(a=MADE, b=MADE, c=MADE)
    assert CREATE(office.call("POST /servers", {"server": server})).status == 202


@pytest.mark.parametrize(
    "hints",
    [
        None,
        [],
        {"group": "not-a-uuid"},
        {"group": 5},
        {"group": [ID]},
        {"same_host": None},
        {"same_host": ["x", 5]},
    ],
)
def test_hints_that_bind_to_nothing_are_the_sites_to_judge(compute: Opening, hints: object) -> None:
    office = compute(a=MADE, b=MADE, c=MADE)
    assert CREATE(office.call("POST /servers", {"server": {}, "os:scheduler_hints": hints})).status == 202


def test_bonds_to_two_sites_are_refused_and_nothing_is_made(compute: Opening) -> None:
    office = compute()
    office.index.sites |= {("volume", ID): A, ("server_group", ANOTHER): B}
    body = {"server": volume_device(ID), "os:scheduler_hints": {"group": ANOTHER}}
    with pytest.raises(BadRequest, match=f"volume {ID} is in site a and server_group {ANOTHER} is in site b"):
        CREATE(office.call("POST /servers", body))
    assert office.asked == []


def test_a_bond_that_nobody_knows_is_a_bad_request_to_nova(compute: Opening) -> None:
    with pytest.raises(BadRequest, match=f"Volume {ID} could not be found"):
        CREATE(compute().call("POST /servers", {"server": volume_device(ID)}))


@pytest.mark.parametrize(
    ("name", "kind", "member", "hints"),
    [
        ("volume", "snapshot", {"snapshot_id": ID}, {}),
        ("volume", "volume", {"source_volid": ID}, {}),
        ("volume", "server", {}, {"local_to_instance": ID}),
        ("volume", "volume", {}, {"same_host": ID}),
        ("volume", "volume", {}, {"same_host": [ID, ID]}),
        ("snapshot", "volume", {"volume_id": ID}, {}),
        ("attachment", "volume", {"volume_uuid": ID}, {}),
    ],
)
def test_what_a_volume_or_a_part_of_one_is_bound_to_decides_the_site(
    volume: Opening, name: str, kind: str, member: dict[str, Any], hints: dict[str, Any]
) -> None:
    office = volume(b=says({name: {"id": ANOTHER}}, 202))
    office.index.sites[kind, ID] = B
    body = {name: member, "OS-SCH-HNT:scheduler_hints": hints}
    call = office.call(f"POST /{name}s", body)
    assert VOLUME_HANDLERS["POST", f"/{name}s"](call).status == 202
    assert sent(office) == [("b", body)]
    assert [(route.top_id, route.resource_type, route.site_id) for route in office.index.learnt] == [
        (ANOTHER, name, B.id)
    ]


def test_a_volume_of_something_that_nobody_knows_is_not_found_to_cinder(volume: Opening) -> None:
    with pytest.raises(NotFound):
        VOLUME_HANDLERS["POST", "/volumes"](volume().call("POST /volumes", {"volume": {"source_volid": ID}}))


def test_a_volume_goes_to_what_the_sites_cinder_calls_the_zone(volume: Opening) -> None:
    office = volume(a=says({"volume": {"id": ID}}, 202), b=NotSent("x"))
    VOLUME_HANDLERS["POST", "/volumes"](
        office.call("POST /volumes", {"volume": {"size": 1, "availability_zone": "east"}})
    )
    assert sent(office)[-1] == ("a", {"volume": {"size": 1, "availability_zone": "cinder-a"}})


def test_an_unknown_zone_is_refused_in_cinders_words(volume: Opening) -> None:
    with pytest.raises(BadRequest, match="Availability zone 'west' is invalid"):
        VOLUME_HANDLERS["POST", "/volumes"](
            volume().call("POST /volumes", {"volume": {"availability_zone": "west"}})
        )


def test_a_snapshots_body_has_no_zone_to_change(volume: Opening, conf: cfg.ConfigOpts) -> None:
    conf.set_override("default_availability_zone", "north")
    office = volume(b=says({"snapshot": {"id": ANOTHER}}, 202))
    office.index.sites["volume", ID] = B
    body = {"snapshot": {"volume_id": ID, "availability_zone": "anything"}}
    VOLUME_HANDLERS["POST", "/snapshots"](office.call("POST /snapshots", body))
    assert sent(office) == [("b", body)]


def fates(office: Office) -> list[tuple[str, str | None]]:
    """Give the intents, as their sites and what was said of them."""
    return [(noted.site.name, (noted.fate or "").partition(":")[0]) for noted in office.desk.intents]


HTML = [("content-type", "text/html")]


@pytest.mark.parametrize(
    ("said", "fate"),
    [
        (MADE, "made"),
        (json_answer(b'{"reservation_id": "r-1"}', 202), "made"),
        (says({"badRequest": {}}, 400), "not made"),
        (says({"forbidden": {}}, 403), "not made"),
        (says({"computeFault": {}}, 500), "lost"),
        (says({"serviceUnavailable": {}}, 503), "lost"),
    ],
)
def test_what_the_site_says_ends_the_intent(compute: Opening, said: Any, fate: str) -> None:
    office = compute(c=said)
    CREATE(office.call("POST /servers", {"server": {"availability_zone": "north"}}))
    assert fates(office) == [("c", fate)]


@pytest.mark.parametrize(
    ("said", "error", "fate"),
    [
        (NoAnswer("x"), AnswerLost, "lost"),
        (BrokenAnswer("x"), AnswerLost, "lost"),
        (Answer(502, HTML, b"<html>"), BadAnswer, "lost"),
        (Answer(413, HTML, b"<html>"), PayloadTooLarge, "not made"),
        (json_answer(b"not json", 202), BadAnswer, "lost"),
        (NotSent("x"), SiteUnavailable, "not made"),
    ],
)
def test_an_answer_that_is_none_is_looked_after(
    compute: Opening, said: Any, error: type[Exception], fate: str
) -> None:
    office = compute(c=said)
    with pytest.raises(error):
        CREATE(office.call("POST /servers", {"server": {"availability_zone": "north"}}))
    assert fates(office) == [("c", fate)]


def test_each_site_that_is_tried_has_an_intent_of_its_own(compute: Opening) -> None:
    office = compute(a=NotSent("x"), b=NotSent("x"))
    with pytest.raises(SiteUnavailable):
        CREATE(office.call("POST /servers", {"server": {"availability_zone": "east"}}))
    assert sorted(fates(office)) == [("a", "not made"), ("b", "not made")]


def test_without_an_intent_nothing_is_sent(compute: Opening) -> None:
    office = compute(c=MADE)
    office.desk.is_away = True
    with pytest.raises(DatabaseUnavailable):
        CREATE(office.call("POST /servers", {"server": {"availability_zone": "north"}}))
    assert office.asked == []


@pytest.mark.parametrize(
    ("server", "name", "most", "facts"),
    [
        ({}, None, 1, {}),
        ({"name": "x", "flavorRef": 1, "imageRef": ID}, "x", 1, {"flavor": {"id": "1"}, "image": {"id": ID}}),
        ({"flavorRef": "http://top/flavors/m1", "imageRef": ""}, None, 1, {"flavor": {"id": "m1"}}),
        ({"imageRef": ID} | volume_device(None), None, 1, {}),
        ({"max_count": 3}, None, 3, {}),
        ({"min_count": "2", "max_count": "4"}, None, 4, {}),
        ({"min_count": 2}, None, 2, {}),
        ({"max_count": -1, "min_count": "\u0665"}, None, 1, {}),
        ({"max_count": "9" * 5000}, None, 1, {}),
        ({"name": 5, "flavorRef": "x" * 300}, None, 1, {}),
        ({"name": "n" * 300, "user_data": "secret", "adminPass": "secret"}, "n" * 255, 1, {}),
    ],
)
def test_a_server_would_be_known_again_by_what_its_site_shows(
    compute: Opening, server: dict[str, Any], name: str | None, most: int, facts: dict[str, Any]
) -> None:
    office = compute(c=MADE)
    CREATE(office.call("POST /servers", {"server": server | {"availability_zone": "north"}}))
    (noted,) = office.desk.intents
    assert noted.asked == IntentParameters(name, most, "", facts)
    assert noted.project_id == "blue"


@pytest.mark.parametrize(
    ("member", "name", "facts"),
    [
        ({"size": 2, "volume_type": "fast"}, None, {"size": 2, "volume_type": "fast"}),
        ({"name": "v", "size": "2", "volume_type": ID}, "v", {}),
        ({"display_name": "v", "volume_type": None}, "v", {}),
        ({"name": None, "display_name": "v"}, None, {}),
    ],
)
def test_so_would_a_volume(
    volume: Opening, member: dict[str, Any], name: str | None, facts: dict[str, Any]
) -> None:
    office = volume(c=says({"volume": {"id": ID}}, 202))
    body = {"volume": member | {"availability_zone": "north"}}
    VOLUME_HANDLERS["POST", "/volumes"](office.call("POST /volumes", body))
    (noted,) = office.desk.intents
    assert noted.asked == IntentParameters(name, 1, "", facts)


@pytest.mark.parametrize("name", ["snapshot", "attachment"])
def test_nobody_looks_for_the_parts_of_a_volume(volume: Opening, name: str) -> None:
    office = volume(b=says({name: {"id": ANOTHER}}, 202))
    office.index.sites["volume", ID] = B
    member = {"volume_id": ID, "volume_uuid": ID}
    VOLUME_HANDLERS["POST", f"/{name}s"](office.call(f"POST /{name}s", {name: member}))
    assert [noted.asked for noted in office.desk.intents] == [None]
