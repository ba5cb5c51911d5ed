"""Karpenter's own scheduling benchmark, on poolplan's solver.

``python benchmarks/scheduling.py [--pods N[,N…]] [--runs N] [--yardstick] [--certify] [--json] [--no-check]``

Pods in equal fifths: generic, spread over zones, spread over hosts (both with a skew of one, labels and selectors drawn
from seven values), together in a zone with their own label, and each on a host of its own. Sizes are drawn from five
amounts of cpu and six of memory. There are 400 machine types in three zones: type i has i + 1 CPU, 2 GiB and 10 pods a
CPU, and costs 0.1 per CPU and 0.1 per GB an hour; 100m and 10 MiB of each are reserved.

The time is that from pods as values to a solution: grouping the demand and solving, which is what Karpenter's does.
Making the input and checking the plan are not in it; nor is the replay of kube-scheduler that certifies a plan, which
``--certify`` does and times apart. Several sizes run in a process each, so that the peak memory is each one's own.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks import made
from benchmarks.yardstick import first_fit
from planner.candidates import Candidate
from planner.catalog import Flavor, Region
from planner.demand import collect_demand
from planner.figures import Figures
from planner.ledger import ENOUGH, Ledger
from planner.policy import NodeClass, NodePool
from planner.resources import CPU, MEMORY, PODS, Resources
from planner.solve import Problem, Solution, solve

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.made import Object
    from planner.snapshot import Snapshot

SIZES = (1, 50, 100, 500, 1000, 2000, 5000, 10000, 20000)
CPUS, MEMORIES, VALUES = (100, 250, 500, 1000, 1500), (100, 256, 512, 1024, 2048, 4096), "abcdefg"
TYPES, ZONES = 400, ("test-zone-1", "test-zone-2", "test-zone-3")
#: Pods per second of Karpenter's solver on a machine of this kind.
KARPENTER = {1000: 456, 5000: 403, 20000: 174}
GIB, MIB = 2**30, 2**20


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--pods", default=",".join(map(str, SIZES)), help="one size, or several with commas")
    parser.add_argument("--runs", type=int, default=3, help="the time is the median of so many")
    parser.add_argument("--yardstick", action="store_true", help="pack with the yardstick too")
    parser.add_argument("--certify", action="store_true", help="solve once more, with a replay of kube-scheduler")
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.pods.split(",")]
    if len(sizes) == 1:
        more = {"yardstick": chosen.yardstick, "certify": chosen.certify, "check": not chosen.no_check}
        told = [measure(sizes[0], runs=chosen.runs, **more)]
    else:
        told = [_apart(size) for size in sizes]
    print(json.dumps(told if len(told) > 1 else told[0], indent=2) if chosen.json else table(told))


def measure(
    count: int, *, runs: int = 1, yardstick: bool = False, certify: bool = False, check: bool = True
) -> Object:  # fmt: skip
    """One size's figures; money is micro-units per hour."""
    objects, offers = made_pods(count), candidates()
    snapshot = made.inputs_of(objects).snapshot
    seconds = []
    for _ in range(runs):
        snapshot = made.inputs_of(objects).snapshot  # read anew: nothing that was worked out before is known
        gc.collect()
        gc.freeze()  # the manifests that the input was made from are no part of what is timed
        started = time.perf_counter()
        solution = solution_of(snapshot, offers)
        seconds.append(time.perf_counter() - started)
    peak = made.peak_bytes()
    took = statistics.median(seconds)
    told: Object = {
        "pods": count, "nodes": len(solution.opened), "cost": sum(one.candidate.hourly for one in solution.opened),
        "lower_bound": solution.lower_bound, "seconds": round(took, 4), "pods_per_second": round(count / took),
        "peak_rss_bytes": peak, "unplaced": sum(len(one.pods) for one in solution.unplaced),
    }  # fmt: skip
    if check:
        told["faults"] = faults_of(objects, solution)
    told |= _certified(objects, offers, check=check) if certify else {}
    return told | (_yardstick(snapshot, offers) if yardstick else {})


def solution_of(snapshot: Snapshot, offers: list[Candidate], *, certify: bool = False) -> Solution:
    """What is timed: from pods as values to a solution. Nothing is there yet, and nothing limits what is ordered."""
    problem = Problem(
        demand=collect_demand(snapshot), snapshot=snapshot, bins=[], candidates=offers, ledger=Ledger(ENOUGH, ENOUGH),
        certify=certify,
    )  # fmt: skip
    return solve(problem)


def _certified(objects: list[Object], offers: list[Candidate], *, check: bool) -> Object:
    """The same with the replay of kube-scheduler: what it takes, and what the plan then costs."""
    snapshot = made.inputs_of(objects).snapshot
    started = time.perf_counter()
    solution = solution_of(snapshot, offers, certify=True)
    took = time.perf_counter() - started
    return {
        "certified_seconds": round(took, 4), "certified_nodes": len(solution.opened),
        "certified_cost": sum(one.candidate.hourly for one in solution.opened),
        "certified_unplaced": sum(len(one.pods) for one in solution.unplaced),
        "orders": made.orders_of(solution.certificate),
        **({"certified_faults": faults_of(objects, solution)} if check else {}),
    }  # fmt: skip


def _yardstick(snapshot: Snapshot, offers: list[Candidate]) -> Object:
    started = time.perf_counter()
    result = first_fit(snapshot.pods, offers)
    took = time.perf_counter() - started
    return {
        "yardstick_nodes": len(result.nodes), "yardstick_cost": result.hourly, "yardstick_seconds": round(took, 4),
        "yardstick_unplaced": len(result.unplaced),
    }  # fmt: skip


