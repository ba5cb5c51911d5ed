"""What plans cost on made workload mixes, beside the proven bound and the yardstick.

``python benchmarks/mixes.py [--pods 200,1000,5000] [--mixes web,memory,…] [--json] [--no-check] [--no-yardstick]``

Each mix is made of Deployments of 5 to 60 replicas from a fixed seed, on the bundled catalog's b3, c3 and r3 flavors in
a region of three zones, beside one full node and two daemon sets. In four mixes only resources bind; in ``zones``,
``hosts`` and ``everything`` pods also have rules. Money is euros per hour of the nodes that are new.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from benchmarks import made
from benchmarks.yardstick import Result, first_fit
from gitops.catalogs.bundle import bundled
from planner.candidates import candidates
from planner.decide import Inputs, decide
from renderer.nodes import node_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.made import Object
    from planner.plan import Plan

SIZES = (200, 1000, 5000)
FAMILIES = ("b3", "c3", "r3")
FEWEST, MOST = 5, 60  # replicas of a Deployment
FEW = 20  # replicas of one whose pods each want a host of their own


@dataclass(frozen=True, kw_only=True)
class Priced:
    """What nodes for one mix cost. Money is micro-units per hour.

    Seconds are of the processor, which other programs on the machine do not prolong.
    """

    mix: str
    pods: int
    hourly: int
    bound: int
    nodes: int
    seconds: float
    faults: tuple[str, ...] | None

    @property
    def gap(self) -> float:
        """By how much this may lie above the optimum, as a share of the bound."""
        return (self.hourly - self.bound) / self.bound if self.bound else 0.0


@dataclass(frozen=True, kw_only=True)
class Measured(Priced):
    """One mix's figures by a plan; ``orders`` are arrival orders (survived, replayed)."""

    pools: int
    unplaced: int
    orders: tuple[int, int] | None
    premium: int
    yardstick: int
    yardstick_nodes: int
    yardstick_unplaced: int
    yardstick_seconds: float

    @property
    def by_hand(self) -> float:
        """The same of the cheapest nodes found on which the pods fit if each is put by hand."""
        return (self.hourly - self.premium - self.bound) / self.bound if self.bound else 0.0

    @property
    def saving(self) -> float:
        """What the plan saves, as a share of the yardstick."""
        return (self.yardstick - self.hourly) / self.yardstick if self.yardstick else 0.0


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--pods", default=",".join(map(str, SIZES)), help="sizes, with commas")
    parser.add_argument("--mixes", default=",".join(MIXES), help="names, with commas")
    parser.add_argument("--no-yardstick", action="store_true", help="leave the yardstick out")
    chosen = parser.parse_args()
    told = []
    for size, name in itertools.product(chosen.pods.split(","), chosen.mixes.split(",")):
        told.append(measure(name, int(size), check=not chosen.no_check, yardstick=not chosen.no_yardstick))
        print(f"{name} {size}: {told[-1].seconds} s", file=sys.stderr)
    print(json.dumps(report(told), indent=2) if chosen.json else table(told))


def measure(mix: str, count: int, *, check: bool = True, yardstick: bool = True) -> Measured:
    """One plan, judged, beside the yardstick's packing of the same pods."""
    objects = made_mix(mix, count)
    inputs = made.inputs_of(objects)
    started = time.process_time()
    plan = decide(inputs, now=made.NOW)
    took = time.process_time() - started
    started = time.process_time()
    other = packed(inputs) if yardstick else Result((), ())
    ordered = [one for one in plan.placements if one.expected]
    return Measured(
        mix=mix, pods=count, hourly=plan.cost.after.hourly, bound=plan.cost.lower_bound_hourly, nodes=len(ordered),
        pools=len(list(plan.desired)), seconds=round(took, 3), unplaced=sum(len(one.pods) for one in plan.unplaced),
        orders=made.orders_of(getattr(plan, "certificate", None)),
        premium=plan.certificate.premium if plan.certificate else 0, yardstick=other.hourly,
        yardstick_nodes=len(other.nodes), yardstick_unplaced=len(other.unplaced),
        yardstick_seconds=round(time.process_time() - started, 3),
        faults=faults_of(objects, plan) if check else None,
    )  # fmt: skip


