"""What the intent of a create costs: a POST of a server with one, as a multiple of the same without.

Both are served by one gateway in this process, over an embedded database, for a site that answers at once.
They take turns in every round. The figure is processor time per request of the whole process, so it leaves
out what a real site takes (hundreds of milliseconds) and what a disk takes to make a transaction durable.

    python -m benchmarks.create [--rounds 9] [--requests 100]
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # where the fakes and this package are found when this file is the program

from tests.fakes.cloud import Cloud  # noqa: E402
from tests.functional.gateway import Gateway, GatewayClient, compute_application  # noqa: E402

from tricircle.gateway.intents import Intents, Unwritten  # noqa: E402
from tricircle.sites.transport import Answer, CurlTransport, Request  # noqa: E402

BODY = {"server": {"name": "bench", "flavorRef": "1", "imageRef": str(uuid.UUID(int=1)), "networks": "auto"}}
HEADERS = [("content-type", "application/json")]


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="measures what the intent of a create costs")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=100, help="in each half of a round")
    arguments = parser.parse_args()
    ratios, costs = [], []
    with _client() as client:
        for number in range(arguments.rounds + 1):
            with patch.object(Intents, "begin", lambda self, *_: Unwritten(self.locator)):
                without = _cost(client, arguments.requests)
            within = _cost(client, arguments.requests)
            if number > 0:  # the first round warms up
                ratios.append(within / without)
                costs.append((within - without) * 1e6)
    print(
        f"a create with its intent costs {statistics.median(ratios):.2f} times one without"
        f" ({min(ratios):.2f} to {max(ratios):.2f}): {statistics.median(costs):.0f} us more"
    )
    return 0


@contextlib.contextmanager
def _client() -> Iterator[GatewayClient]:
    """Give a client of a gateway before one site that answers at once."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        cloud = Cloud(Path(directory), options={})
        cloud.start()
        cloud.add_site("SiteOne", "az1")
        try:
            client = GatewayClient(Gateway(cloud, compute_application), cloud.member)
            client.get("/v2.1/servers")  # what a gateway reads once is read
            with patch.object(CurlTransport, "perform", _answer):
                yield client
        finally:
            cloud.stop()


def _answer(_: CurlTransport, __: Request) -> Answer:
    document = {"server": {"id": str(uuid.uuid4()), "links": [], "adminPass": "x"}}
    return Answer(202, HEADERS, json.dumps(document).encode())


def _cost(client: GatewayClient, requests: int) -> float:
    """Return seconds of processor time per request."""
    begun = time.process_time()
    statuses = {client.post("/v2.1/servers", BODY).status for _ in range(requests)}
    cost = (time.process_time() - begun) / requests
    if statuses != {202}:
        raise RuntimeError(f"creates were answered with {statuses}")
    return cost


if __name__ == "__main__":
    sys.exit(main())
