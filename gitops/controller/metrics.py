"""What a controller tells Prometheus: worked out of the last views when it is asked, so nothing is counted twice.

Of plans, proposals and applies only the one that leads speaks: what another one knew once would be told for ever.

Names follow Prometheus' own advice: a prefix, a unit, ``_total`` for what only grows.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from gitops.controller.differing import differences_of
from gitops.controller.pods import Stands, pods_of
from gitops.loop.ledger import time_of
from gitops.loop.records import Event
from planner.drift import DriftKind
from planner.guardrails import nodes_added, nodes_removed
from planner.portion import Kind
from renderer.gap import gap_tenths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gitops.controller.view import View
    from gitops.loop.ledger import Ledger
    from gitops.tally import Tally
    from planner.plan import Plan
    from planner.pods import Pod

MICRO = 1_000_000
CLUSTER = ["cluster"]


def exposition(views: Sequence[View], tally: Tally, now: datetime) -> bytes:
    """All metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(lambda: metrics(views, tally, now)))
    return generate_latest(registry)


class _Collector:
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        yield from self._collect()


def metrics(views: Sequence[View], tally: Tally, now: datetime) -> Iterator[Metric]:
    """Every metric, in a fixed order."""
    yield from _passes(views, now)
    yield from _pods(views, now)
    yield from _plans(views)
    yield from _pools(views)
    yield from _records(views)
    calls = CounterMetricFamily(
        "poolplan_api_calls", "Calls to the OVH API, to forges and to Kubernetes, by outcome.",
        labels=["service", "method", "code"],
    )
    for key, number in tally.counts().items():
        calls.add_metric(key, number)
    yield calls


def _gauge(name: str, help_: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"poolplan_{name}", help_, labels=[*CLUSTER, *labels])


def _passes(views: Sequence[View], now: datetime) -> Iterator[Metric]:
    leader = _gauge("leader", "1 where this process acts.")
    ended = CounterMetricFamily("poolplan_passes", "Passes since the start, by outcome.", labels=[*CLUSTER, "outcome"])
    age = _gauge("last_successful_pass_age_seconds", "Since the last pass that ended well; absent before the first.")
    at = _gauge("last_successful_pass_timestamp_seconds", "When that was.")
    took = _gauge("pass_seconds", "How long the last pass took, by part; plan is the solver's.", ["part"])
    synced = _gauge("cluster_synced", "1 where a kind of object is followed.", ["kind"])
    silent = _gauge("cluster_silence_seconds", "Since the API server last spoke of a kind.", ["kind"])
    failing = _gauge("apply_failing", "1 while what main asks for cannot be applied.")
    applied = _gauge("last_applied_timestamp_seconds", "When everything was last found or left in effect.")
    for view in views:
        name = [view.cluster]
        leader.add_metric(name, float(view.leads))
        ended.add_metric([*name, "done"], view.passes)
        ended.add_metric([*name, "failed"], view.failures)
        if view.succeeded is not None:
            age.add_metric(name, max(0.0, (now - view.succeeded).total_seconds()))
            at.add_metric(name, view.succeeded.timestamp())
        for part, seconds in view.seconds.items():
            took.add_metric([*name, part], seconds)
        for one in view.health:
            synced.add_metric([*name, one.kind], float(one.synced))
            if one.age is not None:
                silent.add_metric([*name, one.kind], one.age)
        if view.applying is not None and view.leads:
            failing.add_metric(name, float(bool(view.applying.problem)))
            if view.applying.succeeded is not None:
                applied.add_metric(name, view.applying.succeeded.timestamp())
    yield from (leader, ended, age, at, took, synced, silent, failing, applied)


def _pods(views: Sequence[View], now: datetime) -> Iterator[Metric]:
    waiting = _gauge("pending_pods", "Pods that wait for a node, by how far they are.", ["state"])
    oldest = _gauge("pending_pods_oldest_seconds", "How long the oldest of each of them has waited.", ["state"])
    for view in views:
        if view.planned is None or not view.leads:
            continue
        found = {key: told.stands for key, told in pods_of(view).items()}
        number, age = Counter(found.values()), _ages(found, view.planned.inputs.snapshot.pods, now)
        for stands in Stands:
            waiting.add_metric([view.cluster, stands.value], number[stands])
            oldest.add_metric([view.cluster, stands.value], age.get(stands, 0.0))
    yield from (waiting, oldest)


def _ages(found: Mapping[str, Stands], pods: Iterable[Pod], now: datetime) -> dict[Stands, float]:
    """Seconds that the oldest pod of each state has waited; those that nobody has made yet wait since no time."""
    ages: dict[Stands, float] = {}
    for pod in pods:
        stands, since = found.get(pod.key), pod.waiting_since
        if stands is not None and since is not None:
            ages[stands] = max(ages.get(stands, 0.0), (now - since).total_seconds())
    return ages


