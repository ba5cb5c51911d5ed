"""Times whole processes, as a person at a terminal waits for them: the median of several runs, and the peak memory.

``python benchmarks/process.py [--json] [--runs N] [--demo-runs N]``
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "gitops/demo/manifests"
#: Every pod of the demo at once, beside one node.
SNAPSHOT = (
    ROOT / "examples/01-plan-from-kubectl/cluster.yaml",
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
    once(arguments)
    seconds, kilobytes = zip(*(once(arguments) for _ in range(runs)), strict=True)
    return Measured(
        command=name, target_seconds=target, seconds=round(statistics.median(seconds), 3),
        slowest=round(max(seconds), 3), megabytes=round(max(kilobytes) / 1024, 1), runs=runs,
    )  # fmt: skip


def once(arguments: list[str]) -> tuple[float, int]:
    """Seconds and peak kilobytes of one run; its output is thrown away."""
    program = Path(sys.executable).parent / "poolplan"
    silent = os.open(os.devnull, os.O_WRONLY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OVH_")} | PLACEHOLDERS
    started = time.perf_counter()
    child = os.posix_spawn(
        program, [str(program), *arguments], environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, silent, 1), (os.POSIX_SPAWN_DUP2, silent, 2)],
    )  # fmt: skip
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    os.close(silent)
    code = os.waitstatus_to_exitcode(status)
    if code:
        sys.exit(f"poolplan {' '.join(arguments)} failed with exit code {code}")
    return seconds, usage.ru_maxrss


def report(measured: list[Measured]) -> dict[str, object]:
    """The figures with what they were measured on."""
    return {
        "python": platform.python_version(), "processor": processor(), "cores": os.cpu_count(),
        "results": [asdict(one) for one in measured],
    }  # fmt: skip


def processor() -> str:
    """The processor's name, as Linux knows it."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(measured: list[Measured]) -> str:
    """The figures as a Markdown table."""
    rows = [
        f"| `{one.command}` | {one.seconds:.2f} s | {one.slowest:.2f} s | {one.target_seconds:g} s | "
        f"{one.megabytes:.0f} MB | {one.runs} |"
        for one in measured
    ]
    head = ["| command | median | slowest | target | peak memory | runs |", "|---|---|---|---|---|---|"]
    where = f"Python {platform.python_version()}, {processor()}, {os.cpu_count()} cores\n"
    return "\n".join([where, *head, *rows])


if __name__ == "__main__":
    main()
