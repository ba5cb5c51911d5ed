"""How the time of a plan grows: with pods, with kinds of pods, with nodes that are there, and with flavors.

``python benchmarks/growth.py [--series pods,groups,nodes,flavors] [--scale F] [--runs N] [--svg FILE] [--json]``

Each series changes one number and leaves the others as they are: 2,000 pods in 100 groups of equal needs, one full
node, and the 23 flavors of b3, c3 and r3. A fifth of the groups each is spread over zones, keeps to hosts of its own,
and selects a zone; the rest has no rules. ``--scale`` makes every number of pods and nodes smaller, for a quick look.

Two times are told: with the least budget, which is what a plan cannot do without (reading values, proposing nodes, one
replay of kube-scheduler), and with the usual one, which a search for cheaper nodes uses up where there is more to try.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import made
from benchmarks.mixes import faults_of
from planner.aims import BUDGET, Aims
from planner.decide import decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.made import Object
    from planner.plan import Plan

USUAL = {"pods": 2000, "groups": 100, "nodes": 0, "flavors": 23}
SERIES: dict[str, tuple[int, ...]] = {
    "pods": (500, 1000, 2000, 4000, 8000), "groups": (10, 30, 100, 300, 1000), "nodes": (0, 50, 100, 200, 400),
    "flavors": (2, 4, 8, 16, 23),
}  # fmt: skip
LEAST = 1  # milliseconds
CPUS, MEMORIES = (100, 250, 500, 1000, 1500), (128, 256, 512, 1024, 4096)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One point of a series; seconds are medians: with the least budget, and with the usual one."""

    series: str
    pods: int
    groups: int
    nodes: int
    flavors: int
    seconds: float
    usual_seconds: float
    new_nodes: int
    unplaced: int
    faults: tuple[str, ...] | None

    @property
    def value(self) -> int:
        """The number that the series changes."""
        found: int = getattr(self, self.series)
        return found


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--series", default=",".join(SERIES), help="names, with commas")
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers but that of flavors")
    parser.add_argument("--runs", type=int, default=3, help="each time is the median of so many")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the series here too")
    chosen = parser.parse_args()
    names, check = chosen.series.split(","), not chosen.no_check
    told = [one for name in names for one in series(name, chosen.scale, chosen.runs, check=check)]
    if chosen.svg:
        chosen.svg.write_text(drawing(told), "utf-8")
    results = [asdict(one) for one in told]
    print(json.dumps({**made.machine(), "results": results}, indent=2) if chosen.json else table(told))


def series(name: str, scale: float, runs: int, *, check: bool) -> list[Measured]:
    """The points of one series; numbers that become equal by scaling are measured once."""
    values = SERIES[name] if name == "flavors" else tuple(dict.fromkeys(_scaled(one, scale) for one in SERIES[name]))
    usual = {key: one if key == "flavors" else _scaled(one, scale) for key, one in USUAL.items()}
    return [measure(name, usual | {name: value}, runs=runs, check=check) for value in values]


def _scaled(number: int, scale: float) -> int:
    return max(1, round(number * scale)) if number else 0


def measure(name: str, size: dict[str, int], *, runs: int, check: bool) -> Measured:
    """One cluster, planned ``runs`` times."""
    objects = made_cluster(**size)
    least, usual = [], []
    for _ in range(runs):
        least.append(timed(objects, LEAST)[0])
        seconds, plan = timed(objects, BUDGET)
        usual.append(seconds)
    return Measured(
        series=name, **size, seconds=round(statistics.median(least), 4),
        usual_seconds=round(statistics.median(usual), 4),
        new_nodes=sum(1 for one in plan.placements if one.expected),
        unplaced=sum(len(one.pods) for one in plan.unplaced),
        faults=faults_of(objects, plan) if check else None,
    )  # fmt: skip


def timed(objects: list[Object], budget: int) -> tuple[float, Plan]:
    """The seconds of a plan with a budget, and the plan."""
    inputs = replace(made.inputs_of(objects), aims=Aims(budget=budget))
    started = time.perf_counter()
    plan = decide(inputs, now=made.NOW)
    return time.perf_counter() - started, plan


