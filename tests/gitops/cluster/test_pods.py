"""Pods: what they request, where they may run, whose they are, and what state they are in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from planner.labels import ARCH, HOSTNAME, ZONE
from planner.pods import AffinityTerm, Owner, Phase, Preference, Scheduling, Spread
from planner.requirements import Requirement, Requirements
from planner.snapshot import Claim
from planner.taints import Toleration

from .made import Object, container, one_pod, plain, pod, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from planner.pods import Needs

MI, GI = 1024**2, 1024**3
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def needs(folder: Path, **spec: Any) -> Needs:
    return one_pod(folder, pod(spec=spec)).needs


def term(*expressions: Object, fields: list[Object] | None = None) -> Object:
    return {"matchExpressions": list(expressions), "matchFields": fields or []}


def expression(key: str, *values: str, operator: str = "In") -> Object:
    return {"key": key, "operator": operator, "values": list(values)}


def node_affinity(*terms: Object) -> Object:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


def requirements(**labels: str) -> Requirements:
    return Requirements.from_labels(labels)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container("500m", "1Gi"), container("1", "512Mi")]}, {"cpu": 1500, "memory": 1536 * MI}),
        ({"containers": [container()]}, {}),
        ({"containers": [container("1", limits={"cpu": "2", "memory": "1Gi"})]}, {"cpu": 1000, "memory": GI}),
        ({"containers": [container("0", limits={"cpu": "2"})]}, {}),
        ({"containers": [container("1")], "initContainers": [container("3")]}, {"cpu": 3000}),
        ({"containers": [container("1")], "initContainers": [container("2", restartPolicy="Always")]}, {"cpu": 3000}),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, {"cpu": 1250}),
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "4"}}}, {"cpu": 4000}),
        ({"containers": [container("1")], "resources": {"limits": {"cpu": "4", "memory": "1Gi"}}},
         {"cpu": 1000, "memory": GI}),
        ({"containers": [{"name": "c"}]}, {}),
        ({"containers": [{"name": "c", "resources": {"requests": {"cpu": 1, "memory": 1.5}}}]},
         {"cpu": 1000, "memory": 2}),
    ],
)  # fmt: skip
def test_requests(tmp_path: Path, spec: Object, expected: dict[str, int]) -> None:
    assert dict(needs(tmp_path, **spec).requests) == {**expected, "pods": 1}


def test_a_node_selector_asks_by_modern_names(tmp_path: Path) -> None:
    found = needs(tmp_path, nodeSelector={"beta.kubernetes.io/arch": "amd64", "team": "a"})
    assert found.alternatives == (Requirements.from_labels({ARCH: "amd64", "team": "a"}),)


def test_affinity_terms_are_alternatives_with_the_selector_in_each(tmp_path: Path) -> None:
    affinity = node_affinity(term(expression("zone", "a")), term(expression("disk", operator="Exists")))
    found = needs(tmp_path, nodeSelector={"team": "x"}, affinity=affinity)
    exists = Requirements.of([Requirement("disk", complement=True)])
    assert found.alternatives == (requirements(team="x", zone="a"), requirements(team="x").intersect(exists))


def test_a_term_without_expressions_matches_no_node(tmp_path: Path) -> None:
    assert needs(tmp_path, affinity=node_affinity(term(), term(expression("zone", "a")))).alternatives == (
        requirements(zone="a"),
    )
    assert needs(tmp_path, affinity=node_affinity(term())).alternatives == ()


def test_a_pod_without_affinity_may_run_anywhere(tmp_path: Path) -> None:
    assert needs(tmp_path).alternatives == (Requirements(),)
    assert needs(tmp_path, affinity={"nodeAffinity": {}}).alternatives == (Requirements(),)


NAMED = [expression("metadata.name", "n1")]


def test_node_names(tmp_path: Path) -> None:
    found = needs(tmp_path, affinity=node_affinity(term(fields=NAMED)))
    assert (found.node_names, found.alternatives) == (("n1",), (Requirements(),))


def test_node_names_of_only_some_terms_are_asked_for_by_host_name(tmp_path: Path) -> None:
    found = needs(tmp_path, affinity=node_affinity(term(fields=NAMED), term(expression("zone", "a"))))
    assert found.node_names is None
    assert found.alternatives == (Requirements.from_labels({HOSTNAME: "n1"}), requirements(zone="a"))


def test_a_node_name_that_is_excluded(tmp_path: Path) -> None:
    found = needs(tmp_path, affinity=node_affinity(term(fields=[expression("metadata.name", "n1", operator="NotIn")])))
    assert [one.allow({HOSTNAME: name}) for one in found.alternatives for name in ("n1", "n2")] == [False, True]


def test_preferences(tmp_path: Path) -> None:
    preferred = [{"weight": 7, "preference": term(expression("zone", "a"))}, {"weight": 1, "preference": {}}]
    found = needs(tmp_path, affinity={"nodeAffinity": {PREFERRED: preferred}})
    assert found.preferences == (Preference(7, requirements(zone="a")),)


def test_tolerations_are_sorted_and_numeric_ones_tolerate_nothing(tmp_path: Path) -> None:
    written = [
        {"key": "team", "value": "a", "effect": "NoSchedule"}, {"operator": "Exists"},
        {"key": "size", "operator": "Gt", "value": "3"}, {"operator": "Exists"},
    ]  # fmt: skip
    assert needs(tmp_path, tolerations=written).tolerations == (
        Toleration(operator="Exists"),
        Toleration("team", "Equal", "a", "NoSchedule"),
    )


def test_spread_constraints_with_label_keys_merged(tmp_path: Path) -> None:
    constraint = {
        "maxSkew": 2, "topologyKey": "failure-domain.beta.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}}, "matchLabelKeys": ["version", "absent"], "minDomains": 3,
        "nodeAffinityPolicy": "Ignore", "nodeTaintsPolicy": "Honor",
    }  # fmt: skip
    written = pod(spec={"topologySpreadConstraints": [constraint]}, labels={"app": "web", "version": "2"})
    assert one_pod(tmp_path, written).needs.spreads == (
        Spread(
            topology_key=ZONE, max_skew=2, selector=requirements(app="web", version="2"), min_domains=3,
            honor_affinity=False, honor_taints=True, match_label_keys=("absent",),
        ),
    )  # fmt: skip


def test_a_spread_constraint_without_a_selector_counts_no_pod(tmp_path: Path) -> None:
    constraint = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway"}
    assert needs(tmp_path, topologySpreadConstraints=[constraint]).spreads == (
        Spread(topology_key=ZONE, required=False),
    )


def test_terms_beside_other_pods(tmp_path: Path) -> None:
    near = {"topologyKey": ZONE, "labelSelector": {}, "namespaces": ["b", "a"], "matchLabelKeys": ["version"]}
    far = {"topologyKey": HOSTNAME, "namespaceSelector": {"matchLabels": {"env": "prod"}}}
    affinity = {
        "podAffinity": {REQUIRED: [near]},
        "podAntiAffinity": {PREFERRED: [{"weight": 5, "podAffinityTerm": far}]},
    }
    found = needs(tmp_path, affinity=affinity)
    assert found.affinity == (
        AffinityTerm(
            topology_key=ZONE, selector=Requirements(), namespaces=("a", "b"), match_label_keys=("version",)
        ),
    )  # fmt: skip
    assert found.anti_affinity == (
        AffinityTerm(topology_key=HOSTNAME, namespace_selector=requirements(env="prod"), weight=5),
    )


def test_host_ports(tmp_path: Path) -> None:
    ports = [{"containerPort": 80}, {"containerPort": 53, "hostPort": 5353, "protocol": "UDP", "hostIP": "10.0.0.1"}]
    assert needs(tmp_path, containers=[container(ports=ports)]).host_ports == (("10.0.0.1", "UDP", 5353),)
    assert needs(tmp_path, containers=[container(ports=ports)], hostNetwork=True).host_ports == (
        ("0.0.0.0", "TCP", 80),  # noqa: S104 - every address, as Kubernetes means it
        ("10.0.0.1", "UDP", 5353),
    )


VOLUMES = [
    {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
    {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}},
    {"name": "token", "projected": {}},
]


def test_claims_of_volumes_and_of_ephemeral_ones(tmp_path: Path) -> None:
    read = snapshot(tmp_path, pod(spec={"volumes": VOLUMES}))
    assert read.pods[0].needs.claims == ("web-data", "web-scratch")
    assert read.claims == (Claim(namespace="shop", name="web-scratch", storage_class="fast"),)


def test_an_ephemeral_volume_whose_claim_is_made_already(tmp_path: Path) -> None:
    made = plain("PersistentVolumeClaim", "web-scratch", metadata={"namespace": "shop"}, spec={"volumeName": "pv-1"})
    assert snapshot(tmp_path, pod(spec={"volumes": VOLUMES}), made).claims == (
        Claim(namespace="shop", name="web-scratch", volume="pv-1"),
    )


@pytest.mark.parametrize(
    ("controller", "labels", "owner"),
    [
        (("ReplicaSet", "web-5d8f7"), {"pod-template-hash": "5d8f7"}, ("Deployment", "web")),
        (("ReplicaSet", "web"), {}, ("ReplicaSet", "web")),
        (("ReplicaSet", "web-1"), {"pod-template-hash": "2"}, ("ReplicaSet", "web-1")),
        (("StatefulSet", "db"), {}, ("StatefulSet", "db")),
        (("Job", "nightly-2891"), {}, ("Job", "nightly-2891")),
    ],
)
def test_owners_are_what_people_call_them(
    tmp_path: Path, controller: tuple[str, str], labels: dict[str, str], owner: tuple[str, str]
) -> None:
    references = [
        {"kind": "Other", "name": "x"},
        {"kind": controller[0], "name": controller[1], "controller": True},
    ]
    read = one_pod(tmp_path, pod(labels=labels, ownerReferences=references))
    assert (read.controller, read.owner) == (controller, Owner(owner[0], "shop", owner[1]))


def test_a_bare_pod_has_no_owner(tmp_path: Path) -> None:
    assert one_pod(tmp_path, pod()).owner is None


def condition(status: str, reason: str = "") -> Object:
    return {"conditions": [{"type": "PodScheduled", "status": status, "reason": reason}]}


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, {}, Scheduling.UNTRIED),
        ({}, condition("False", "Unschedulable"), Scheduling.UNSCHEDULABLE),
        ({}, condition("False", "SchedulingGated"), Scheduling.GATED),
        ({}, condition("False", "SomethingNew"), Scheduling.UNTRIED),
        ({}, condition("True"), Scheduling.SCHEDULED),
        ({"schedulingGates": [{"name": "quota"}]}, {}, Scheduling.GATED),
        ({"nodeName": "n1"}, {}, Scheduling.SCHEDULED),
    ],
)
def test_scheduling(tmp_path: Path, spec: Object, status: Object, expected: Scheduling) -> None:
    assert one_pod(tmp_path, pod(spec=spec, status=status)).scheduling is expected


def test_a_pod_that_is_not_scheduled_says_since_when(tmp_path: Path) -> None:
    def since(status: str) -> datetime | None:
        told = {"type": "PodScheduled", "status": status, "lastTransitionTime": "2026-01-02T03:04:05+02:00"}
        return one_pod(tmp_path, pod(status={"conditions": [told]})).unscheduled_since

    assert since("False") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert since("True") is None


@pytest.mark.parametrize(
    ("phase", "expected"),
    [(None, Phase.PENDING), ("Running", Phase.RUNNING), ("Unknown", Phase.UNKNOWN), ("Dreaming", Phase.UNKNOWN)],
)
def test_phases(tmp_path: Path, phase: str | None, expected: Phase) -> None:
    assert one_pod(tmp_path, pod(status={"phase": phase})).phase is expected


def test_when_a_pod_ended(tmp_path: Path) -> None:
    times = ("2026-01-01T00:00:00Z", "2026-01-01T03:00:00+02:00")
    ended = [{"state": {"terminated": {"finishedAt": time}}} for time in times]
    late = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T09:00:00Z"}
    by_container = pod(status={"phase": "Succeeded", "containerStatuses": ended, "conditions": [late]})
    assert one_pod(tmp_path, by_container).finished_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert one_pod(tmp_path, pod(status={"phase": "Failed", "conditions": [late]})).finished_at == datetime(
        2026, 1, 1, 9, tzinfo=UTC
    )
    assert one_pod(tmp_path, pod(status={"phase": "Running", "conditions": [late]})).finished_at is None


def test_only_annotations_that_decide_something_are_kept(tmp_path: Path) -> None:
    annotations = {
        "karpenter.sh/do-not-disrupt": "true", "kubernetes.io/config.mirror": "abc",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }  # fmt: skip
    read = one_pod(tmp_path, pod(annotations=annotations, deletionTimestamp="2026-01-01T00:00:00Z"))
    assert read.annotations == (("karpenter.sh/do-not-disrupt", "true"), ("kubernetes.io/config.mirror", "abc"))
    assert read.mirror
    assert read.deleting


CLASSES = (
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=10, globalDefault=True),
    plain("PriorityClass", "high", "scheduling.k8s.io/v1", value=1000),
    plain(
        "RuntimeClass", "micro", "node.k8s.io/v1", handler="micro", overhead={"podFixed": {"cpu": "100m"}},
        scheduling={"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm", "operator": "Exists"}]},
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "expected"),
    [({}, 10), ({"priorityClassName": "high"}, 1000), ({"priority": 3}, 3), ({"priorityClassName": "gone"}, 0)],
)
def test_priority_as_admission_would_set_it(tmp_path: Path, spec: Object, expected: int) -> None:
    assert one_pod(tmp_path, pod(spec=spec), *CLASSES).needs.priority == expected


def test_a_runtime_class_as_admission_would_apply_it(tmp_path: Path) -> None:
    found = one_pod(tmp_path, pod(spec={"runtimeClassName": "micro", "containers": [container("1")]}), *CLASSES).needs
    assert found.requests.get("cpu") == 1100
    assert found.alternatives == (requirements(vm="yes"),)
    assert found.tolerations == (Toleration("vm", "Exists"),)
    assert found.runtime_class == "micro"


def test_a_pod_that_passed_admission_is_left_as_it_is(tmp_path: Path) -> None:
    admitted = {
        "runtimeClassName": "micro", "priority": 10, "overhead": {"cpu": "100m"}, "containers": [container("1")],
        "nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm", "operator": "Exists"}],
    }  # fmt: skip
    given = {"runtimeClassName": "micro", "containers": [container("1")]}
    assert one_pod(tmp_path, pod(spec=admitted), *CLASSES).needs == one_pod(tmp_path, pod(spec=given), *CLASSES).needs


def test_equal_specs_share_one_value(tmp_path: Path) -> None:
    first, second = snapshot(tmp_path, pod("a"), pod("b")).pods
    assert first.needs is second.needs


# Pods that are resized in place


def sized(folder: Path, asked: str, *, allocated: str = "", actual: str = "", reason: str = "", on: str = "n1") -> int:
    """The cpu of a pod whose spec asks for so much and whose status says so much."""
    status: Object = {"name": "c"}
    status |= {"allocatedResources": {"cpu": allocated}} if allocated else {}
    status |= {"resources": {"requests": {"cpu": actual}}} if actual else {}
    conditions = [{"type": "PodResizePending", "status": "True", "reason": reason}] if reason else []
    spec = {"containers": [container(asked)], **({"nodeName": on} if on else {})}
    written = pod(spec=spec, status={"containerStatuses": [status], "conditions": conditions})
    return one_pod(folder, written).needs.requests.get("cpu")


@pytest.mark.parametrize(
    ("asked", "status", "cpu"),
    [
        ("1", {}, 1000), ("1", {"allocated": "1", "actual": "1"}, 1000), ("1", {"allocated": "2", "actual": "2"}, 2000),
        ("3", {"allocated": "2", "actual": "2"}, 3000), ("1", {"allocated": "1", "actual": "1500m"}, 1500),
        ("3", {"allocated": "2", "actual": "2", "reason": "Deferred"}, 3000),
        ("3", {"allocated": "2", "actual": "2", "reason": "Infeasible"}, 2000),
        ("1", {"allocated": "2", "on": ""}, 1000),
    ],
)  # fmt: skip
def test_a_pod_keeps_what_it_has_until_it_is_resized(tmp_path: Path, asked: str, status: Object, cpu: int) -> None:
    assert sized(tmp_path, asked, **status) == cpu


def test_only_cpu_memory_and_huge_pages_are_requested_by_the_pod_as_a_whole(tmp_path: Path) -> None:
    whole = {"requests": {"cpu": "2", "hugepages-2Mi": "4Mi", "ephemeral-storage": "9Gi"}}
    found = needs(tmp_path, containers=[container("1")], resources=whole).requests
    assert dict(found.items) == {"cpu": 2000, "hugepages-2Mi": 4 * MI, "pods": 1}


@pytest.mark.parametrize(("written", "scheduler"), [(None, ""), ("default-scheduler", ""), ("batch", "batch")])
def test_whose_pod_it_is_to_place(tmp_path: Path, written: str | None, scheduler: str) -> None:
    assert one_pod(tmp_path, pod(spec={"schedulerName": written})).scheduler == scheduler


def test_a_required_affinity_without_terms_matches_nothing(tmp_path: Path) -> None:
    assert needs(tmp_path, affinity=node_affinity()).alternatives == ()
    assert needs(tmp_path, affinity=node_affinity({})).alternatives == ()
    both = needs(tmp_path, nodeSelector={"a": "1"}, affinity=node_affinity({}, term(expression("b", "2"))))
    assert both.alternatives == (requirements(a="1", b="2"),)


def test_claims_of_devices(tmp_path: Path) -> None:
    claims = [{"name": "gpu", "resourceClaimTemplateName": "gpu"}]
    assert needs(tmp_path, resourceClaims=claims).devices == ("gpu",)
