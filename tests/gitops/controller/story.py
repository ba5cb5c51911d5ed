"""A cluster with a bit of everything as a controller sees it after a pass: written down whole, nothing is planned here."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from gitops.apply.journal import Entry
from gitops.apply.shortages import Lack, Shortage
from gitops.apply.steps import Act
from gitops.apply.steps import Step as ApplyStep
from gitops.clock import SystemClock
from gitops.controller.view import Applying, View
from gitops.fleet import Fleet
from gitops.gather import Surroundings
from gitops.loop.acting import Done
from gitops.loop.ledger import Ledger
from gitops.loop.proposing import Proposed
from gitops.loop.records import Event, Figures, Record, figures_of
from gitops.loop.steps import Step
from gitops.rounds import Planned
from planner import labels as known
from planner.catalog import Catalog
from planner.decide import Inputs
from planner.nodes import Node
from planner.plan import (
    Action,
    Change,
    Cost,
    ExpectedNode,
    Pending,
    PlacedNode,
    Plan,
    Price,
    Reason,
    Refusal,
    Unplaced,
)
from planner.pods import Needs, Owner, Phase, Pod
from planner.policy import Policy
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.portion import Kind, portions
from planner.resources import Resources
from planner.snapshot import DaemonSet, PodTemplate, Snapshot
from renderer.files import FileSet
from tests.gitops.plans import plan_of

NOW = datetime(2026, 3, 1, 12, 4, 30, tzinfo=UTC)
A, B, NEW, C, FOREIGN = (
    "karpenter-b3-8-eu-west-par-a", "karpenter-b3-16-eu-west-par-b", "karpenter-r3-64-eu-west-par-a",
    "karpenter-c3-16-eu-west-par-c", "baseline",
)  # fmt: skip
SIZES = {
    "b3-8": (1840, 6100), "b3-16": (3830, 13700), "c3-16": (7810, 13200), "r3-64": (7810, 58000), "b3-32": (7810, 28900)
}  # fmt: skip
FORGE = "https://git.example.org/team/fleet/pulls"


def given(flavor: str) -> Resources:
    cpu, memory = SIZES[flavor]
    return Resources.of({"cpu": cpu, "memory": memory * 10**6, "pods": 110})


def node(pool: str, name: str, flavor: str, zone: str, **more: Any) -> Node:
    labels = {known.OVH_POOL: pool, known.INSTANCE_TYPE: flavor, known.ZONE: f"eu-west-par-{zone}"}
    kept = tuple(sorted((key, value) for key, value in labels.items() if value))
    return Node(name=name, labels=kept, capacity=given(flavor), allocatable=given(flavor), **more)


class Pods:
    """Pods, each with a name of its own."""

    def __init__(self) -> None:
        self.made: list[Pod] = []
        self._numbers = count(1)

    def put(self, number: int, owner: str, cpu: int, memory: int, *, on: str = "") -> tuple[str, ...]:
        """So many pods of ``namespace/name`` with these requests (millicores, MiB); their keys."""
        namespace, _, name = owner.partition("/")
        made = [self._pod(namespace, name, cpu, memory, on) for _ in range(number)]
        self.made += made
        return tuple(one.key for one in made)

    def agents(self, nodes: tuple[Node, ...]) -> None:
        for each in nodes:
            one = self._pod("kube-system", "node-agent", 100, 128, each.name)
            self.made.append(Pod(
                namespace=one.namespace, name=one.name, owner=Owner("DaemonSet", one.namespace, "node-agent"),
                controller=("DaemonSet", "node-agent"), needs=one.needs, node_name=each.name, phase=Phase.RUNNING,
            ))  # fmt: skip

    def _pod(self, namespace: str, name: str, cpu: int, memory: int, on: str) -> Pod:
        requests = Resources.of({"cpu": cpu, "memory": memory * 2**20, "pods": 1})
        return Pod(
            namespace=namespace, name=f"{name}-{next(self._numbers):04}", owner=Owner("Deployment", namespace, name),
            needs=Needs(requests=requests), node_name=on, phase=Phase.RUNNING if on else Phase.PENDING,
        )  # fmt: skip


def nodes() -> tuple[Node, ...]:
    found = [node(A, f"{A}-node-00{number}a1f", "b3-8", "a") for number in (1, 2, 3)]
    found += [node(B, f"{B}-node-00{number}b2e", "b3-16", "b") for number in (1, 2)]
    found += [node(C, f"{C}-node-00{number}c3d", "c3-16", "c") for number in (1, 2)]
    found += [node(FOREIGN, f"baseline-node-{number}", "b3-32", "a") for number in (1, 2, 3, 4)]
    found += [node("", "edge-box-1", "b3-8", "a", unschedulable=True, ready=False)]
    return tuple(sorted(found, key=lambda one: one.name))


def pools() -> tuple[PoolSet, PoolSet]:
    """As Git declares them, and as the provider has them: one node of a pool is still to come."""
    declared = (pool(A, "b3-8", "a", 3), pool(B, "b3-16", "b", 3), pool(C, "c3-16", "c", 2))
    there = (*declared, pool(FOREIGN, "b3-32", "a", 4, labels=()))
    observed = (one if one.name != C else pool(C, "c3-16", "c", 2, maximum=20) for one in there)
    return PoolSet.of(declared), PoolSet.of(observed)


def pool(name: str, flavor: str, zone: str, desired: int, **more: Any) -> Pool:
    fields = {"labels": ((known.NODEPOOL, "default"),), **more}
    state = ProviderState(id=f"id-{name}", current_nodes=desired, available_nodes=desired)
    return Pool(
        name=PoolName(name), flavor=flavor, zones=(f"eu-west-par-{zone}",), desired=desired, state=state, **fields
    )  # fmt: skip


def view(**more: Any) -> View:
    """The view after a pass that left two proposals standing."""
    snapshot, plan = _planned()
    declared, observed = pools()
    inputs = Inputs(
        snapshot=snapshot, policy=Policy(), catalog=Catalog(currency="EUR", source="a price list", regions=(), flavors=()), declared=declared, observed=observed,
    )  # fmt: skip
    around = Surroundings(environment={}, clock=SystemClock(), remark=lambda _: None)
    fleet = Fleet(repository=None, settings=None, main="0" * 40, files=FileSet(), policy=None, declared=declared)  # type: ignore[arg-type]
    planned = Planned(around=around, inputs=inputs, plan=plan, fleet=fleet, trees=None)  # type: ignore[arg-type]
    ledger = Ledger(head="0" * 40, records=_records(plan))  # type: ignore[arg-type]
    entry = Entry(
        at="2026-03-01T12:03:10Z", digest=plan.digest, step=ApplyStep(Act.WAIT, pools=(B,)), state="begun"
    )  # fmt: skip
    proposed = Proposed(done=_done(plan), ledger=ledger)
    fields = {
        "at": NOW, "succeeded": NOW, "leads": True, "passes": 4, "planned": planned, "proposed": proposed,
        "applying": Applying(at=NOW, entry=entry), **more,
    }  # fmt: skip
    return View(cluster="paris", **fields)


def _planned() -> tuple[Snapshot, Plan]:
    there, pods = nodes(), Pods()
    pods.agents(there)
    for number in (1, 2, 3):
        pods.put(3, "shop/api", 450, 1200, on=f"{A}-node-00{number}a1f")
        pods.put(1, "shop/cart", 200, 900, on=f"{A}-node-00{number}a1f")
    for number in (1, 2):
        pods.put(2, "data/indexer", 900, 3000, on=f"{B}-node-00{number}b2e")
        pods.put(4, "shop/cart", 200, 900, on=f"{B}-node-00{number}b2e")
    pods.put(5, "media/encoder", 1300, 1100, on=f"{C}-node-001c3d")
    pods.put(1, "media/encoder", 1300, 1100, on=f"{C}-node-002c3d")
    for number in (1, 2, 3, 4):
        pods.put(3, "platform/ingress", 700, 1500, on=f"baseline-node-{number}")
        pods.put(6, "platform/metrics", 500, 2600, on=f"baseline-node-{number}")
    first, second = pods.put(3, "shop/api", 450, 1200), pods.put(3, "shop/api", 450, 1200)
    large, soon = pods.put(2, "data/warehouse", 3000, 24000), pods.put(2, "data/indexer", 900, 3000)
    fits, gpu = pods.put(1, "shop/cart", 200, 900), pods.put(2, "ml/trainer", 4000, 16000)
    made = tuple(sorted(pods.made, key=lambda one: one.key))
    agent = PodTemplate(needs=Needs(requests=Resources.parse({"cpu": "100m", "memory": "128Mi", "pods": "1"})))
    daemons = (DaemonSet(namespace="kube-system", name="node-agent", template=agent),)
    placements = (
        _new(A, "b3-8", 1, first), _new(A, "b3-8", 2, second), _new(NEW, "r3-64", 1, large), _new(B, "b3-16", 1, soon),
        PlacedNode(name=f"{B}-node-001b2e", pool=B, pods=fits),
    )  # fmt: skip
    return Snapshot(nodes=there, pods=made, daemonsets=daemons), _plan(placements, gpu)


def _new(pool_name: str, flavor: str, number: int, pods: tuple[str, ...]) -> PlacedNode:
    expected = ExpectedNode(labels=((known.OVH_POOL, pool_name),), capacity=given(flavor), allocatable=given(flavor))
    return PlacedNode(name=f"{pool_name}-node-{number:06x}", pool=pool_name, pods=pods, expected=expected)


def _plan(placements: tuple[PlacedNode, ...], gpu: tuple[str, ...]) -> Plan:
    declared, _ = pools()
    b3, c3 = declared.pools[1], declared.pools[2]
    a = declared.get(A)
    assert a is not None
    changes = (
        Change(pool=PoolName(A), action=Action.UPDATE, before=a, after=a.resized(5),
               pods=((Owner("Deployment", "shop", "api"), 6),), cost_before=Price(153_600, 112_128_000),
               cost_after=Price(256_000, 186_880_000)),
        Change(pool=PoolName(C), action=Action.UPDATE, before=c3, after=c3.resized(1), drains=True,
               victims=(f"{C}-node-002c3d",), reasons=(Reason("room", "its pods fit on other nodes"),),
               cost_before=Price(386_600, 282_218_000), cost_after=Price(193_300, 141_109_000)),
        Change(pool=PoolName(NEW), action=Action.CREATE, after=pool(NEW, "r3-64", "a", 1),
               pods=((Owner("Deployment", "data", "warehouse"), 2),), cost_after=Price(421_600, 307_768_000)),
    )  # fmt: skip
    desired = PoolSet.of((a.resized(5), b3, c3.resized(1), pool(NEW, "r3-64", "a", 1)))
    refusals = (Refusal(node_pool="default", filter="flavor", detail="no flavor that it allows has nvidia.com/gpu: 1"),)
    evidence = plan_of().evidence
    return Plan(
        declared=declared, desired=desired, changes=changes, placements=placements, evidence=evidence,
        unplaced=(Unplaced(pods=gpu, owner=Owner("Deployment", "ml", "trainer"), reasons=refusals),),
        cost=Cost(currency="EUR", before=Price(1_060_200, 773_946_000), after=Price(1_390_900, 1_015_357_000)),
        pending=Pending(pods=13, since="2026-03-01T11:58:02Z", newest="2026-03-01T12:03:59Z"),
    )  # fmt: skip


def _done(plan: Plan) -> tuple[Done, ...]:
    whole = dict(portions(plan))
    up = Done(kind="up", step=Step.AWAIT, reason="waits for one approval of team-platform", branch="poolplan/paris/up",
              commit="1" * 40, url=f"{FORGE}/12", plan=whole[Kind.UP])  # fmt: skip
    down = Done(kind="down", step=Step.AWAIT, reason="", branch="poolplan/paris/down", commit="2" * 40,
                url=f"{FORGE}/13", plan=whole[Kind.DOWN])  # fmt: skip
    return (up, down, Done(kind="policy", step=Step.REST, reason="nothing to do"))


def _records(plan: Plan) -> tuple[Record, ...]:
    """Four weeks: what was applied, declined and failed, and what stands now."""
    told = (
        (Event.OPENED, "2026-02-02T09:12:00Z", "up", 3, 2, 0, 102_400), (Event.APPLIED, "2026-02-02T09:31:00Z", "up", 3, 2, 0, 102_400),
        (Event.OPENED, "2026-02-09T14:05:00Z", "up", 5, 3, 0, 579_900), (Event.APPLIED, "2026-02-09T15:40:00Z", "up", 5, 3, 0, 579_900),
        (Event.OPENED, "2026-02-14T18:00:00Z", "down", 6, 0, 2, -204_600), (Event.APPLIED, "2026-02-15T08:20:00Z", "down", 6, 0, 2, -204_600),
        (Event.OPENED, "2026-02-20T07:30:00Z", "up", 8, 4, 0, 409_200), (Event.DECLINED, "2026-02-20T08:10:00Z", "up", 8, 4, 0, 409_200),
        (Event.OPENED, "2026-02-24T10:00:00Z", "up", 9, 1, 0, 193_300), (Event.APPLIED, "2026-02-24T10:22:00Z", "up", 9, 1, 0, 193_300),
        (Event.OPENED, "2026-02-28T16:45:00Z", "up", 11, 1, 0, 102_300), (Event.FAILED, "2026-03-01T11:50:00Z", "up", 11, 1, 0, 102_300),
    )  # fmt: skip
    records = [_record(place, *one) for place, one in enumerate(told, 1)]
    standing = [
        Record(number=len(records) + place, event=Event.OPENED, at="2026-03-01T11:59:20Z", kind=kind.value,
               digest=portion.digest, request=11 + place, figures=figures_of(portion))
        for place, (kind, portion) in enumerate(portions(plan), 1)
    ]  # fmt: skip
    return (*records, *standing)


def _record(number: int, event: Event, at: str, kind: str, request: int, *done: int) -> Record:
    added, removed, hourly = done
    figures = Figures(
        added=added, removed=removed, hourly=hourly, monthly=730 * hourly, currency="EUR",
        demand=(("Deployment shop/api", 3 * added),) if added else (), pending=3 * added,
    )  # fmt: skip
    lacking = Shortage(
        pool=B, lack=Lack.OUT_OF_STOCK.value, flavor="b3-16", zone="eu-west-par-b", what="the API says 412: no stock",
        until="2026-03-01T12:20:00Z",
    )  # fmt: skip
    return Record(
        number=number, event=event, at=at, kind=kind, digest=f"sha256:{request:064x}", commit=f"{request:040x}",
        request=request, figures=figures, by=("maria",) if event is not Event.OPENED else (),
        merged=at if event is Event.APPLIED else "", shortages=(lacking,) if event is Event.FAILED else (),
        reason={Event.FAILED: "b3-16 is out of stock in eu-west-par-b", Event.DECLINED: "too dear"}.get(event, ""),
    )  # fmt: skip
