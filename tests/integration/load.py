"""Clients at work while something is wrong: they make and delete things through the top, and keep a ledger.

They go on whatever the answer is, as users' programs do, and never repeat a request.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import requests
from tests.integration.clients import Client
from tests.integration.conditions import eventually

PATIENCE = 100.0
"""Seconds for an answer; above every deadline of the top's."""

_PACE = 0.2
"""Seconds between two requests of one client."""

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGMsd8ZY6vjJ7dyZyLDtsEqbkHTsXbrq1Exnwyc5xm5I load@example"


@dataclass
class Entry:
    """Something that was asked for.

    :param kind: `server`, `volume`, `flavor` or `keypair`.
    :param id: as the client was told; None where it was told nothing, or that it is not made.
    :param deletes: statuses of the answers to its deletes; 0 where there was none.
    """

    kind: str
    name: str
    zone: str | None = None
    id: str | None = None
    deletes: list[int] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        """Say whether the client was told that it is made, and has never asked for it to go."""
        return self.id is not None and not self.deletes

    @property
    def is_to_go(self) -> bool:
        """Say whether the client was told that it is or will be gone."""
        return any(200 <= status < 300 for status in self.deletes)


@dataclass(frozen=True)
class Answer:
    """What a client got: status 0 where the connection broke."""

    what: str
    status: int
    text: str
    seconds: float

    @property
    def is_proper(self) -> bool:
        """Say whether it has the shape that the service gives its answers."""
        if self.status < 400:
            return True
        try:
            (fault,) = json.loads(self.text).values()
        except ValueError:
            return False
        return isinstance(fault, dict) and fault.get("code") == self.status and bool(fault.get("message"))


class Load:
    """Clients in threads of their own, for the length of a `with` block.

    :param zones: where servers and volumes are made.
    """

    def __init__(self, tenant: Client, admin: Client, zones: list[str]) -> None:
        self.mark = f"load-{uuid4().hex[:6]}"
        self.entries: list[Entry] = []
        self.answers: list[Answer] = []
        self.hung: list[str] = []
        self.user_id = tenant.connection.session.get_user_id()
        self._tokens = {"tenant": tenant.token, "admin": admin.token}
        self._facts = tenant.facts
        self._numbers = count(1)
        self._stopped = threading.Event()
        self._failures: list[BaseException] = []
        lives: list[Callable[[], None]] = [self._keypair, self._flavor]
        lives += [
            life for zone in zones for life in (self._in(self._server, zone), self._in(self._volume, zone))
        ]
        self._threads = [threading.Thread(target=self._live, args=[life]) for life in lives]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(3 * PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"
        assert self._failures == []

    def put_away(self) -> None:
        """Delete all that is there still, through the top."""
        for path, who in (("/os-keypairs", "tenant"), ("/flavors", "admin"), ("/servers", "tenant")):
            for item in self._listed("compute", path, who):
                self._ask("compute", "DELETE", f"{path}/{item}", who=who)
        for item in self._listed("volume", "/volumes", "tenant"):
            self._ask("volume", "DELETE", f"/volumes/{item}")
        eventually(
            lambda: (
                not self._listed("compute", "/servers", "tenant")
                and not self._listed("volume", "/volumes", "tenant")
            ),
            "servers and volumes gone",
        )

    def _listed(self, service: str, path: str, who: str) -> list[str]:
        """Return what a list names of the load's own: ids; of keypairs, names."""
        answer = self._ask(service, "GET", path, who=who)
        assert answer.status == 200, answer
        (items,) = (value for key, value in json.loads(answer.text).items() if not key.endswith("_links"))
        plain = [item.get("keypair", item) for item in items]
        return [item.get("id", item["name"]) for item in plain if item["name"].startswith(self.mark)]

    def of(self, kind: str) -> list[Entry]:
        """Return what was asked for of a kind."""
        return [entry for entry in self.entries if entry.kind == kind]

    def _live(self, life: Callable[[], None]) -> None:
        try:
            while not self._stopped.is_set():
                life()
                self._stopped.wait(_PACE)
        except BaseException as failure:
            self._failures.append(failure)
            raise

    @staticmethod
    def _in(life: Callable[[str], None], zone: str) -> Callable[[], None]:
        return lambda: life(zone)

    def _keypair(self) -> None:
        entry = self._entry("keypair")
        body = {"keypair": {"name": entry.name, "public_key": PUBLIC}}
        made = self._send("compute", "/os-keypairs", body)
        if made is not None:
            entry.id = made["keypair"]["name"]
            self._delete_each_second(entry, "compute", f"/os-keypairs/{entry.id}")

    def _flavor(self) -> None:
        entry = self._entry("flavor")
        body = {"flavor": {"name": entry.name, "id": entry.name, "ram": 64, "vcpus": 1, "disk": 1}}
        made = self._send("compute", "/flavors", body, who="admin")
        if made is not None:
            entry.id = made["flavor"]["id"]
            path = f"/flavors/{entry.id}"
            specs = {"extra_specs": {"tier": "gold"}}
            self._send("compute", f"{path}/os-extra_specs", specs, who="admin")
            self._delete_each_second(entry, "compute", path, who="admin")

    def _server(self, zone: str) -> None:
        entry = self._entry("server", zone)
        body = {
            "name": entry.name,
            "imageRef": self._facts["image_id"],
            "flavorRef": self._facts["flavor_ids"][0],
            "networks": "none",
            "availability_zone": zone,
        }
        made = self._send("compute", "/servers", {"server": body}, version="2.37")
        if made is not None:
            entry.id = made["server"]["id"]
            self._delete_each_second(entry, "compute", f"/servers/{entry.id}")

    def _volume(self, zone: str) -> None:
        entry = self._entry("volume", zone)
        body = {"name": entry.name, "size": 1, "availability_zone": zone}
        made = self._send("volume", "/volumes", {"volume": body})
        if made is not None:
            entry.id = made["volume"]["id"]
            self._delete_each_second(entry, "volume", f"/volumes/{entry.id}")

    def _entry(self, kind: str, zone: str | None = None) -> Entry:
        entry = Entry(kind, f"{self.mark}-{next(self._numbers)}", zone)
        self.entries.append(entry)
        return entry

    def _delete_each_second(self, entry: Entry, service: str, path: str, who: str = "tenant") -> None:
        if int(entry.name.rpartition("-")[2]) % 2:
            return
        self._stopped.wait(_PACE)
        # Before it is sent, as nobody knows what a request without an answer has done.
        entry.deletes.append(0)
        entry.deletes[-1] = self._ask(service, "DELETE", path, who=who).status

    def _send(self, service: str, path: str, body: object, **more: Any) -> Any:
        """Send a request that makes something; return what a good answer says, None where there is none."""
        answer = self._ask(service, "POST", path, body, **more)
        return json.loads(answer.text) if 200 <= answer.status < 300 else None

    def _ask(
        self,
        service: str,
        method: str,
        path: str,
        body: object = None,
        *,
        who: str = "tenant",
        version: str | None = None,
    ) -> Answer:
        url = f"{self._facts['top'][f'{service}_url']}{path}"
        headers = {"X-Auth-Token": self._tokens[who]}
        if version is not None:
            headers["OpenStack-API-Version"] = f"compute {version}"
        begun = time.monotonic()
        status, text = 0, ""
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=PATIENCE)
            status, text = answer.status_code, answer.text
        except requests.Timeout as error:
            self.hung.append(f"{method} {path}: {error}")
        except requests.ConnectionError as error:
            text = str(error)
        kept = Answer(f"{method} {path}", status, text, time.monotonic() - begun)
        self.answers.append(kept)
        return kept
