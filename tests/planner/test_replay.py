"""The replay of kube-scheduler: it agrees with what the real one did, and whatever it binds, every filter lets pass."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from planner.aims import Aims
from planner.cycle import Cycle
from planner.orders import runs
from planner.replay import ORDERS, replay
from tests.planner import checker
from tests.planner.cluster import node, pod
from tests.planner.recording import disagreements, snapshot_of, stage_of
from tests.planner.test_random_clusters import HOST, ZONE, ZONES, some, specs, spread

if TYPE_CHECKING:
    from planner.replay import Replayed, Stage
    from tests.planner.cluster import Object

RECORDED = sorted(Path(__file__).with_name("recorded").glob("*.json"))
JOINING = next(number for number, order in enumerate(ORDERS) if order.joining)
EVERY_ORDER = st.sampled_from(range(len(ORDERS)))
WEB = {"app": "web"}
thorough = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def cluster_of(objects: list[Object]) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def stage(objects: list[Object]) -> Stage:
    return stage_of(snapshot_of(cluster_of(objects)))


@st.composite
def wishes(draw: st.DrawFn, app: dict[str, str]) -> Object:
    """Rules that only score."""
    affinity: Object = {}
    term = {"topologyKey": draw(some(HOST, ZONE)), "labelSelector": {"matchLabels": app}}
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 50, "podAffinityTerm": term}]}
    affinity |= draw(some({}, {"podAffinity": preferred}, {"podAntiAffinity": preferred}))
    zone = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [ZONES[0]]}]}
    terms = [{"weight": 10, "preference": zone}]
    affinity |= draw(some({}, {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}))
    soft = spread(draw(some(HOST, ZONE)), app, 1) | {"whenUnsatisfiable": "ScheduleAnyway"}
    return {"affinity": affinity, "topologySpreadConstraints": draw(some([], [soft]))}


@st.composite
def clusters(draw: st.DrawFn) -> list[Object]:
    """Nodes that are all open, pods that run and pods that wait."""
    objects = []
    for number in range(draw(st.integers(1, 7))):
        options: Object = draw(some({}, {}, {"labels": {"team": "red"}}))
        effect = draw(some("NoSchedule", "PreferNoSchedule"))
        options |= draw(some({}, {}, {"taints": [{"key": "own", "value": "x", "effect": effect}]}))
        objects.append(node(f"node-{number}", pool="base", zone=draw(some(*ZONES)), **options))
    there = [one["metadata"]["name"] for one in objects]
    for number in range(draw(st.integers(0, 3))):
        app = {"app": draw(some("app0", "app1", "other"))}
        objects.append(pod(f"running-{number}", draw(some("0", "300m")), on=draw(some(*there)), labels=app))
    for number in range(draw(st.integers(1, 4))):
        app = {"app": f"app{number}"}
        spec = draw(st.one_of(specs(app, app), wishes(app)))
        cpu, memory = draw(some("0", "100m", "500m", "1")), draw(some("0", "100Mi", "1Gi", "3Gi"))
        objects += [
            pod(f"app{number}-{one}", cpu, memory, labels=app, owner=("ReplicaSet", f"app{number}"), **spec)
            for one in range(draw(st.integers(1, 6)))
        ]
    return objects


def names(played: Replayed, on: Stage) -> list[tuple[str, str]]:
    """Each pod that was bound, in order, with its node: pods of one arrival are alike."""
    waiting = [iter(one.group.pods) for one in on.arrivals]
    return [(next(waiting[place]), on.board.names[bound]) for bound, place in played.bound]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_the_replay_sees_what_the_real_scheduler_saw(path: Path) -> None:
    assert disagreements(json.loads(path.read_text(encoding="utf-8"))) == []


@thorough
@given(clusters(), EVERY_ORDER)
def test_every_binding_passes_every_filter_and_what_is_stranded_passes_none(objects: list[Object], order: int) -> None:
    on = stage(objects)
    played = replay(on, order if order != JOINING else 0)
    pods = {checker.key(one): one for one in objects if one["kind"] == "Pod"}
    state = checker.State(checker.cluster_of(objects))
    for one in pods.values():
        state.shape(one)
    for name, host in names(played, on):
        note(f"{name} -> {host}")
        assert state.bind(pods[name], host)
    for place in played.stranded:
        left = on.arrivals[place].group.pods[-1]
        assert all(state.refusals(pods[left], name) for name in on.board.names)


@thorough
@given(clusters(), EVERY_ORDER, st.randoms(use_true_random=False))
def test_every_pod_is_bound_once_or_stranded_the_same_way_each_time(
    objects: list[Object], order: int, random: Any
) -> None:
    on = stage(objects)
    played = replay(on, order)
    told = Counter(place for _, place in played.bound) + Counter(played.stranded)
    assert told == {place: one.group.count for place, one in enumerate(on.arrivals)}
    assert sum(played.placed().values()) == len(played.bound)
    shuffled = list(objects)
    random.shuffle(shuffled)
    assert replay(stage(shuffled), order) == played


@thorough
@given(clusters(), EVERY_ORDER)
def test_an_order_has_every_pod_and_the_most_important_first(objects: list[Object], order: int) -> None:
    groups = [one.group for one in stage(objects).arrivals]
    found = runs(groups, order)
    assert sum((Counter({place: count}) for place, count in found), Counter()) == Counter(
        {place: group.count for place, group in enumerate(groups)}
    )
    priorities = [groups[place].needs.priority for place, _ in found]
    assert priorities == sorted(priorities, reverse=True)


def test_pods_are_spread_over_equal_nodes() -> None:
    objects = [node(f"node-{number}", zone=ZONES[number]) for number in range(3)]
    objects += [pod(f"web-{number}", labels={"app": "web"}, owner=("ReplicaSet", "web")) for number in range(6)]
    for order in range(len(ORDERS) - 1):
        assert sorted(replay(stage(objects), order).placed().values()) == [2, 2, 2]


def test_orders_take_the_first_of_equal_nodes_the_last_or_any() -> None:
    objects = [node(f"node-{number}", zone=ZONES[0]) for number in range(6)]
    objects += [pod(f"web-{number}", "500m", labels={"app": f"web-{number}"}) for number in range(3)]
    taken = {
        order.equal: sorted(node for node, _ in replay(stage(objects), place).bound)
        for place, order in enumerate(ORDERS) if not order.joining
    }  # fmt: skip
    assert (taken[0], taken[-1]) == ([0, 1, 2], [3, 4, 5])
    assert taken[None] not in (taken[0], taken[-1])


def test_one_order_spreads_no_pods_that_do_not_ask_for_it() -> None:
    objects = [node("node-0", allocatable={"cpu": "8", "memory": "16Gi", "pods": "110"}), node("node-1")]
    objects += [pod(f"web-{number}", "10m", "10Mi", labels=WEB, owner=("ReplicaSet", "web")) for number in range(6)]
    on = stage_of(snapshot_of(cluster_of(objects)))
    bare = stage_of(snapshot_of(cluster_of(objects)), aims=Aims(default_spreads=()))
    [order] = [number for number, each in enumerate(ORDERS) if not each.spreading]
    assert replay(on, order).placed() == replay(bare, order).placed() == replay(bare, 0).placed()
    assert replay(on, 0).placed() != replay(bare, 0).placed()


def test_while_nodes_join_only_those_that_are_there_are_filled_and_count_for_a_skew() -> None:
    app = {"app": "web"}
    objects = [node("node-0", zone=ZONES[0]), node("node-1", zone=ZONES[1])]
    spec: Object = {"topologySpreadConstraints": [spread(ZONE, app, 1)]}
    objects += [pod(f"web-{number}", "100m", labels=app, owner=("ReplicaSet", "web"), **spec) for number in range(4)]
    assert replay(stage(objects), 0).placed() == {(0, 0): 2, (1, 0): 2}
    assert replay(stage(objects), JOINING).placed() == {(0, 0): 4}


def test_nodes_that_are_there_from_the_beginning_do_not_wait_for_each_other() -> None:
    app = {"app": "web"}
    objects = [node(f"node-{number}", zone=ZONES[number % 3]) for number in range(3)]
    objects += [pod(f"web-{number}", "100m", labels=app, owner=("ReplicaSet", "web")) for number in range(4)]
    snapshot = snapshot_of(cluster_of(objects))
    joined, there = replay(stage_of(snapshot), JOINING), replay(stage_of(snapshot, there=2), JOINING)
    assert joined.placed() == {(0, 0): 4}
    assert there.placed() == {(0, 0): 2, (1, 0): 2}


def test_a_cluster_may_do_without_the_built_in_spreads() -> None:
    objects = [node("node-0", allocatable={"cpu": "8", "memory": "16Gi", "pods": "110"}), node("node-1")]
    objects += [pod(f"web-{number}", "10m", "10Mi", labels=WEB, owner=("ReplicaSet", "web")) for number in range(6)]
    snapshot = snapshot_of(cluster_of(objects))
    aims = (Aims(), Aims(default_spreads=()))
    spread_out, scored = (replay(stage_of(snapshot, aims=one), 0).placed() for one in aims)
    assert spread_out == {(0, 0): 3, (1, 0): 3}
    assert scored != spread_out


def service(name: str, namespace: str = "default", **selector: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector}}


def test_pods_that_a_service_selects_are_spread_with_all_others_that_it_selects() -> None:
    """Whoever made them: here two Jobs, of one pod each. Without the Service the larger node takes both."""
    objects = [node("node-0", allocatable={"cpu": "8", "memory": "16Gi", "pods": "110"}), node("node-1")]
    objects += [pod(f"web-{number}", "10m", "10Mi", labels=WEB, owner=("Job", f"web-{number}")) for number in range(2)]
    alone, elsewhere, selected = (
        replay(stage([*objects, *more]), 0).placed() for more in ([], [service("web", "other", **WEB)], [service("web", **WEB)])
    )  # fmt: skip
    assert alone == elsewhere
    assert {bound for bound, _ in alone} == {0}
    assert {bound for bound, _ in selected} == {0, 1}


def test_running_pods_count_by_their_labels_and_not_by_their_owner() -> None:
    objects = [node("node-0", allocatable={"cpu": "8", "memory": "16Gi", "pods": "110"}), node("node-1")]
    waits = pod("web-1", "10m", "10Mi", labels=WEB, owner=("Cluster", "web"))
    runs_there = pod("old", "10m", "10Mi", on="node-0", labels=WEB, owner=("Deployment", "old"))
    same_owner = pod("old", "10m", "10Mi", on="node-0", labels={"app": "other"}, owner=("Cluster", "web"))
    assert replay(stage([*objects, service("web", **WEB), waits, runs_there]), 0).bound == ((1, 0),)
    assert replay(stage([*objects, service("web", **WEB), waits, same_owner]), 0).bound == ((0, 0),)


def test_refused_pods_are_tried_again_when_what_they_look_for_is_there() -> None:
    wanted: Object = {
        "podAffinity": {checker.REQUIRED: [{"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "b"}}}]}
    }
    objects = [node("node-0"), node("node-1"), pod("a-0", "100m", labels={"app": "a"}, affinity=wanted),
               pod("b-0", "100m", labels={"app": "b"})]  # fmt: skip
    on = stage(objects)
    for order in range(len(ORDERS)):
        played = replay(on, order)
        assert not played.stranded
        assert len({bound for bound, _ in played.bound}) == 1


def test_of_many_nodes_the_scheduler_looks_at_some_and_goes_on_from_there() -> None:
    objects = [node(f"node-{number:03d}", zone=ZONES[number % 3]) for number in range(120)]
    on = stage([*objects, pod("web-0"), pod("web-1")])
    cycle = Cycle(on.board.copy(), on.arrivals, on.book, 0)
    first, second = (cycle.feasible(cycle.start(place)).tolist() for place in (0, 1))
    assert first == list(range(100))
    assert second == [*range(100, 120), *range(80)]


def test_pods_without_requests_do_not_pile_up() -> None:
    nothing: Object = {"containers": [{"name": "main", "image": "app"}]}
    objects = [node("node-0"), node("node-1")]
    objects += [pod(f"idle-{number}", owner=("Job", f"idle-{number}"), **nothing) for number in range(10)]
    counts = Counter(bound for bound, _ in replay(stage(objects), 0).bound)
    assert sorted(counts.values()) == [5, 5]
