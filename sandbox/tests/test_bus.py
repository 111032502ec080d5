"""Whether parts of services are heard on the bus, as several threads ask at the same time."""

import subprocess
import sys

# In a process that has imported nothing yet: what is imported first by several threads may be seen half made.
ASKS_SIDE_BY_SIDE = """
import threading
from concurrent.futures import ThreadPoolExecutor
from sandbox import bus
together = threading.Barrier(8)
def ask(_):
    together.wait()
    return bus.consumers("rabbit://nobody:secret@127.0.0.1:1/nothing", "queue")
with ThreadPoolExecutor(8) as pool:
    print(list(pool.map(ask, range(8))))
"""


def test_threads_that_are_the_first_to_ask_have_an_answer() -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", ASKS_SIDE_BY_SIDE], capture_output=True, text=True, check=False
        )
        assert (done.stdout.strip(), done.returncode) == (str([0] * 8), 0), done.stderr
