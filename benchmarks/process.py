"""Times whole processes, as a person at a terminal waits for them: the median of several runs, and the peak memory.

``python benchmarks/process.py [--json] [--runs N] [--demo-runs N]``
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass

from benchmarks import made

MANIFESTS = made.ROOT / "gitops/demo/manifests"
#: Every pod of the demo at once, beside one node.
SNAPSHOT = (
    made.ROOT / "examples/01-plan-from-kubectl/cluster.yaml",
    *(MANIFESTS / f"{name}.yaml" for name in ("daemons", "small", "large", "ha-app", "web", "ledger", "quorum")),
)
POLICY = tuple(MANIFESTS / f"{name}.yaml" for name in ("nodeclass", "flavors", "monthly", "apart"))
PLACEHOLDERS = {
    "OVH_SERVICE_NAME": "0123456789abcdef0123456789abcdef", "OVH_REGION": "EU-WEST-PAR",
    "OVH_KUBE_ID": "11111111-2222-3333-4444-555555555555",
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A command's figures; ``seconds`` is the median, ``megabytes`` the largest resident memory of any run."""

    command: str
    target_seconds: float
    seconds: float
    slowest: float
    megabytes: float
    runs: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--demo-runs", type=int, default=3)
    chosen = parser.parse_args()
    plan = [part for path in SNAPSHOT for part in ("--snapshot", str(path))]
    plan += [part for path in POLICY for part in ("--policy", str(path))]
    measured = [
        measure(["--help"], name="poolplan --help", target=0.3, runs=chosen.runs),
        measure(["plan", *plan], name="poolplan plan (all pods of the demo)", target=1, runs=chosen.runs),
    ]
    if chosen.demo_runs:
        measured.append(measure(["demo"], name="poolplan demo", target=60, runs=chosen.demo_runs))
    print(json.dumps(report(measured), indent=2) if chosen.json else table(measured))


def measure(arguments: list[str], *, name: str, target: float, runs: int) -> Measured:
    """Run a command once to warm the file cache, then ``runs`` times."""
    made.run(arguments, environment=PLACEHOLDERS)
    seconds, peaks = zip(*(made.run(arguments, environment=PLACEHOLDERS) for _ in range(runs)), strict=True)
    return Measured(
        command=name, target_seconds=target, seconds=round(statistics.median(seconds), 3),
        slowest=round(max(seconds), 3), megabytes=round(max(peaks) / 10**6, 1), runs=runs,
    )  # fmt: skip


def report(measured: list[Measured]) -> dict[str, object]:
    """The figures with what they were measured on."""
    return {**made.machine(), "results": [asdict(one) for one in measured]}


def table(measured: list[Measured]) -> str:
    """The figures as a Markdown table."""
    rows = [
        (f"`{one.command}`", f"{one.seconds:.2f} s", f"{one.slowest:.2f} s", f"{one.target_seconds:g} s",
         f"{one.megabytes:.0f} MB", one.runs)
        for one in measured
    ]  # fmt: skip
    columns = ("command", "median", "slowest", "target", "peak memory", "runs")
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


if __name__ == "__main__":
    main()
