"""Random small clusters: whatever the plan says, an independent reading of the scheduler's rules agrees."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from planner.aims import Aims
from planner.decide import decide
from planner.pools import PoolSet
from renderer.nodes import node_list
from tests.planner import checker
from tests.planner.cluster import NOW, Object, inputs_of, node, node_class, node_pool, pod
from tests.planner.test_cases import sound

if TYPE_CHECKING:
    from planner.decide import Inputs

ZONES = ("eu-west-par-a", "eu-west-par-b", "eu-west-par-c")
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
PREFERRED, SOFT = "preferredDuringSchedulingIgnoredDuringExecution", {"whenUnsatisfiable": "ScheduleAnyway"}
FLAVORS = ("b3-8", "b3-16", "c3-8", "r3-16")
NEVER = {"consolidateAfter": "Never"}
thorough = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def in_zone(*zones: str) -> Object:
    return {"key": ZONE, "operator": "In", "values": list(zones)}


@st.composite
def node_pools(draw: st.DrawFn) -> list[Object]:
    """NodePools, each marked with a label of its name so that their nodes can be told apart."""
    made = []
    for number in range(draw(st.integers(1, 3))):
        options: Object = {"labels": {"np": f"np{number}"} | draw(some({}, {}, {"team": "red"}))}
        options |= draw(some({}, {}, {"limits": {"cpu": "6"}}, {"limits": {"memory": "20Gi", "nodes": "3"}}))
        options |= draw(some({}, {"weight": 10}, {"weight": 50}))
        options |= draw(some({}, {}, {"taints": [{"key": "own", "value": "x", "effect": "NoSchedule"}]}))
        options |= draw(some({}, {}, {"requirements": [in_zone(*ZONES[:2])]}, {"requirements": [in_zone(ZONES[2])]}))
        flavors = draw(st.lists(some(*FLAVORS), min_size=1, max_size=3, unique=True))
        made.append(node_pool(f"np{number}", flavors, nodeClass=draw(some("default", "apart")), disruption=NEVER, **options))
    return made


@st.composite
def nodes(draw: st.DrawFn) -> list[Object]:
    made = []
    for number in range(draw(st.integers(0, 4))):
        options: Object = draw(some({}, {}, {}, {"unschedulable": True}, {"ready": False}))
        options |= draw(some({}, {}, {"taints": [{"key": "own", "value": "x", "effect": "NoSchedule"}]}))
        options |= draw(some({}, {"labels": {"team": "red"}}))
        made.append(node(f"base-{number}", pool="base", zone=draw(some(*ZONES)), **options))
    return made


def rule(kind: str, key: str, app: dict[str, str]) -> Object:
    return {kind: {checker.REQUIRED: [{"topologyKey": key, "labelSelector": {"matchLabels": app}}]}}


def wish(kind: str, key: str, app: dict[str, str], weight: int) -> Object:
    term = {"topologyKey": key, "labelSelector": {"matchLabels": app}}
    return {kind: {PREFERRED: [{"weight": weight, "podAffinityTerm": term}]}}


def spread(key: str, app: dict[str, str], skew: int, **options: Any) -> Object:
    return {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": app}} | options


@st.composite
def specs(draw: st.DrawFn, app: dict[str, str], own: dict[str, str]) -> Object:
    """What one workload's pods ask for besides their size: apart from ``app``, and together with their ``own`` kind.

    Several workloads that look for each other are left to cases: which of them may be the first depends on the order
    in which the scheduler comes to them.
    """
    spec: Object = draw(some({}, {}, {"tolerations": [{"key": "own", "operator": "Exists"}]}))
    spec |= draw(some({}, {}, {}, {"nodeSelector": {"team": "red"}}, {"nodeSelector": {ZONE: ZONES[1]}}, {"nodeSelector": {"np": "np0"}}))
    spec |= draw(some({}, {}, {"priority": 100}))
    affinity: Object = {}
    if draw(some(False, False, True)):
        operator = draw(some("In", "NotIn"))
        terms = [{"matchExpressions": [{"key": ZONE, "operator": operator, "values": [ZONES[0], ZONES[1]]}]}]
        terms += draw(some([], [{"matchExpressions": [{"key": "team", "operator": draw(some("Exists", "DoesNotExist"))}]}]))
        affinity |= {"nodeAffinity": {checker.REQUIRED: {"nodeSelectorTerms": terms}}}
    affinity |= draw(some({}, {}, {}, rule("podAntiAffinity", HOST, app), rule("podAntiAffinity", ZONE, app),
                          wish("podAntiAffinity", ZONE, app, 7)))  # fmt: skip
    affinity |= draw(some({}, {}, {}, {}, rule("podAffinity", ZONE, own), rule("podAffinity", HOST, own),
                          wish("podAffinity", ZONE, app, 3)))  # fmt: skip
    spreads = draw(some([], [], [spread(ZONE, app, 1)], [spread(ZONE, app, 2)], [spread(HOST, app, 1)],
                        [spread(ZONE, app, 1, **SOFT)], [spread(ZONE, app, 1, **SOFT), spread(HOST, app, 1, **SOFT)],
                        [spread(ZONE, app, 1), spread(HOST, app, 2)], [spread(ZONE, app, 1, nodeTaintsPolicy="Honor")],
                        [spread(ZONE, app, 1, minDomains=3)], [spread(ZONE, app, 1, nodeAffinityPolicy="Ignore")]))  # fmt: skip
    spec |= {"affinity": affinity} if affinity else {}
    return spec | ({"topologySpreadConstraints": spreads} if spreads else {})


@st.composite
def clusters(draw: st.DrawFn) -> list[Object]:
    """Policy, nodes, pods that run and pods that wait."""
    there = draw(nodes())
    objects = [node_class(), node_class("apart", antiAffinity=True), *draw(node_pools()), *there]
    for number in range(draw(st.integers(0, 4)) if there else 0):
        on = draw(some(*(one["metadata"]["name"] for one in there)))
        app = {"app": draw(some("app0", "app1", "other"))}
        extra = draw(some({}, {}, {"affinity": rule("podAntiAffinity", HOST, {"app": "app1"})}))
        objects.append(pod(f"running-{number}", draw(some("100m", "700m")), on=on, labels=app, **extra))
    for number in range(draw(st.integers(1, 4))):
        app = {"app": f"app{number}"}
        cpu, memory = draw(some("100m", "500m", "1", "1500m", "3", "9")), draw(some("100Mi", "1Gi", "5Gi", "12Gi"))
        spec = draw(specs(draw(some(app, app, {"tier": "all"})), app))
        objects += [
            pod(f"app{number}-{one}", cpu, memory, labels=app | {"tier": "all"}, owner=("ReplicaSet", f"app{number}"), **spec)
            for one in range(draw(st.integers(1, 5)))
        ]
    return [*objects, *draw(some([], [DAEMON]))]


DAEMON: Object = {
    "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "default"},
    "spec": {"template": {"metadata": {"labels": {"app": "agent"}}, "spec": {
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "main", "image": "agent", "resources": {"requests": {"cpu": "150m", "memory": "200Mi"}}}],
    }}},
}  # fmt: skip


def asked(objects: list[Object]) -> Inputs:
    """The cluster as inputs, with little time to search for the cheapest nodes: there are many clusters."""
    return replace(inputs_of(objects), aims=Aims(budget=300))


def waiting(objects: list[Object]) -> dict[str, Object]:
    return {checker.key(one): one for one in objects if one["kind"] == "Pod" and "nodeName" not in one["spec"]}


def joined(objects: list[Object], plan: Any) -> list[Object]:
    """The cluster when the plan's nodes have joined and its pods are bound."""
    after = deepcopy(objects)
    places = {name: each.name for each in plan.placements for name in each.pods}
    for one in after:
        if one["kind"] == "Pod" and checker.key(one) in places:
            one["spec"]["nodeName"], one["status"] = places[checker.key(one)], {"phase": "Running"}
    new = node_list(plan)["items"]
    for one in new:  # type: ignore[attr-defined] # a list of objects
        one["metadata"]["creationTimestamp"] = "2026-03-01T11:00:00Z"
    return [*after, *new]  # type: ignore[misc]


