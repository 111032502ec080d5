"""The rows that ports of a site have at the top: what differs is found, and put right.

Which side is right: a port is at home in its site, so what the site shows holds. But while a change that
somebody made at the top is on its way to the site (a `follow` job), what users change there stays as it is
(`CHANGED_AT_TOP`), and a port that was deleted there is not adopted anew.

A bulk request ends at the first port that is refused, so it is repeated port by port; what is refused then is
a complaint, and the other ports have their rows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from tricircle.errors import Conflict
from tricircle.jobs.job import JobState, Request
from tricircle.jobs.store import JobFilters, JobStore
from tricircle.jobs.types import FOLLOW
from tricircle.realise.definition import DefinitionState
from tricircle.realise.kinds import SECURITY_GROUP
from tricircle.realise.kinds.neutron import taken_over
from tricircle.realise.sight import require_own_words, require_sight
from tricircle.routing.route import Route
from tricircle.sites.service_calls import SiteAnswer, SiteRefused
from tricircle.sites.site import Site
from tricircle.xjob import membership
from tricircle.xjob.engine import Engine
from tricircle.xjob.port_differences import CHANGED_AT_TOP, FIXED, differences, groups_concerned
from tricircle.xjob.ports import (
    ADOPTED,
    GONE,
    OF_EXTENSIONS,
    OUTDATED,
    PORT,
    PORTS,
    SERVICE,
    Item,
    adopted_ports,
    as_adopted,
    ports_in,
    served_owner,
    tell,
)
from tricircle.xjob.settled import Settled

_IN_ONE_REQUEST = 10
"""Ports: each takes Neutron up to some tenths of a second, and a request may last only so long."""

_ASKED_FOR_AT_ONCE = 50
"""Ids in one query, so that the line is not too long for what stands before Neutron."""

_Thing = TypeVar("_Thing")

_DELETED = "its deletion is on its way"
"""In the words of the plugin, of a port that somebody deleted at the top, and no job tells of it yet."""

_OPEN = frozenset({JobState.WAITING, JobState.RUNNING, JobState.FAILED})


class PortRows:
    """The rows of one site's ports.

    :param step: called between effects; may raise to end the work there.
    """

    def __init__(self, engine: Engine, site: Site, step: Callable[[str], None]) -> None:
        self._engine = engine
        self._site = site
        self._top = engine.networks.top.site
        self._step = step
        self._sees_all = False
        self._overtaken: set[str] = set()

    def find(self, **filters: str | Iterable[str]) -> dict[str, Item]:
        """Return the rows of ports of this site, by id.

        :param filters: as the API has them.
        """
        return adopted_ports(self._engine.sites, self._top, site=self._site.name, **filters)

    def differing(self, shown: Sequence[Item], rows: Mapping[str, Item]) -> list[str]:
        """Return the ids of ports that are not at the top as they are in the site.

        :param shown: as the site shows them.
        :param rows: as the top has them; of the same ports.
        """
        wanted = {item["id"]: item for item in self._wanted(shown, rows)}
        differing = [key for key, item in wanted.items() if key not in rows or differences(item, rows[key])]
        return differing + [key for key in rows if key not in wanted]

    def settle(self, look: Callable[[], Sequence[Item]], rows: Mapping[str, Item]) -> Settled:
        """Have the top's rows be as the site shows its ports.

        :param look: reads the site's.
        :param rows: as the top had them just now. Those of ports that the site does not show are looked up
            there, and go if it does not have them.
        """
        # What is carried to the site after this the site may show or not; what was before, it shows.
        on_their_way = {key for key in rows if self._is_on_its_way(key)}
        shown = look()
        here = {item["id"] for item in shown}
        elsewhere = self._look([key for key in rows if key not in here])
        wanted = {item["id"]: item for item in self._wanted([*shown, *elsewhere], rows, on_their_way)}
        done = Settled()
        with membership.changing(self._engine, self._site, groups_concerned(wanted, rows)):
            self._adopt([item for key, item in wanted.items() if key not in rows], done)
            for key, item in wanted.items():
                if key in rows:
                    self._change(item, rows[key], done)
            for key in rows:
                if key not in wanted:
                    self._require_sight(rows[key]["project_id"])
                    self._remove(rows[key])
                    done.removed.append(key)
        return done

    def look_and_settle(self, ids: Sequence[str]) -> Settled:
        """Have the top's rows of some ports be as the site shows them now; both are read just before."""
        done = Settled()
        for some in _portions(ids, _ASKED_FOR_AT_ONCE):
            rows = self.find(id=some)
            done += self.settle(partial(self._look, some), rows)
        return done

    def _look(self, ids: Sequence[str]) -> list[Item]:
        found: list[Item] = []
        for some in _portions(ids, _ASKED_FOR_AT_ONCE):
            found += ports_in(self._engine.sites, self._site, id=some)
        return found

    # -- what is wanted -------------------------------------------------------------------------------------

    def _wanted(
        self, shown: Iterable[Item], rows: Mapping[str, Item], on_their_way: Collection[str] = ()
    ) -> Iterator[Item]:
        """Return what the top is to have.

        :param on_their_way: ids of ports with changes that were on their way to the site before it was looked
            at; it is seen here whether there are more.
        """
        for item in shown:
            wanted = as_adopted(self._engine, self._site, item)
            if wanted is None:
                continue
            row = rows.get(item["id"])
            if row is not None and "tags" in wanted:
                wanted["tags"] = taken_over(wanted["tags"], row.get("tags", ()))
            if row is None or differences(wanted, row, ("device_owner",)):
                wanted["device_owner"] = served_owner(self._engine, wanted, item["device_owner"])
            if row is None or differences(wanted, row, ("security_groups",)):
                wanted["security_groups"] = undeleted(self._engine, wanted["security_groups"])
            if row is None:
                if self._was_made_at_top(item["id"]) or self._is_on_its_way(item["id"]):
                    continue
            elif differences(wanted, row, CHANGED_AT_TOP) and (
                item["id"] in on_their_way or self._is_on_its_way(item["id"])
            ):
                wanted |= {name: row[name] for name in CHANGED_AT_TOP if name in row}
            yield wanted

    def _was_made_at_top(self, port_id: str) -> bool:
        return self._engine.networks.at_top(PORT, self._site.id, port_id) is not None

    def _is_on_its_way(self, port_id: str) -> bool:
        return is_on_its_way(self._engine, port_id)

    # -- effects --------------------------------------------------------------------------------------------

    def _adopt(self, items: Sequence[Item], done: Settled) -> None:
        known = self._engine.routes.known(PORT, self._site.id, [item["id"] for item in items])
        for item in items:
            if item["id"] in known:
                self._adopt_again(item, done)
        for some in _portions([item for item in items if item["id"] not in known], _IN_ONE_REQUEST):
            if len(some) == 1:
                self._adopt_one(some[0], done)
                continue
            self._step("adopt")
            self._record(some)
            try:
                self._post({"adopted_ports": list(some)})
            except SiteRefused:
                # Those before the refused one are adopted, and users may have changed or deleted them by now.
                for item in some:
                    self._adopt_again(item, done)
            else:
                done.note_adopted(some)

    def _adopt_again(self, item: Item, done: Settled) -> None:
        """Adopt a port that has a route, unless another worker is just doing so."""
        if not self._was_adopted(item, done):
            self._adopt_one(item, done, was_deleted=True)

    def _was_adopted(self, item: Item, done: Settled) -> bool:
        """Say whether another worker has adopted a port, perhaps as the site showed it at another time.

        Then what differs is put right.
        """
        row = self.find(id=item["id"]).get(item["id"])
        if row is not None:
            done.note_adopted([item])
            self._change(item, row, done)
        return row is not None

    def _adopt_one(self, item: Item, done: Settled, *, was_deleted: bool = False) -> None:
        """Adopt a port; without what extensions say of it where the top does not agree with that.

        So does the plugin of the release before, which does not know these fields. Else the next comparison
        complains of what differs.

        :param was_deleted: the top has had it before, and no job has deleted the row.
        """
        self._step("adopt one")
        self._record([item])
        try:
            self._send(item, lambda: self._post({"adopted_port": item}), done)
        except SiteRefused as error:
            if self._was_adopted(item, done):
                return
            plain = {name: value for name, value in item.items() if name not in OF_EXTENSIONS}
            if error.site_status == 400 and plain != item:
                self._adopt_one(plain, done, was_deleted=was_deleted)
            else:
                self._let_go(item, error, done)
            return
        if was_deleted and self._is_on_its_way(item["id"]):
            # Its deletion, after it was looked for; the route tells that job where the port is.
            self._unadopt(item["id"])
            return
        done.note_adopted([item])

    def _send(self, item: Item, send: Callable[[], SiteAnswer], done: Settled) -> SiteAnswer:
        """Tell the top of a port, once more where only what is not true any more was in the way.

        :raises SiteRefused: the top does not agree.
        """
        try:
            return send()
        except SiteRefused as error:
            if error.site_status != 409 or not self._make_way(item, done):
                raise
        return send()

    def _make_way(self, item: Item, done: Settled) -> bool:
        """Bring those rows up to date that have what a port is to have; say whether there are any.

        The site has given an address or a MAC address to another port, and the top has not heard yet of what
        has become of the former one.
        """
        addresses = {fixed["ip_address"] for fixed in item["fixed_ips"]}
        former = {
            key: row
            for key, row in self.find(network_id=item["network_id"]).items()
            if key != item["id"]
            and (
                row["mac_address"] == item["mac_address"]
                or not addresses.isdisjoint(fixed["ip_address"] for fixed in row["fixed_ips"])
            )
        }
        if former:
            done += self.settle(partial(self._look, list(former)), former)
        return bool(former)

    def _post(self, body: Mapping[str, Any]) -> SiteAnswer:
        return self._engine.sites.call(self._top, SERVICE, "POST", ADOPTED, body)

    def _record(self, items: Iterable[Item]) -> None:
        """Keep which site has ports, before they are adopted: who deletes one right then looks there."""
        self._engine.routes.record(
            [Route(item["id"], PORT, self._site.id, item["id"], item["project_id"], None) for item in items]
        )

    def _change(self, item: Item, row: Item, done: Settled) -> None:
        differing = differences(item, row)
        if not differing:
            return
        if differing.keys() & set(FIXED):
            done.changed.append(item["id"])
            self._remove(row)
            self._adopt_one(item, done)
            return
        self._step("change")
        if row.get("revision_number") is not None:
            differing["revision_number"] = row["revision_number"]
        try:
            answer = self._send(item, lambda: tell(self._engine, item["id"], differing), done)
        except SiteRefused as error:
            self._complain(item, error, done)
            return
        if answer.status == OUTDATED:
            self._look_again(item["id"], done)
            return
        done.changed.append(item["id"])
        if answer.status == GONE:  # deleted just now: the next look says what is to be true
            require_own_words(answer.document, self._top)

    def _look_again(self, port_id: str, done: Settled) -> None:
        """Settle a port whose row somebody has changed since it was compared.

        :raises Conflict: so it was a moment ago; the job is tried again later.
        """
        if port_id in self._overtaken:
            raise Conflict(f"Port {port_id} is being changed at the top again and again.")
        self._overtaken.add(port_id)
        done += self.look_and_settle([port_id])

    def _require_sight(self, project_id: str) -> None:
        """Go on only where the site shows the service user everybody's ports.

        :raises SiteRefused: it does not (a quota of another project is shown to administrators alone), and so
            nothing is gone because it is not shown.
        """
        if not self._sees_all:
            require_sight(self._engine.sites, self._site, project_id)
            self._sees_all = True

    def _remove(self, row: Item) -> None:
        # First, so that nobody takes it for a port that is still to go from its site.
        self._engine.routes.forget(row["id"], PORT, self._site.id)
        self._unadopt(row["id"])

    def _unadopt(self, port_id: str) -> None:
        self._step("remove")
        target = f"{ADOPTED}/{port_id}"
        answer = self._engine.sites.call(self._top, SERVICE, "DELETE", target, expected={404})
        if answer.status == 404:
            require_own_words(answer.document, self._top)

    # -- refusals -------------------------------------------------------------------------------------------

    def _let_go(self, item: Item, error: SiteRefused, done: Settled) -> None:
        """Leave a port without a row, and complain, unless it is to go itself."""
        if error.site_status == 409 and _DELETED in error.message:
            return  # a moment ago: there will be a job that deletes it in the site
        self._engine.routes.forget(item["id"], PORT, self._site.id)
        if error.site_status == 404 and self._is_gone(item["network_id"]):
            done.homeless.append(item["id"])
            return
        self._complain(item, error, done)

    def _complain(self, item: Item, error: SiteRefused, done: Settled) -> None:
        name = self._site.name
        cure = ""
        if error.site_status == 409 and item["mac_address"].lower() in error.message.lower():
            cure = (
                f" {self._other_port(item)} bears its MAC address, too: give each site a base_mac of its "
                "own, and have the server get another port."
            )
        done.complaints.append(f"Port {item['id']} of site {name} cannot be adopted: {error.message}{cure}")

    def _is_gone(self, network_id: str) -> bool:
        """Say whether the top has a network no longer: the site's copy goes with the last port on it."""
        answer = self._engine.sites.call(
            self._top, SERVICE, "GET", f"/v2.0/networks/{network_id}", expected={404}
        )
        if answer.status == 404:
            require_own_words(answer.document, self._top)
        return answer.status == 404

    def _other_port(self, item: Item) -> str:
        query = f"network_id={item['network_id']}&mac_address={item['mac_address']}"
        document = self._engine.sites.call(self._top, SERVICE, "GET", f"{PORTS}?{query}").document
        for other in document.get("ports") or ():
            return f"Port {other.get('id')} of {other.get('binding:host_id') or 'the top'}"
        return "Another port of its network"


def undeleted(engine: Engine, groups: Sequence[str]) -> list[str]:
    """Leave out groups that are deleted at the top; a site keeps them while a port is in them."""
    known = engine.replicas.store.several([(SECURITY_GROUP.name, group) for group in groups])
    deleted = {each.definition.key for each in known if each.definition.state is DefinitionState.DELETED}
    return [group for group in groups if group not in deleted]


def is_on_its_way(engine: Engine, port_id: str) -> bool:
    """Say whether a change or the deletion of a port at the top is still to be carried to its site.

    Where that has failed, it is tried again: it holds this up.
    """
    filters = JobFilters(type=FOLLOW.name, resource_type=PORT, resource_id=port_id)
    jobs = JobStore(engine.database).page(filters, limit=1)
    if not jobs or jobs[0].state not in _OPEN:
        return False
    if jobs[0].state is JobState.FAILED:
        engine.requester.request(Request(FOLLOW.name, PORT, port_id, project_id=jobs[0].project_id))
    return True


def _portions(things: Sequence[_Thing], size: int) -> Iterator[Sequence[_Thing]]:
    return (things[start : start + size] for start in range(0, len(things), size))
