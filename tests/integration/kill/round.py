"""One round: each job of the table, once for each point at which its worker is killed.

All cases are under way at the same time; each has a top of its own, and a mark in the names of what it makes.
Who takes over is started when all that were to be killed are dead: most of their leases have run out by then.
Before the first round each job is done once undisturbed, to be compared with.
"""

import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec
from openstack.connection import Connection
from tests.integration.clients import SiteAdmin
from tests.integration.kill.image import Images, delete_marked, events_of, image_of, look, states_of
from tests.integration.kill.nursery import Nursery
from tests.integration.kill.order import CLAIMED, DONE, MARK, Arranged, Folder, Order
from tests.integration.kill.scenarios import SCENARIOS

_AT_ONCE = 12

_UNEXPECTED = ("Traceback", "Unexpected error")

_LAST_WORDS = 3000


@dataclass
class Case:
    """A job whose worker is killed somewhere, or nowhere.

    :param point: as in an order.
    :param problems: what was otherwise than it should be, in words.
    """

    scenario: str
    point: str | None
    files: Folder
    mark: str = field(default_factory=lambda: f"{MARK}{uuid4().hex[:8]}")
    problems: list[str] = field(default_factory=list)

    def order(self, *, arrange: bool, point: str | None) -> Order:
        """Make an order for a worker."""
        return Order(str(self.files.path), self.mark, self.scenario if arrange else None, point)

    @property
    def arranged(self) -> Arranged:
        """What was arranged."""
        return msgspec.json.decode(self.files.arranged.read_bytes(), type=Arranged)

    @property
    def steps(self) -> list[str]:
        """The job's steps, when nobody was killed."""
        return self.files.steps.read_text().splitlines()

    def __str__(self) -> str:
        return str(self.files.path)

    def expect_well_ended(self) -> None:
        """Note what jobs have not succeeded, and errors that nobody expected."""
        self.expect("the state of jobs", states_of(self.files), {"succeeded"})
        said = self.files.log.read_text()
        self.expect("what the log says", [word for word in _UNEXPECTED if word in said], [])

    @property
    def last_words(self) -> str:
        """The end of what its workers said: the sandbox may be gone when somebody asks what was wrong."""
        log = self.files.log
        return log.read_text()[-_LAST_WORDS:] if log.exists() else ""

    def expect_same(self, seen: list[str], expected: list[str]) -> None:
        """Note how what is there differs from what is there of an undisturbed case."""
        there, wanted = Counter(seen), Counter(expected)
        self.problems += [
            f"there is too much: {line} ({count} times)" for line, count in (there - wanted).items()
        ]
        self.problems += [f"there lacks: {line}" for line in (wanted - there)]

    def expect(self, what: str, seen: object, expected: object) -> None:
        """Note a problem where something is not as it should be."""
        if seen != expected:
            self.problems.append(f"{what} is {seen}, not {expected}")


@dataclass(frozen=True)
class Model:
    """What a job does, and leaves, when nobody is killed.

    :param steps: its steps, in order; each is one to be killed at.
    :param events: what happens to it.
    :param image: all that is there afterwards.
    """

    steps: list[str]
    events: list[str]
    image: list[str]

    @property
    def points(self) -> list[str]:
        """Where its worker is to be killed."""
        return [CLAIMED, *(str(number) for number in range(1, len(self.steps) + 1)), DONE]


class Ward:
    """Where cases are seen to.

    :param folder: of their files.
    :param user_id: whose keypairs are made.
    :param top: an administrator's connection to the top.
    """

    def __init__(
        self, nursery: Nursery, admins: list[SiteAdmin], folder: Path, user_id: str, *, top: Connection
    ) -> None:
        self._nursery = nursery
        self._admins = admins
        self._folder = folder
        self._user_id = user_id
        self._top = top

    def case(self, scenario: str, point: str | None, of: str) -> Case:
        """Make a case.

        :param of: what it belongs to.
        """
        path = self._folder / of / f"{scenario}-{point or 'undisturbed'}"
        path.mkdir(parents=True)
        return Case(scenario, point, Folder(path))

    def leave_alone(self, case: Case) -> None:
        """Have all done."""
        case.files.steps.touch()
        status = self._nursery.run(case.order(arrange=True, point=None))
        case.expect("the worker's exit status", status, 0)

    def kill(self, case: Case) -> None:
        """Have a worker begin, and be killed."""
        status = self._nursery.run(case.order(arrange=True, point=case.point))
        case.expect("the worker's end", status, -signal.SIGKILL)

    def take_over(self, case: Case) -> None:
        """Have another worker do the rest."""
        if not case.problems:
            status = self._nursery.run(case.order(arrange=False, point=None))
            case.expect("the other worker's exit status", status, 0)

    def look(self) -> Images:
        """See what is in the sites, and in the top's Neutron."""
        return look(self._admins, self._user_id, self._top)

    def put_away(self, images: Images, of: str) -> None:
        """Delete all that cases have made."""
        delete_marked(images, MARK)
        shutil.rmtree(self._folder / of)


def find_models(ward: Ward) -> dict[str, Model]:
    """Find out what is there of each job when nobody is killed."""
    cases = [ward.case(name, None, "models") for name in SCENARIOS]
    _for_all(ward.leave_alone, cases)
    images = ward.look()
    models = {}
    for case in cases:
        if not case.problems:
            case.expect_well_ended()
        assert case.problems == [], f"{case}: {case.problems}\n{case.last_words}"
        image = image_of(case.files, case.mark, case.arranged, images)
        models[case.scenario] = Model(case.steps, events_of(case.files, case.arranged.job_id), image)
    ward.put_away(images, "models")
    return models


class Round:
    """All killings, once."""

    def __init__(self, ward: Ward, models: dict[str, Model], name: str) -> None:
        self._models = models
        cases = [
            ward.case(scenario, point, name) for scenario, model in models.items() for point in model.points
        ]
        # In another order each time, and so that all services of all sites have something to do.
        self._cases = sorted(cases, key=lambda case: case.mark)
        _for_all(ward.kill, self._cases)
        _for_all(ward.take_over, self._cases)
        images = ward.look()
        for case in self._cases:
            if not case.problems:
                self._compare(case, images)
        if not any(case.problems for case in self._cases):
            ward.put_away(images, name)

    def problems(self, scenario: str) -> list[str]:
        """Return what was otherwise than it should be."""
        cases = [case for case in self._cases if case.scenario == scenario]
        problems = [f"{case}: {problem}" for case in cases for problem in case.problems]
        return problems + [case.last_words for case in cases if case.problems]

    def _compare(self, case: Case, images: Images) -> None:
        model = self._models[case.scenario]
        happened = events_of(case.files, case.arranged.job_id)
        case.expect("what happened", happened, [model.events[0], "lost", *model.events[1:]])
        case.expect_well_ended()
        case.expect_same(image_of(case.files, case.mark, case.arranged, images), model.image)


def _for_all(do: Callable[[Case], None], cases: Iterable[Case]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(do, cases))
