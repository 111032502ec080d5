"""What was measured, as figures and as a table."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

BASE = "nginx proxy_pass"
GATEWAY = "tricircle gateway"


@dataclass(frozen=True)
class Figure:
    """Several measurements of one thing."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Sum up."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, form: str = "8.1f") -> str:
        """Write median and spread."""
        return (
            f"{self.median:{form}}  ({self.lowest:{form.lstrip('8')}} .. {self.highest:{form.lstrip('8')}})"
        )


@dataclass
class Rounds:
    """The measurements of all rounds, by what was measured.

    :param processor: microseconds of processor per request, one value a round; of servers under load.
    :param pieces: the same of parts in one thread.
    :param latency: seconds: (median, 99th percentile) of each round.
    """

    processor: dict[str, list[float]] = field(default_factory=dict)
    pieces: dict[str, list[float]] = field(default_factory=dict)
    latency: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    throughput: dict[str, list[float]] = field(default_factory=dict)

    def ratio(self, values: Sequence[float]) -> Figure:
        """Compare with nginx, round by round, so that what slows a whole round down falls out."""
        base = self.processor[BASE]
        return Figure.of([value / other for value, other in zip(values, base, strict=True)])

    def document(self) -> dict[str, object]:
        """Make what `--json` prints."""
        return {
            "microseconds_per_request": {
                name: asdict(Figure.of(values)) for name, values in self.processor.items()
            },
            "requests_per_second": {
                name: asdict(Figure.of(values)) for name, values in self.throughput.items()
            },
            "times_nginx": {name: asdict(self.ratio(values)) for name, values in self.processor.items()},
            "pieces_microseconds": {name: asdict(Figure.of(values)) for name, values in self.pieces.items()},
            "pieces_times_nginx": {name: asdict(self.ratio(values)) for name, values in self.pieces.items()},
            "latency_milliseconds": {
                name: {
                    "p50": asdict(Figure.of([1000 * p50 for p50, _ in values])),
                    "p99": asdict(Figure.of([1000 * p99 for _, p99 in values])),
                }
                for name, values in self.latency.items()
            },
        }

    def table(self) -> str:
        """Write what a reader wants to see."""
        lines = [f"{'processor time per request, under load':40} {'microseconds':>26} {'times nginx':>24}"]
        lines += [self._line(name, values) for name, values in self.processor.items()]
        lines += ["", "where the gateway's goes: its parts, each alone in one thread"]
        lines += [self._line(name, values) for name, values in self.pieces.items()]
        lines += ["", f"{'latency, one connection, milliseconds':40} {'p50':>26} {'p99':>24}"]
        for name, pairs in self.latency.items():
            p50 = Figure.of([1000 * value for value, _ in pairs]).text("8.2f")
            p99 = Figure.of([1000 * value for _, value in pairs]).text("8.2f")
            lines.append(f"  {name:38} {p50:>26} {p99:>24}")
        return "\n".join(lines)

    def _line(self, name: str, values: Sequence[float]) -> str:
        return f"  {name:38} {Figure.of(values).text('8.0f'):>26} {self.ratio(values).text('8.2f'):>24}"
