"""What a GET of one server costs through the compute gateway, in multiples of nginx's proxy_pass.

Both stand before the same site, take turns in every round, and are driven in the same way. The figure is
processor time per request, of the whole process tree, as its ratio to nginx's in the same round: it
depends little on the machine, and on what else runs there.

    python -m benchmarks [--rounds 5] [--seconds 2] [--json]

Needs nginx and wrk. Takes about a minute and a half. Starts and ends its own processes, on loopback.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # where the fakes and this package are found when this file is the program

from tests.fakes.cloud import COMPUTE_ROOT  # noqa: E402

from benchmarks import nginx  # noqa: E402
from benchmarks.contestant import Contestant, free_port  # noqa: E402
from benchmarks.load import Load  # noqa: E402
from benchmarks.pieces import microseconds, pieces  # noqa: E402
from benchmarks.report import BASE, GATEWAY, Rounds  # noqa: E402
from benchmarks.scenario import PREFIX, ZONE, Scenario  # noqa: E402
from tricircle.config import CONFIG_FILES_VARIABLE  # noqa: E402

CONNECTIONS = 32
WARM_UP = 3
"""Seconds: enough to see every id and every token several times."""

LATENCY_SECONDS = 1


def main() -> int:
    """Measure, and print."""
    arguments = _arguments()
    # Debian keeps nginx where only root looks for programs.
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    missing = [program for program in ("nginx", "wrk", "taskset") if shutil.which(program) is None]
    if missing:
        print(f"Not installed: {', '.join(missing)}", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        rounds = measure(stack, directory, arguments.rounds, arguments.seconds)
    print(json.dumps(rounds.document(), indent=2) if arguments.json else rounds.table())
    return 0


def measure(stack: ExitStack, directory: Path, count: int, seconds: int) -> Rounds:
    """Start everything, and let the contestants take turns.

    :param stack: ends what is started here.
    :param count: of rounds.
    :param seconds: for which each contestant is driven in each round.
    """
    here, there = _processors()
    scenario = Scenario(directory, free_port())
    stack.callback(scenario.stop)
    scenario.start()
    document = scenario.document()
    upstream = _upstream(directory, scenario, document, there)
    stack.callback(upstream.stop)
    headers = {"X-Auth-Token": scenario.tokens[0], "Accept": "application/json"}
    upstream.start(PREFIX + scenario.ids[0], headers)
    contestants = _contestants(directory, scenario, here)
    for contestant in contestants:
        stack.callback(contestant.stop)
        answer = contestant.start(PREFIX + scenario.ids[0], headers)
        if contestant.name == GATEWAY:
            _check(answer)
    load = Load.of(directory, PREFIX, scenario.ids, scenario.tokens, there)
    parts = pieces(scenario, document)
    for contestant in contestants:
        load.drive(contestant.port, CONNECTIONS, WARM_UP)
    for part in parts.values():
        microseconds(part, len(scenario.ids))
    rounds = Rounds()
    for _ in range(count):
        for contestant in contestants:
            _drive(rounds, contestant, load, seconds)
        for name, part in parts.items():
            rounds.pieces.setdefault(name, []).append(microseconds(part))
    return rounds


def _drive(rounds: Rounds, contestant: Contestant, load: Load, seconds: int) -> None:
    before = contestant.processor_time
    seen = load.drive(contestant.port, CONNECTIONS, seconds)
    spent = contestant.processor_time - before
    rounds.processor.setdefault(contestant.name, []).append(1e6 * spent / seen.requests)
    rounds.throughput.setdefault(contestant.name, []).append(seen.requests / seen.seconds)
    if contestant.name in {BASE, GATEWAY}:
        alone = load.drive(contestant.port, 1, LATENCY_SECONDS)
        rounds.latency.setdefault(contestant.name, []).append((alone.p50, alone.p99))


def _contestants(directory: Path, scenario: Scenario, processor: int | None) -> list[Contestant]:
    port = free_port()
    (directory / "proxy").mkdir()
    command = nginx.proxy(directory / "proxy", port, scenario.upstream, _nginx_user())
    found = [Contestant(BASE, port, command, directory / "nginx.log", processor=processor)]
    floor = {
        "BENCHMARK_DOCUMENT": str(directory / "site" / "server.json"),
        "BENCHMARK_UPSTREAM": f"http://127.0.0.1:{scenario.upstream}",
        "PYTHONPATH": str(ROOT),
    }
    real = {CONFIG_FILES_VARIABLE: str(scenario.cloud.configuration_file)}
    for name, application, environment in (
        (GATEWAY, "tricircle.wsgi.compute:application", real),
        ("  granian, nothing behind it", "benchmarks.floors:nothing", floor),
        ("  granian, and a bare hop to the site", "benchmarks.floors:hop", floor),
    ):
        port = free_port()
        log = directory / f"{application.partition(':')[2]}-{port}.log"
        command = _granian(port, application)
        found.append(Contestant(name, port, command, log, environment, processor))
    return found


def _granian(port: int, application: str) -> list[str]:
    options = f"--interface wsgi --workers 1 --blocking-threads 32 --host 127.0.0.1 --port {port}"
    return [sys.executable, "-m", "granian", *options.split(), "--log-level", "error", application]


def _upstream(directory: Path, scenario: Scenario, document: bytes, processor: int | None) -> Contestant:
    (directory / "site").mkdir()
    command = nginx.site(directory / "site", scenario.upstream, document, scenario.version(), _nginx_user())
    return Contestant("site", scenario.upstream, command, directory / "site.log", processor=processor)


def _check(answer: bytes) -> None:
    """See that the gateway does its work, and is not measured passing bytes through."""
    server = json.loads(answer)["server"]
    links = [link["href"] for link in server["links"]]
    if server["OS-EXT-AZ:availability_zone"] != ZONE or not all(
        link.startswith(COMPUTE_ROOT) for link in links
    ):
        raise SystemExit(f"The gateway does not rewrite: {answer!r}")


def _processors() -> tuple[int | None, int | None]:
    """Choose a core for what is measured and another for the rest, where there are two."""
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def _nginx_user() -> str:
    """Keep root as the user of nginx's workers: the directory is nobody else's."""
    return "user root;" if os.geteuid() == 0 else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 21), metavar="1-20")
    parser.add_argument("--seconds", type=int, default=2, choices=range(1, 11), metavar="1-10")
    parser.add_argument("--json", action="store_true", help="print figures for programs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
