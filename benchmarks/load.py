"""The load generator: wrk, with tokens and ids drawn at random from those that the gateway knows.

One token and one id over and over would flatter every cache there is.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local function lines(name)
  local found = {}
  for line in io.lines(name) do found[#found + 1] = line end
  return found
end
local tokens, ids = lines("%(tokens)s"), lines("%(ids)s")
local headers = { ["Accept"] = "application/json", ["User-Agent"] = "benchmark" }
function init(args) math.randomseed(%(seed)d) end
function request()
  headers["X-Auth-Token"] = tokens[math.random(#tokens)]
  return wrk.format("GET", "%(prefix)s" .. ids[math.random(#ids)], headers)
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '@{"requests": %%d, "microseconds": %%d, "refused": %%d, "broken": %%d, "p50": %%d, "p99": %%d}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


class BadLoad(Exception):
    """The load was not what it should be: requests failed, or wrk did."""


@dataclass(frozen=True)
class Measured:
    """What wrk saw.

    :param seconds: that it lasted.
    :param p50: median latency, in seconds; so is `p99`.
    """

    requests: int
    seconds: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Load:
    """Requests for servers by id.

    :param processor: number of the core that the generator is kept on; None for any.
    """

    script: Path
    processor: int | None

    @classmethod
    def of(
        cls, directory: Path, prefix: str, ids: Sequence[str], tokens: Sequence[str], processor: int | None
    ) -> "Load":
        """Write what wrk reads.

        :param prefix: path before the id.
        """
        names = {"tokens": directory / "tokens.txt", "ids": directory / "ids.txt"}
        names["tokens"].write_text("\n".join(tokens))
        names["ids"].write_text("\n".join(ids))
        script = directory / "load.lua"
        script.write_text(_SCRIPT % {**names, "prefix": prefix, "seed": 1})
        return cls(script, processor)

    def drive(self, port: int, connections: int, seconds: int) -> Measured:
        """Keep so many connections busy for so long.

        :raises BadLoad: not every request was answered with 2xx.
        """
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
        if self.processor is not None:
            command = ["taskset", "--cpu-list", str(self.processor), *command]
        command += ["-s", str(self.script), f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
        results = [line[1:] for line in done.stdout.splitlines() if line.startswith("@")]
        if done.returncode != 0 or not results:
            raise BadLoad(f"wrk failed: {done.stdout}{done.stderr}")
        found = json.loads(results[0])
        if found["refused"] or found["broken"] or not found["requests"]:
            raise BadLoad(f"Not all requests were served: {found}")
        return Measured(
            found["requests"], found["microseconds"] / 1e6, found["p50"] / 1e6, found["p99"] / 1e6
        )