def packed(inputs: Inputs) -> Result:
    """The same pods by the yardstick, on the same candidates."""
    region = bundled().region(made.REGION)
    assert region is not None
    snapshot = inputs.snapshot
    offers = candidates(inputs.policy, inputs.catalog, region, nodes=snapshot.nodes, daemonsets=snapshot.daemonsets)
    return first_fit(snapshot.pods, offers)


def faults_of(objects: list[Object], plan: Plan) -> tuple[str, ...]:
    """What the independent checker has against the plan, and pods it says nothing of."""
    new = cast("list[Object]", node_list(plan)["items"])
    faults = made.faults_of(objects, new, [(one.name, one.pods) for one in plan.placements])
    told = {name for one in plan.placements for name in one.pods} | {name for one in plan.unplaced for name in one.pods}
    pods = [one for one in objects if one["kind"] == "Pod" and "nodeName" not in one["spec"]]
    waiting = [f"default/{one['metadata']['name']}" for one in pods]
    return (*faults, *(f"{name} is neither placed nor unplaced" for name in waiting if name not in told))


# Mixes: each draws one Deployment's size (millicores, MiB) and what its pods' specs say besides


def web(chance: random.Random) -> tuple[int, int, Object]:
    """Small servers: about 2 GiB a CPU."""
    cpus, memories = (50, 100, 150, 200, 250, 300, 500, 750, 1000), (128, 192, 256, 384, 512, 1024, 1536)
    return chance.choice(cpus), chance.choice(memories), {}


def memory(chance: random.Random) -> tuple[int, int, Object]:
    """Caches and databases: far more than 8 GiB a CPU."""
    return chance.choice((100, 200, 250, 500, 1000)), chance.choice((2048, 3072, 4096, 6144, 8192, 12288, 16384)), {}


def cpu(chance: random.Random) -> tuple[int, int, Object]:
    """Encoders and builds: about 1 GiB a CPU."""
    return chance.choice((500, 750, 1000, 1500, 2000, 3000, 4000)), chance.choice((256, 512, 768, 1024, 1536, 2048)), {}


def odd(chance: random.Random) -> tuple[int, int, Object]:
    """Sizes that divide nothing."""
    return chance.randint(37, 3300), chance.randint(61, 9000), {}


def zones(chance: random.Random) -> tuple[int, int, Object]:
    """Half are spread over zones, others are bound to a zone, or to two, or together in one."""
    kind = chance.choice(("spread", "spread", "spread", "one", "two", "together"))
    return *_any_size(chance), {"rules": (kind,), "zone": chance.choice(made.ZONES)}


def hosts(chance: random.Random) -> tuple[int, int, Object]:
    """Half are spread over hosts, a third wants hosts of their own."""
    return *_any_size(chance), {"rules": (chance.choice(("even", "even 3", "even 5", "apart", "apart", "none")),)}


def everything(chance: random.Random) -> tuple[int, int, Object]:
    """All sizes, and all rules, some of them together."""
    rules = chance.choice(
        (("none",), ("none",), ("none",), ("spread",), ("spread", "even 3"), ("spread", "apart"), ("one",), ("two",),
         ("together",), ("even",), ("even 5",), ("apart",), ("one", "apart"))
    )  # fmt: skip
    return *_any_size(chance), {"rules": rules, "zone": chance.choice(made.ZONES)}


def _any_size(chance: random.Random) -> tuple[int, int]:
    size = chance.choice((web, web, memory, cpu, odd))(chance)
    return size[:2]


MIXES: dict[str, Callable[[random.Random], tuple[int, int, Object]]] = {
    "web": web, "memory": memory, "cpu": cpu, "odd": odd, "zones": zones, "hosts": hosts, "everything": everything,
}  # fmt: skip