def _apart(size: int) -> Object:
    """One size in a process of its own, with the options that were given."""
    given = [one for one in sys.argv[1:] if one != "--json"]
    done = subprocess.run(  # noqa: S603 - this very program
        [sys.executable, __file__, *given, "--pods", str(size), "--json"], check=True, stdout=subprocess.PIPE
    )
    told: Object = json.loads(done.stdout)
    return told


# Input


def made_pods(count: int) -> list[Object]:
    """The pods as manifests; what five does not divide is generic."""
    chance = random.Random(made.SEED)  # noqa: S311 - the same pods every time is the point
    fifth = count // 5
    kinds: list[Callable[[random.Random], Object]] = [generic] * (fifth + count % 5)
    for kind in (zone_spread, host_spread, zone_together, host_apart):
        kinds += [kind] * fifth
    return [_pod(f"pod-{number:05}", kind(chance), chance) for number, kind in enumerate(kinds)]


def _pod(name: str, spec: Object, chance: random.Random) -> Object:
    return made.pod(name, chance.choice(CPUS), chance.choice(MEMORIES), **spec)


def generic(chance: random.Random) -> Object:
    """A label, and no rule."""
    return {"labels": _label("my-label", chance)}


def zone_spread(chance: random.Random) -> Object:
    """Evenly over zones, among the pods of a label that need not be its own."""
    return _spread(made.ZONE, chance)


def host_spread(chance: random.Random) -> Object:
    """The same over hosts."""
    return _spread(made.HOST, chance)


def zone_together(chance: random.Random) -> Object:
    """In the zone of the pods of its own label."""
    labels = _label("my-affinity", chance)
    return {"labels": labels, "affinity": made.beside("podAffinity", made.ZONE, labels)}


def host_apart(_chance: random.Random) -> Object:
    """On a host without any other of these."""
    labels = {"app": "nginx"}
    return {"labels": labels, "affinity": made.beside("podAntiAffinity", made.HOST, labels)}


def _spread(key: str, chance: random.Random) -> Object:
    labels, looked_for = _label("my-label", chance), _label("my-label", chance)
    return {"labels": labels, "topologySpreadConstraints": [made.spread(key, looked_for)]}


def _label(key: str, chance: random.Random) -> dict[str, str]:
    return {key: chance.choice(VALUES)}


def candidates() -> list[Candidate]:
    """Every machine type in every zone, under one NodePool."""
    found = [_candidate(number, zone) for number in range(TYPES) for zone in ZONES]
    return sorted(found, key=lambda one: one.key)


def _candidate(number: int, zone: str) -> Candidate:
    """A flavor holds 110 pods in the catalog; here the figures of the node say how many."""
    cpus = number + 1
    memory = 2 * cpus * GIB
    price = 100_000 * cpus + memory // 10_000
    flavor = Flavor(name=f"type-{number:03}", vcpus=cpus, ram_gb=2 * cpus, disk_gb=100, hourly=price)
    capacity = Resources.of({CPU: 1000 * cpus, MEMORY: memory, PODS: 10 * cpus})
    labels = {made.TYPE: flavor.name, made.ZONE: zone, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return Candidate(
        node_pool=NodePool(name="default", node_class="default"), node_class=NodeClass(name="default"), flavor=flavor,
        region=Region("test", ZONES), zone=zone, labels=labels, offered={},
        figures=Figures(
            capacity=capacity, allocatable=capacity.minus(Resources.of({CPU: 100, MEMORY: 10 * MIB})), source="made"
        ),
    )  # fmt: skip


# Output


def faults_of(objects: list[Object], solution: Solution) -> list[str]:
    """What the independent checker has against the solution."""
    named = [(f"node-{number:05}", one) for number, one in enumerate(solution.opened)]
    nodes = [_node(name, one.candidate) for name, one in named]
    return made.faults_of(objects, nodes, [(name, one.pods) for name, one in named])


def _node(name: str, one: Candidate) -> Object:
    given = one.figures.allocatable
    amounts = {"cpu": f"{given.get(CPU)}m", "memory": str(given.get(MEMORY)), "pods": str(given.get(PODS))}
    return made.node(name, one.flavor.name, one.zone, amounts)


def table(told: list[Object]) -> str:
    """The figures as a Markdown table."""
    columns: dict[str, Callable[[Object], object]] = {
        "pods": lambda one: one["pods"], "nodes": lambda one: one["nodes"], "unplaced": lambda one: one["unplaced"],
        "per hour": lambda one: made.euros(one["cost"]), "lower bound": lambda one: made.euros(one["lower_bound"]),
        "time": lambda one: f"{one['seconds']:.3f} s", "pods a second": lambda one: one["pods_per_second"],
        "peak memory": lambda one: f"{one['peak_rss_bytes'] / 10**6:.0f} MB",
        "Karpenter: pods a second": lambda one: KARPENTER.get(one["pods"], "–"),
        "checked": lambda one: "–" if "faults" not in one else len(one["faults"]) or "✓",
    }  # fmt: skip
    if any("orders" in one for one in told):
        columns |= {
            "certified: nodes": lambda one: one["certified_nodes"],
            "certified: per hour": lambda one: made.euros(one["certified_cost"]),
            "certified: time": lambda one: f"{one['certified_seconds']:.2f} s",
            "orders": lambda one: made.orders_text(one["orders"]),
        }
    if any("yardstick_nodes" in one for one in told):
        columns |= {
            "yardstick: nodes": lambda one: one["yardstick_nodes"],
            "yardstick: per hour": lambda one: made.euros(one["yardstick_cost"]),
            "yardstick: time": lambda one: f"{one['yardstick_seconds']:.1f} s",
        }
    rows = [[cell(one) for cell in columns.values()] for one in told]
    return f"{made.machine_line()}\n\n{made.table(list(columns), rows)}"


if __name__ == "__main__":
    main()