@thorough
@given(clusters())
def test_every_placement_is_one_that_the_scheduler_would_make(objects: list[Object]) -> None:
    plan = decide(asked(objects), now=NOW)
    cluster = checker.cluster_of([*objects, *node_list(plan)["items"]])  # type: ignore[misc]
    placements = {name: each.name for each in plan.placements for name in each.pods}
    for name, place in placements.items():
        note(f"{name} -> {place}")
    assert checker.bind(cluster, waiting(objects), placements) == {}


@thorough
@given(clusters())
def test_every_waiting_pod_is_placed_once_or_has_reasons(objects: list[Object]) -> None:
    plan = decide(asked(objects), now=NOW)
    told = Counter(name for each in (*plan.placements, *plan.unplaced) for name in each.pods)
    assert told == Counter(waiting(objects).keys())
    assert all(each.reasons for each in plan.unplaced)


@thorough
@given(clusters())
def test_limits_pools_names_and_costs_hold(objects: list[Object]) -> None:
    plan = decide(asked(objects), now=NOW)
    assert sound(plan)
    grown = {change.pool: change.after.desired - (change.before.desired if change.before else 0) for change in plan.changes if change.after}
    assert Counter(each.pool for each in plan.placements if each.expected) == Counter(grown)
    if not all(each.pods for each in plan.placements if each.expected):
        # A node that stays empty where the pods come by name is there for some other order.
        assert plan.certificate is not None
        assert plan.certificate.orders > 0
    assert all(pool.desired <= (5 if pool.anti_affinity else 100) for pool in plan.desired)
    for policy in (one for one in objects if one["kind"] == "NodePool"):
        mine = [one.expected for one in plan.placements if one.expected and ("np", policy["metadata"]["name"]) in one.expected.labels]
        for resource, limit in policy["spec"].get("limits", {}).items():
            amounts = [1 if resource == "nodes" else one.capacity.get(resource) for one in mine]
            assert sum(amounts) <= checker.quantity(limit) * (1000 if resource == "cpu" else 1)


@thorough
@given(clusters(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(objects: list[Object], random: Any) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    assert decide(asked(shuffled), now=NOW) == decide(asked(objects), now=NOW)


@thorough
@given(clusters())
def test_once_the_plan_is_done_there_is_nothing_more_to_do(objects: list[Object]) -> None:
    first = decide(asked(objects), now=NOW)
    after = asked(joined(objects, first))
    base = [pool for pool in after.observed if pool.name == "base"]
    after = replace(after, declared=first.desired, observed=PoolSet.of([*first.desired, *base]))
    second = decide(after, now=NOW)
    before, still = ({name for each in plan.unplaced for name in each.pods} for plan in (first, second))
    assert still <= before
    assert before or second.changes == ()  # pods that found no place may find one on a second look