def made_mix(mix: str, count: int) -> list[Object]:
    """A cluster with one full node, two daemon sets, and ``count`` pods of a mix that wait."""
    chance = random.Random(f"{made.SEED} {mix}")  # noqa: S311 - the same pods every time is the point
    objects = [
        *made.policy(made.flavors(*FAMILIES)), made.full_node(), made.daemon_set("network", "50m", "64Mi"),
        made.daemon_set("logs", "100m", "192Mi"),
    ]  # fmt: skip
    left, number = count, 0
    while left:
        size = MIXES[mix](chance)
        most = FEW if "apart" in size[2].get("rules", ()) else MOST
        replicas = min(left, chance.randint(FEWEST, most))
        objects += deployment(f"{mix}-{number:03}", replicas, size)
        left, number = left - replicas, number + 1
    return objects


def deployment(name: str, replicas: int, size: tuple[int, int, Object]) -> list[Object]:
    """The pods of one Deployment, as its ReplicaSet makes them."""
    millicores, mebibytes, rules = size
    labels = {"app": name, "pod-template-hash": "5d8c7f9b6"}
    spec = spec_of(rules, {"app": name})
    return [
        made.pod(f"{name}-5d8c7f9b6-{one:03}", millicores, mebibytes, labels=labels, owner=f"{name}-5d8c7f9b6", **spec)
        for one in range(replicas)
    ]


def spec_of(asked: Object, own: dict[str, str]) -> Object:
    """The part of a pod's spec that says where it may run."""
    rules, zone = asked.get("rules", ()), asked.get("zone", "")
    spreads = [made.spread(made.ZONE, own)] if "spread" in rules else []
    for rule in rules:
        word, _, skew = rule.partition(" ")
        spreads += [made.spread(made.HOST, own, int(skew or 1))] if word == "even" else []
    affinity = made.beside("podAntiAffinity", made.HOST, own) if "apart" in rules else {}
    affinity |= made.beside("podAffinity", made.ZONE, own) if "together" in rules else {}
    if "two" in rules:
        others = [one for one in made.ZONES if one != zone]
        terms = [{"matchExpressions": [{"key": made.ZONE, "operator": "In", "values": others}]}]
        affinity["nodeAffinity"] = {made.REQUIRED: {"nodeSelectorTerms": terms}}
    return {
        **({"nodeSelector": {made.ZONE: zone}} if "one" in rules else {}),
        **({"affinity": affinity} if affinity else {}),
        **({"topologySpreadConstraints": spreads} if spreads else {}),
    }  # fmt: skip


# Output


def report(told: list[Measured]) -> Object:
    """The figures with what they were measured on, and all mixes together."""
    shares = ("gap", "by_hand", "saving")
    rows = [{**asdict(one), **{name: round(getattr(one, name), 4) for name in shares}} for one in told]
    hourly, other = sum(one.hourly for one in told), sum(one.yardstick for one in told)
    total = {"hourly": hourly, "yardstick": other, "saving": round((other - hourly) / other, 4) if other else None}
    return {**made.machine(), "results": rows, "total": total}


def table(told: list[Measured]) -> str:
    """The figures as a Markdown table, the last row with all mixes together."""
    columns = ("mix", "pods", "€ per hour", "lower bound", "gap", "by hand", "nodes", "pools", "CPU time", "unplaced",
               "orders", "yardstick", "its nodes", "saving", "checked")  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (one.mix, one.pods, made.euros(one.hourly), made.euros(one.bound), made.percent(one.gap, 1),
         made.percent(one.by_hand, 1), one.nodes, one.pools, f"{one.seconds:.2f} s", one.unplaced,
         made.orders_text(one.orders), made.euros(one.yardstick), one.yardstick_nodes, made.percent(one.saving, 1),
         "–" if one.faults is None else len(one.faults) or "✓")
        for one in told
    ]  # fmt: skip
    hourly, other, bound = (sum(getattr(one, name) for one in told) for name in ("hourly", "yardstick", "bound"))
    rows.append(
        ("all", sum(one.pods for one in told), made.euros(hourly), made.euros(bound),
         made.percent(hourly - bound, bound), "", sum(one.nodes for one in told), "",
         f"{sum(one.seconds for one in told):.2f} s", sum(one.unplaced for one in told), "", made.euros(other),
         sum(one.yardstick_nodes for one in told), made.percent(other - hourly, other), "")
    )  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


if __name__ == "__main__":
    main()
