"""Each usual mistake is guessed at, and what is in order is left in peace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from planner.decide import consider
from planner.explain import explain_pod
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod

if TYPE_CHECKING:
    from planner.explain import PodStudy

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
TAINT = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}


def study(*objects: Any, **options: Any) -> PodStudy:
    """The study of the pod ``it`` in a cluster of one node that takes nothing."""
    system = node("system", taints=[{"key": "own", "effect": "NoSchedule"}])
    inputs = inputs_of([node_class(), node_pool(**options), system, *objects])
    return explain_pod(consider(inputs, now=NOW), "default/it")


def rule(kind: str, key: str, app: str) -> dict[str, Any]:
    terms = [{"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}]
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("it", "codes"),
    [
        (pod("it"), []),
        (pod("it", "4"), []),
        (pod("it", "1000"), ["cpu-unit"]),
        (pod("it", "40"), []),
        (pod("it", "100m", "512m"), ["memory-unit"]),
        (pod("it", "100m", "512k"), ["memory-unit"]),
        (pod("it", "100m", "0"), []),
        (pod("it", "100m", "13Gi"), ["memory-binary"]),
        (pod("it", "100m", "2Ti"), ["memory-unit"]),
        (pod("it", nodeSelector={"topology.kubernetes.io/zones": "eu-west-par-a"}), ["label-key"]),
        (pod("it", nodeSelector={"example.com/zone": "eu-west-par-a"}), []),
        (pod("it", nodeSelector={"example.com/arch": "amd64"}), ["label-key"]),
        (pod("it", nodeSelector={"kubernetes.io/os": "linus"}), ["label-value"]),
        (pod("it", nodeSelector={ZONE: "eu-west-par-q"}), []),
        (pod("it", tolerations=[{"key": "dedicated", "operator": "Exists"}]), []),
        (pod("it", affinity=rule("podAffinity", ZONE, "gone")), ["affinity-target"]),
        (pod("it", affinity=rule("podAffinity", "rack", "it"), labels={"app": "it"}), ["topology-key"]),
        (pod("it", affinity=rule("podAffinity", HOST, "it") | rule("podAntiAffinity", ZONE, "it"), labels={"app": "it"}), ["contradiction"]),
        (pod("it", affinity=rule("podAffinity", ZONE, "it") | rule("podAntiAffinity", HOST, "it"), labels={"app": "it"}), []),
    ],
)  # fmt: skip
def test_what_may_have_been_meant(it: Any, codes: list[str]) -> None:
    assert [hint.code for hint in study(it).hints] == codes


@pytest.mark.parametrize(
    ("toleration", "codes"),
    [
        ({"key": "dedicated", "value": "web"}, ["toleration-value"]),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}, ["toleration-effect"]),
        ({"key": "dedcated", "operator": "Exists"}, ["toleration-key"]),
        ({"key": "dedicated", "value": "batch"}, []),
        ({"key": "other", "operator": "Exists"}, []),
    ],
)
def test_by_what_a_toleration_misses(toleration: dict[str, str], codes: list[str]) -> None:
    found = study(pod("it", tolerations=[toleration]), taints=[TAINT])
    assert [hint.code for hint in found.hints] == codes
