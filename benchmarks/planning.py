"""Times the planner alone on made clusters of growing size: seconds, peak memory, and what the plan costs.

``python benchmarks/planning.py [--json] [--pods 100,1000,5000] [--runs N]``

The clusters are the same on every run: pods of many workloads with sizes drawn from a fixed seed, a fifth each with a
zone spread, a host anti-affinity, a zone selector, and two fifths with nothing of the kind.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
import tracemalloc
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from gitops.catalogs.bundle import bundled
from planner import labels as known
from planner.decide import Inputs, decide
from planner.nodes import Node
from planner.pods import AffinityTerm, Needs, Owner, Pod, Scheduling, Spread
from planner.policy import NodeClass, NodePool, Policy
from planner.pools import PoolSet
from planner.quantity import format_money
from planner.requirements import Requirement, Requirements
from planner.resources import CPU, MEMORY, PODS, Resources
from planner.snapshot import Snapshot

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
SEED = 42
GIB = 2**30
REGION = "EU-WEST-PAR"
FLAVORS = {
    "4 flavors": ("b3-8", "b3-16", "b3-32", "b3-64"),
    "all b3, c3, r3": tuple(
        flavor.name for flavor in bundled().flavors if flavor.name[:3] in ("b3-", "c3-", "r3-")
    ),
}  # fmt: skip
PODS_PER_GROUP = 20


@dataclass(frozen=True)
class Measured:
    """One cluster's figures; ``bound`` is the proven least cost per hour."""

    pods: int
    groups: int
    flavors: int
    seconds: float
    megabytes: float
    nodes: int
    unplaced: int
    hourly: str
    bound: str


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pods", default="100,400,1000,4000")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.pods.split(",")]
    measured = [measure(size, flavors, runs=chosen.runs) for flavors in FLAVORS.values() for size in sizes]
    print(json.dumps([asdict(one) for one in measured], indent=2) if chosen.json else table(measured))


def measure(pods: int, flavors: tuple[str, ...], *, runs: int) -> Measured:
    """The median time of ``runs`` plans, and the memory of one more, which tracing slows."""
    inputs = made(pods, flavors)
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        plan = decide(inputs, now=NOW)
        seconds.append(time.perf_counter() - started)
    tracemalloc.start()
    decide(inputs, now=NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Measured(
        pods=pods, groups=-(-pods // PODS_PER_GROUP), flavors=len(flavors),
        seconds=round(statistics.median(seconds), 3), megabytes=round(peak / 10**6, 1),
        nodes=sum(pool.desired for pool in plan.desired), unplaced=sum(len(one.pods) for one in plan.unplaced),
        hourly=format_money(plan.cost.after.hourly), bound=format_money(plan.cost.lower_bound_hourly),
    )  # fmt: skip


def made(count: int, flavors: tuple[str, ...]) -> Inputs:
    """A cluster with one full node and ``count`` pods that wait."""
    chance = random.Random(SEED)  # noqa: S311 - the same cluster every time is the point
    groups = [_needs(number, chance) for number in range(-(-count // PODS_PER_GROUP))]
    pods = [_pod(number, groups[number // PODS_PER_GROUP], number // PODS_PER_GROUP) for number in range(count)]
    allowed = Requirement(known.INSTANCE_TYPE, frozenset(flavors))
    return Inputs(
        snapshot=Snapshot(nodes=(_full_node(),), pods=tuple(sorted(pods, key=lambda pod: pod.name))),
        policy=Policy(
            (NodePool(name="default", node_class="default", requirements=(allowed,)),),
            (NodeClass(name="default", region=REGION),),
        ),
        catalog=bundled(), declared=PoolSet(), region=REGION,
    )  # fmt: skip


def _needs(group: int, chance: random.Random) -> Needs:
    cpu, memory = chance.choice((100, 250, 500, 1000, 1500)), chance.choice((128, 256, 512, 1024, 4096))
    selector = Requirements.from_labels({"app": f"app-{group}"})
    zone = chance.choice(bundled_zones())
    kind = group % 5
    return Needs(
        requests=Resources.of({CPU: cpu, MEMORY: memory * GIB // 1024, PODS: 1}),
        spreads=(Spread(topology_key=known.ZONE, selector=selector),) if kind == 0 else (),
        anti_affinity=(AffinityTerm(topology_key=known.HOSTNAME, selector=selector),) if kind == 1 else (),
        alternatives=(Requirements.from_labels({known.ZONE: zone} if kind == 2 else {}),),
    )


def _pod(number: int, needs: Needs, group: int) -> Pod:
    return Pod(
        namespace="default", name=f"app-{group}-{number:06}", labels=(("app", f"app-{group}"),),
        owner=Owner("Deployment", "default", f"app-{group}"), needs=needs, scheduling=Scheduling.UNSCHEDULABLE,
    )  # fmt: skip


def _full_node() -> Node:
    return Node(name="full", labels=((known.REGION, REGION), (known.ZONE, f"{REGION.lower()}-a")))




def bundled_zones() -> tuple[str, ...]:
    """The zones of the region, from the bundled catalog."""
    region = bundled().region(REGION)
    assert region is not None
    return region.zones


def table(measured: list[Measured]) -> str:
    """The figures as a Markdown table."""
    rows = [
        f"| {one.pods} | {one.groups} | {one.flavors} | {one.seconds:.2f} s | {one.megabytes:.0f} MB | {one.nodes} | "
        f"{one.unplaced} | {one.hourly} € | {one.bound} € |"
        for one in measured
    ]
    head = "| pods | groups | flavors | time | peak memory | nodes | unplaced | per hour | lower bound |"
    return "\n".join([head, "|---|---|---|---|---|---|---|---|---|", *rows])


if __name__ == "__main__":
    main()
