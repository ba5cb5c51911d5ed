"""Which pods are demand, how they are grouped, where their volumes are, and what a workload stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.aims import Aims, Preferences
from planner.demand import Selection, collect_demand, is_demand, without_expendable
from planner.plan import Refusal
from planner.pods import AffinityTerm, Needs, Owner, Phase, Pod, Scheduling, Spread
from planner.requirements import Requirement, Requirements
from planner.resources import Resources
from planner.snapshot import (
    BindingMode,
    Claim,
    PodTemplate,
    PriorityClass,
    RuntimeClass,
    Snapshot,
    StorageClass,
    Volume,
    Workload,
)
from planner.taints import Toleration
from planner.volumes import VolumeIndex
from planner.workloads import with_workloads
from tests.planner.cluster import inputs_of, pod

if TYPE_CHECKING:
    from tests.planner.cluster import Object

PENDING = Pod(namespace="default", name="web")
NO_DEMAND: dict[str, dict[str, Any]] = {
    "bound": {"node_name": "n1"}, "nominated": {"nominated_node": "n1"}, "leaving": {"deleting": True},
    "mirror": {"mirror": True}, "of a daemon set": {"controller": ("DaemonSet", "agent")},
    "running": {"phase": Phase.RUNNING}, "done": {"phase": Phase.SUCCEEDED}, "failed": {"phase": Phase.FAILED},
    "unknown": {"phase": Phase.UNKNOWN}, "gated": {"scheduling": Scheduling.GATED},
    "about to be bound": {"scheduling": Scheduling.SCHEDULED}, "of a scheduler that has not said anything": {"scheduler": "mine"},
}  # fmt: skip
DEMAND: dict[str, dict[str, Any]] = {
    "new": {}, "refused by the scheduler": {"scheduling": Scheduling.UNSCHEDULABLE},
    "of a replica set": {"controller": ("ReplicaSet", "web-1")},
    "refused by another scheduler": {"scheduler": "mine", "scheduling": Scheduling.UNSCHEDULABLE},
}  # fmt: skip


@pytest.mark.parametrize("kind", [*DEMAND, *NO_DEMAND])
def test_which_pods_count(kind: str) -> None:
    assert is_demand(replace(PENDING, **(DEMAND | NO_DEMAND)[kind])) is (kind in DEMAND)


def groups(*objects: Object) -> list[tuple[str, tuple[str, ...]]]:
    demand = collect_demand(inputs_of(objects).snapshot)
    return [(str(group.owner), group.pods) for group in demand.groups]


def test_pods_of_one_workload_with_equal_needs_are_one_group() -> None:
    mine = ("ReplicaSet", "web")
    found = groups(*(pod(name, owner=mine, labels={"pod-index": name}) for name in ("b", "a", "c")))
    assert found == [("ReplicaSet default/web", ("default/a", "default/b", "default/c"))]


def test_different_needs_owners_and_namespaces_are_different_groups() -> None:
    mine = ("ReplicaSet", "web")
    found = groups(
        pod("a", owner=mine), pod("b", "600m", owner=mine), pod("c", owner=("ReplicaSet", "api")),
        pod("d", owner=mine, namespace="other"), pod("e"),
    )  # fmt: skip
    assert [pods for _, pods in found] == [("default/a",), ("default/b",), ("default/c",), ("default/e",), ("other/d",)]
    assert found[3][0] == "Pod default/e"


def test_labels_tell_groups_apart_only_where_a_rule_looks_at_them() -> None:
    mine = ("ReplicaSet", "web")
    pods = [pod("a", owner=mine, labels={"color": "red"}), pod("b", owner=mine, labels={"color": "blue"})]
    rule = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"color": "red"}}}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    watcher = pod("watcher", on="n1", affinity={"podAntiAffinity": required})
    assert len(groups(*pods)) == 1
    assert len(groups(*pods, watcher)) == 2


def test_values_that_no_selector_names_do_not_tell_groups_apart() -> None:
    mine = ("StatefulSet", "db")
    pods = [pod(f"db-{i}", owner=mine, labels={"app": "db", "pod-name": f"db-{i}"}) for i in range(4)]

    def watcher(operator: str, *values: str) -> Object:
        wanted = {"matchExpressions": [{"key": "pod-name", "operator": operator, **({"values": values} if values else {})}]}
        rule = {"topologyKey": "kubernetes.io/hostname", "labelSelector": wanted}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
        return pod("watcher", on="n1", affinity={"podAntiAffinity": required})

    assert [len(names) for _, names in groups(*pods, watcher("In", "db-1", "db-2"))] == [2, 1, 1]
    assert [len(names) for _, names in groups(*pods, watcher("NotIn", "db-1"))] == [3, 1]
    assert [len(names) for _, names in groups(*pods, watcher("Exists"))] == [4]


KEYS, VALUES = st.sampled_from(["app", "tier"]), st.sampled_from(["a", "b", "c", "d"])
EXPRESSIONS = st.one_of(
    st.builds(Requirement.parse, KEYS, st.sampled_from(["In", "NotIn"]), st.lists(VALUES, min_size=1, max_size=2)),
    st.builds(Requirement.parse, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
)  # fmt: skip
SELECTORS = st.lists(EXPRESSIONS, max_size=3).map(Requirements.of)


@given(selectors=st.lists(SELECTORS, max_size=4), pods=st.lists(st.dictionaries(KEYS, VALUES), min_size=2, max_size=6))
@settings(max_examples=60)
def test_pods_that_are_told_to_be_alike_are_alike_to_every_selector(
    selectors: list[Requirements], pods: list[dict[str, str]]
) -> None:
    needs = [Needs(affinity=(AffinityTerm(topology_key="zone", selector=one),)) for one in selectors]
    selection = Selection.of(needs, [])
    matched: dict[object, set[tuple[bool, ...]]] = {}
    for labels in pods:
        kept, told = selection.of_pod(tuple(sorted(labels.items())))
        found = tuple(one.allow(labels) for one in selectors)
        assert found == tuple(one.allow(dict(kept)) for one in selectors)
        matched.setdefault(told, set()).add(found)
    assert all(len(found) == 1 for found in matched.values())


def test_labels_that_a_rule_takes_from_its_own_pod_are_told_apart() -> None:
    rule = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}, "mismatchLabelKeys": ["tenant"]}
    required = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    mine = ("ReplicaSet", "web")
    pods = [pod(name, owner=mine, labels={"tenant": name, "build": name}, affinity=required) for name in ("a", "b")]
    assert len(groups(*pods)) == 2


# What the aims say

LOW = [pod("low", priority=-11), pod("usual", priority=-10)]


def test_expendable_pods_wait_for_room_that_others_leave() -> None:
    found = collect_demand(inputs_of(LOW).snapshot, Aims())
    assert [group.pods for group in found.groups] == [("default/usual",)]
    (unplaced,) = found.blocked
    assert (unplaced.pods, unplaced.reasons) == (
        ("default/low",),
        (Refusal(node_pool="", filter="Expendable", detail="priority -11 is below -10: it waits for room that others leave"),),
    )
    assert len(collect_demand(inputs_of(LOW).snapshot, Aims(expendable_below=None)).groups) == 2


def test_expendable_pods_that_run_are_in_nobodys_way() -> None:
    pods = [pod("low", priority=-11, on="n1"), pod("agent", priority=-11, on="n1", owner=("DaemonSet", "agent")), *LOW[1:]]
    snapshot = inputs_of(pods).snapshot
    assert [one.name for one in without_expendable(snapshot, Aims()).pods] == ["agent", "usual"]
    assert without_expendable(snapshot, Aims(expendable_below=None)) is snapshot


def test_preferences_that_are_ignored_do_not_tell_groups_apart() -> None:
    def preferring(zone: str) -> Object:
        wanted = {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}
        preferred = [{"weight": 1, "preference": wanted}]
        affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
        return pod(zone, owner=("ReplicaSet", "web"), affinity=affinity)

    snapshot = inputs_of([preferring("a"), preferring("b")]).snapshot
    assert len(collect_demand(snapshot).groups) == 2
    assert len(collect_demand(snapshot, Aims(preferences=Preferences.IGNORE)).groups) == 1


BY_ZONE = Spread(topology_key="topology.kubernetes.io/zone", min_domains=3)
OWN = {"topologyKey": "kubernetes.io/hostname", "maxSkew": 2, "whenUnsatisfiable": "ScheduleAnyway"}


def spreads(one: Object, **aims: Any) -> tuple[Spread, ...]:
    (group,) = collect_demand(inputs_of([one]).snapshot, Aims(**aims)).groups
    return group.needs.spreads


def test_default_constraints_spread_the_pods_of_one_revision() -> None:
    labels = {"app": "web", "pod-template-hash": "abc"}
    one = pod("web-abc-1", owner=("ReplicaSet", "web-abc"), labels=labels)
    assert spreads(one, default_spreads=(BY_ZONE,)) == (replace(BY_ZONE, selector=Requirements.from_labels(labels)),)
    assert spreads(one) == spreads(one, default_spreads=()) == ()


def test_default_constraints_leave_out_what_tells_the_pods_of_a_stateful_set_apart() -> None:
    labels = {"app": "db", "statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0"}
    one = pod("db-0", owner=("StatefulSet", "db"), labels=labels)
    selector = Requirements.from_labels({"app": "db"})
    assert spreads(one, default_spreads=(BY_ZONE,)) == (replace(BY_ZONE, selector=selector),)


def test_default_constraints_take_what_the_waiting_pods_of_a_controller_have_in_common() -> None:
    """As one of a LeaderWorkerSet, whose webhook numbers the pods of a StatefulSet."""
    pods = [pod(f"db-{n}", owner=("StatefulSet", "db"), labels={"app": "db", "worker": str(n)}) for n in range(3)]
    (group,) = collect_demand(inputs_of(pods).snapshot, Aims(default_spreads=(BY_ZONE,))).groups
    assert group.needs.spreads == (replace(BY_ZONE, selector=Requirements.from_labels({"app": "db"})),)


@pytest.mark.parametrize(
    "one",
    [
        pod("bare", labels={"app": "web"}), pod("job-1", owner=("Job", "job"), labels={"app": "web"}),
        pod("web-1", owner=("ReplicaSet", "web")),
    ],
)  # fmt: skip
def test_pods_without_a_workload_or_labels_have_no_default_constraint(one: Object) -> None:
    assert spreads(one, default_spreads=(BY_ZONE,)) == ()


def service(name: str, selector: dict[str, str] | None, **spec: str) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": selector, **spec}}


POD_NAME = "statefulset.kubernetes.io/pod-name"
LABELS = {"app": "web", "tier": "front"}
SERVICES = (
    service("web", {"app": "web"}), service("front", {"tier": "front"}, type="ExternalName", externalName="example.org"),
    service("db", {"app": "db"}), service("none", None), service("empty", {}), service("first", {POD_NAME: "db-0"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("one", "selector"),
    [
        (pod("bare", labels=LABELS), LABELS), (pod("job-1", owner=("Job", "job"), labels={"app": "web"}), {"app": "web"}),
        (pod("of-an-operator", owner=("Cluster", "x"), labels={**LABELS, "role": "leader"}), LABELS),
        (pod("nobodys", labels={"app": "other"}), None), (pod("unlabelled"), None),
        (pod("elsewhere", namespace="other", labels=LABELS), None),
        (pod("a-1", owner=("ReplicaSet", "a"), labels={**LABELS, "hash": "1"}), {**LABELS, "hash": "1"}),
        (pod("db-0", owner=("StatefulSet", "db"), labels={"app": "db", POD_NAME: "db-0"}), {"app": "db", POD_NAME: "db-0"}),
        (pod("db-1", owner=("StatefulSet", "db"), labels={"app": "db", POD_NAME: "db-1"}), {"app": "db"}),
    ],
    ids=lambda one: one["metadata"]["name"] if isinstance(one, dict) and "metadata" in one else None,
)  # fmt: skip
def test_services_select_whom_default_constraints_spread(one: Object, selector: dict[str, str] | None) -> None:
    snapshot = inputs_of([*SERVICES, one]).snapshot
    wanted = None if selector is None else Requirements.from_labels(selector)
    (group,) = collect_demand(snapshot).groups
    assert (group.needs.spreads, group.spread_by) == ((), wanted)
    (group,) = collect_demand(snapshot, Aims(default_spreads=(BY_ZONE,))).groups
    assert group.needs.spreads == (() if wanted is None else (replace(BY_ZONE, selector=wanted),))
    assert group.spread_by is None
    (group,) = collect_demand(snapshot, Aims(default_spreads=())).groups
    assert (group.needs.spreads, group.spread_by) == ((), None)


@pytest.mark.parametrize("aims", [Aims(), Aims(default_spreads=(BY_ZONE,))], ids=["built-in", "the cluster's own"])
def test_a_label_that_a_service_looks_at_tells_the_pods_of_a_workload_apart(aims: Aims) -> None:
    pods = [pod(f"job-{role}", owner=("Job", "job"), labels={"role": role}) for role in ("one", "two", "three")]

    def told(*services: Object) -> list[tuple[str, ...]]:
        return [group.pods for group in collect_demand(inputs_of([*services, *pods]).snapshot, aims).groups]

    assert told() == [("default/job-one", "default/job-three", "default/job-two")]
    assert told(service("two", {"role": "two"})) == [("default/job-one", "default/job-three"), ("default/job-two",)]


def test_a_pod_with_constraints_of_its_own_has_no_others() -> None:
    one = pod("web-1", owner=("ReplicaSet", "web"), labels={"app": "web"}, topologySpreadConstraints=[OWN])
    assert [each.topology_key for each in spreads(one, default_spreads=(BY_ZONE,))] == ["kubernetes.io/hostname"]


# Volumes

IN_B = Requirements.from_labels({"topology.kubernetes.io/zone": "b"})
IN_C = Requirements.from_labels({"topology.kubernetes.io/zone": "c"})
STORE = Snapshot(
    claims=(
        Claim(namespace="default", name="anywhere", volume="pv-free"), Claim(namespace="default", name="bound", volume="pv-b"),
        Claim(namespace="default", name="class-less", storage_class=""), Claim(namespace="default", name="default"),
        Claim(namespace="default", name="immediate", storage_class="now"),
        Claim(namespace="default", name="lost", volume="gone"), Claim(namespace="default", name="other", volume="pv-c"),
        Claim(namespace="default", name="wait", storage_class="later"), Claim(namespace="default", name="what", storage_class="odd"),
    ),
    volumes=(Volume(name="pv-b", alternatives=(IN_B,)), Volume(name="pv-c", alternatives=(IN_C,)), Volume(name="pv-free")),
    storage_classes=(
        StorageClass(name="free", binding=BindingMode.WAIT, is_default=True),
        StorageClass(name="later", binding=BindingMode.WAIT, topologies=(IN_B, IN_C)),
        StorageClass(name="now"),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("claims", "places"),
    [
        ((), (Requirements(),)), (("bound",), (IN_B,)), (("wait",), (IN_B, IN_C)), (("bound", "wait"), (IN_B,)),
        (("anywhere",), (Requirements(),)), (("default",), (Requirements(),)), (("anywhere", "wait"), (IN_B, IN_C)),
    ],
)  # fmt: skip
def test_a_pod_goes_where_all_its_volumes_can_be(claims: tuple[str, ...], places: tuple[Requirements, ...]) -> None:
    assert VolumeIndex.of(STORE).where(replace(PENDING, needs=Needs(claims=claims))) == places


def test_volumes_in_two_zones_leave_no_place() -> None:
    found = VolumeIndex.of(STORE).where(replace(PENDING, needs=Needs(claims=("bound", "other"))))
    assert isinstance(found, tuple)
    assert all(one.empty_keys() for one in found)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("nowhere", "not in the snapshot"), ("lost", "volume gone of claim default/lost is not in the snapshot"),
        ("immediate", "class now binds immediately"), ("class-less", "asks for no storage class"),
        ("what", "storage class odd is not in the snapshot"),
    ],
)  # fmt: skip
def test_a_claim_that_no_node_can_help_says_why(claim: str, text: str) -> None:
    found = VolumeIndex.of(STORE).where(replace(PENDING, needs=Needs(claims=(claim,))))
    assert isinstance(found, Refusal)
    assert (found.filter, text in found.detail) == ("Volumes", True)


# What-if workloads


def workload(kind: str = "Deployment", name: str = "web", replicas: int = 3, **fields: Any) -> Workload:
    needs = fields.pop("needs", Needs())
    return Workload(owner=Owner(kind, "default", name), replicas=replicas, template=PodTemplate(needs=needs), **fields)


def names(snapshot: Snapshot) -> list[str]:
    return [one.name for one in with_workloads(snapshot).pods if not one.node_name]


def owned(name: str, owner: Owner, **fields: Any) -> Pod:
    return Pod(namespace="default", name=name, owner=owner, **{"node_name": "n1", "phase": Phase.RUNNING, **fields})


def test_a_workload_stands_for_the_pods_that_are_missing() -> None:
    one = workload()
    there = (owned("x", one.owner), owned("done", one.owner, phase=Phase.SUCCEEDED), owned("leaving", one.owner, deleting=True))
    assert names(Snapshot(workloads=(one,))) == ["web-whatif-1", "web-whatif-2", "web-whatif-3"]
    assert names(Snapshot(workloads=(one,), pods=there)) == ["web-whatif-1", "web-whatif-2"]
    assert names(Snapshot(workloads=(replace(one, replicas=1),), pods=there)) == []


def test_the_pods_of_a_stateful_set_are_numbered() -> None:
    one = workload("StatefulSet", "db")
    assert names(Snapshot(workloads=(one,), pods=(owned("db-1", one.owner),))) == ["db-0", "db-2"]


def test_workloads_of_one_name_share_no_pod() -> None:
    found = names(Snapshot(workloads=(workload(replicas=1), workload("Job", replicas=2))))
    assert len(set(found)) == len(found) == 3


def test_a_claim_of_each_pod_of_a_stateful_set() -> None:
    one = workload("StatefulSet", "db", 2, claim_templates=(("data", "fast"),))
    there = Claim(namespace="default", name="data-db-0", volume="pv-1")
    found = with_workloads(Snapshot(workloads=(one,), claims=(there,)))
    assert found.claims == (there, Claim(namespace="default", name="data-db-1", storage_class="fast"))
    assert [one.needs.claims for one in found.pods] == [("data-db-0",), ("data-db-1",)]


def test_admission_is_done_for_them() -> None:
    classes = (PriorityClass(name="high", value=1000), PriorityClass(name="usual", value=5, is_default=True))
    kata = RuntimeClass(
        name="kata", overhead=Resources.of({"cpu": 250}), selector=(("kata", "yes"),), tolerations=(Toleration("kata", "Exists"),)
    )
    needs = Needs(requests=Resources.of({"cpu": 1000}), runtime_class="kata")
    snapshot = Snapshot(
        workloads=(workload(needs=needs, replicas=1), workload(name="api", replicas=1, needs=Needs(priority_class="high"))),
        priority_classes=classes, runtime_classes=(kata,),
    )  # fmt: skip
    api, web = with_workloads(snapshot).pods
    assert (api.needs.priority, web.needs.priority) == (1000, 5)
    assert web.needs.requests == Resources.of({"cpu": 1250})
    assert web.needs.alternatives == (Requirements.from_labels({"kata": "yes"}),)
    assert web.needs.tolerations == (Toleration("kata", "Exists"),)