def made_cluster(*, pods: int, groups: int, nodes: int, flavors: int) -> list[Object]:
    """Pods that wait in so many groups of equal needs, beside nodes that are half full."""
    chance = random.Random(made.SEED)  # noqa: S311 - the same cluster every time is the point
    names = made.flavors("b3", "c3", "r3")
    kinds = [_kind(number, chance) for number in range(min(groups, pods))]
    return [
        *made.policy(names[:: len(names) // flavors][:flavors]), made.full_node(),
        made.daemon_set("logs", "100m", "192Mi"),
        *(one for number in range(nodes) for one in _half_full(number)),
        *(_pod(number, *kinds[number % len(kinds)]) for number in range(pods)),
    ]  # fmt: skip


def _kind(group: int, chance: random.Random) -> tuple[str, int, int, Object]:
    name = f"app-{group:04}"
    own = {"app": name}
    rules: Sequence[Object] = (
        {"topologySpreadConstraints": [made.spread(made.ZONE, own)]},
        {"affinity": made.beside("podAntiAffinity", made.HOST, own)},
        {"nodeSelector": {made.ZONE: chance.choice(made.ZONES)}}, {}, {},
    )  # fmt: skip
    return name, chance.choice(CPUS), chance.choice(MEMORIES), rules[group % 5]


def _pod(number: int, name: str, cpu: int, memory: int, spec: Object) -> Object:
    return made.pod(f"{name}-{number:05}", cpu, memory, labels={"app": name}, owner=name, **spec)


def _half_full(number: int) -> list[Object]:
    name = f"worker-{number:04}"
    allocatable = {"cpu": "3830m", "memory": "13700M", "ephemeral-storage": "80G", "pods": "110"}
    running: dict[str, Any] = made.pod(f"runs-{number:04}", 1800, 6000, labels={"app": "runs"}, owner="runs")
    running["spec"]["nodeName"], running["status"] = name, {"phase": "Running"}
    return [made.node(name, "b3-16", made.ZONES[number % 3], allocatable, nodepool="workers"), running]


# Output


def table(told: Sequence[Measured]) -> str:
    """The figures as a Markdown table."""
    columns = ("series", "pods", "groups", "nodes", "flavors", "least time", "usual time", "new nodes", "unplaced",
               "checked")  # fmt: skip
    rows = [
        (one.series, one.pods, one.groups, one.nodes, one.flavors, f"{one.seconds:.2f} s", f"{one.usual_seconds:.2f} s",
         one.new_nodes, one.unplaced,
         "–" if one.faults is None else len(one.faults) or "✓")
        for one in told
    ]  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


def drawing(told: Sequence[Measured]) -> str:
    """One small chart a series, both axes from zero, as SVG."""
    names = list(dict.fromkeys(one.series for one in told))
    points = {name: [one for one in told if one.series == name] for name in names}
    charts = "".join(_chart(name, points[name], 260 * at) for at, name in enumerate(names))
    size = f'viewBox="0 0 {260 * len(names)} 200" width="{260 * len(names)}" height="200"'
    style = 'font-family="sans-serif" font-size="11" fill="#555"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{charts}</svg>\n'


def _chart(name: str, points: Sequence[Measured], left: int) -> str:
    widest, highest = max(one.value for one in points) or 1, max(one.seconds for one in points) or 1
    at = [(left + 40 + 200 * one.value / widest, 160 - 130 * one.seconds / highest) for one in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#06c"/>' for x, y in at)
    axes = f'<path d="M{left + 40} 30V160H{left + 240}" fill="none" stroke="#999"/>'
    texts = (
        (left + 140, 192, "middle", name), (left + 240, 175, "end", f"{widest:,}"), (left + 40, 175, "middle", "0"),
        (left + 36, 34, "end", f"{highest:.2g} s"),
    )  # fmt: skip
    words = "".join(f'<text x="{x}" y="{y}" text-anchor="{end}">{escape(text)}</text>' for x, y, end, text in texts)
    return f'{axes}<polyline points="{line}" fill="none" stroke="#06c" stroke-width="1.5"/>{dots}{words}'


if __name__ == "__main__":
    main()