def _plans(views: Sequence[View]) -> Iterator[Metric]:
    nodes = _gauge("plan_nodes", "Nodes that the last plan would add or remove.", ["change"])
    pools = _gauge("plan_pools", "Pools that the last plan would change, by action.", ["action"])
    cost = _gauge("cost_hourly", "What all pools cost an hour, declared and as planned.", ["when", "currency"])
    bound = _gauge("cost_hourly_lower_bound", "What no choice of new nodes costs less than.", ["currency"])
    gap = _gauge("plan_gap_ratio", "How much more the ordered nodes cost than is proven to be needed; 0.03 is 3 %.")
    orders = _gauge("plan_orders", "Orders of arrival that the last plan was replayed in, and survived.", ["outcome"])
    for view in views:
        if view.planned is None or not view.leads:
            continue
        _plan(view.cluster, view.planned.plan, nodes=nodes, pools=pools, cost=cost, bound=bound)
        tenths = gap_tenths(view.planned.plan)
        if tenths is not None:
            gap.add_metric([view.cluster], tenths / 1000)
        certificate = view.planned.plan.certificate
        if certificate is not None:
            orders.add_metric([view.cluster, "tried"], certificate.orders)
            orders.add_metric([view.cluster, "survived"], certificate.survived)
    yield from (nodes, pools, cost, bound, gap, orders)


def _plan(cluster: str, plan: Plan, **families: GaugeMetricFamily) -> None:
    families["nodes"].add_metric([cluster, "add"], sum(map(nodes_added, plan.changes)))
    families["nodes"].add_metric([cluster, "remove"], sum(map(nodes_removed, plan.changes)))
    for action, number in sorted(Counter(one.action.value for one in plan.changes).items()):
        families["pools"].add_metric([cluster, action], number)
    currency = plan.cost.currency
    families["cost"].add_metric([cluster, "declared", currency], plan.cost.before.hourly / MICRO)
    families["cost"].add_metric([cluster, "planned", currency], plan.cost.after.hourly / MICRO)
    families["bound"].add_metric([cluster, currency], plan.cost.lower_bound_hourly / MICRO)


def _pools(views: Sequence[View]) -> Iterator[Metric]:
    drift = _gauge("drift", "Differences of the provider's pools from Git, what is on its way included.", ["kind"])
    size = _gauge("pool_nodes", "Nodes of a pool: declared in Git, desired at the provider, there.", ["pool", "what"])
    for view in views:
        if view.planned is None or not view.leads:
            continue
        inputs = view.planned.inputs
        for pool in inputs.declared:
            size.add_metric([view.cluster, pool.name, "declared"], pool.desired)
        for pool in inputs.observed:
            size.add_metric([view.cluster, pool.name, "desired"], pool.desired)
            if pool.state is not None:
                size.add_metric([view.cluster, pool.name, "available"], pool.state.available_nodes)
        differences = differences_of(view.planned)
        if differences is not None:
            kinds = Counter(one.kind for one in differences)
            for kind in DriftKind:
                if kind is not DriftKind.FOREIGN:
                    drift.add_metric([view.cluster, kind.value], kinds[kind])
    yield from (size, drift)


def _records(views: Sequence[View]) -> Iterator[Metric]:
    """From the ledger: it outlives processes, so these only grow whoever leads."""
    events = CounterMetricFamily(
        "poolplan_records", "What happened to proposals, by the ledger.", labels=[*CLUSTER, "event", "kind"]
    )
    people = _gauge("wait_for_people_seconds", "From proposal to merge, of the last change that was applied.")
    cloud = _gauge("wait_for_cloud_seconds", "From claim to application, of the last change that was applied.")
    open_ = _gauge("open_proposals", "1 for each proposal that stands.", ["kind"])
    unsettled = _gauge("emergency_unsettled", "1 while an emergency is neither merged nor declined.")
    for view in views:
        if view.proposed is None or not view.leads:
            continue
        name, ledger = [view.cluster], view.proposed.ledger
        for (event, kind), number in sorted(Counter((one.event.value, one.kind) for one in ledger.records).items()):
            events.add_metric([*name, event, kind], number)
        waits = _waits(ledger)
        for family, seconds in zip((people, cloud), waits, strict=True):
            if seconds is not None:
                family.add_metric(name, seconds)
        for done in view.proposed.done:
            open_.add_metric([*name, done.kind], float(bool(done.commit)))
        unsettled.add_metric(name, float(any(
            one.kind == Kind.EMERGENCY.value and one.commit for one in view.proposed.done
        )))  # fmt: skip
    yield from (events, people, cloud, open_, unsettled)


def _waits(ledger: Ledger) -> tuple[float | None, float | None]:
    """Seconds that the last applied change waited for people, and then for the cloud."""
    applied = ledger.applied
    if applied is None:
        return None, None
    people = None
    if applied.proposed and applied.merged:
        people = max(0.0, (time_of(applied.merged) - time_of(applied.proposed)).total_seconds())
    claimed = next(
        (one for one in reversed(ledger.records) if one.event is Event.CLAIMED and one.digest == applied.digest), None
    )
    cloud = max(0.0, (time_of(applied.at) - time_of(claimed.at)).total_seconds()) if claimed else None
    return people, cloud
