"""Declared against observed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops.verify import find_drift
from planner.pools import Pool, PoolSet, ProviderState
from planner.taints import Taint
from tests.gitops.plans import pool

HERE = pool("karpenter-a", 2)
OTHER = pool("system", 1, autoscale=True)


@pytest.mark.parametrize(("declared", "observed", "said"), [
    ((HERE,), (HERE,), []),
    ((), (OTHER,), []),
    ((HERE,), (), ["karpenter-a: Git declares it with 2 nodes, the provider has no such pool"]),
    ((), (HERE.resized(1),), ["karpenter-a: the provider has it with 1 node, Git does not declare it"]),
    ((HERE,), (HERE.resized(3),), ["karpenter-a: desired is 3 at the provider, 2 in Git"]),
    (
        (HERE,), (replace(HERE, flavor="b3-16", zones=(), autoscale=True, labels=(("a", "b"),), taints=(Taint("x"),)),),
        [
            "karpenter-a: autoscale is true at the provider, false in Git",
            "karpenter-a: flavor is b3-16 at the provider, b3-8 in Git",
            "karpenter-a: labels is [a=b] at the provider, [] in Git",
            "karpenter-a: taints is [x:NoSchedule] at the provider, [] in Git",
            "karpenter-a: zones is [] at the provider, [eu-west-par-a] in Git",
        ],
    ),
    (
        (HERE,), (replace(HERE, state=ProviderState(id="1", status="UPSCALING", available_nodes=1)),),
        ["karpenter-a: it is in state UPSCALING, 1 of 2 nodes there"],
    ),
    ((HERE,), (replace(HERE, state=ProviderState(id="1", status="READY", available_nodes=2)),), []),
])  # fmt: skip
def test_every_difference_is_a_sentence(
    declared: tuple[Pool, ...], observed: tuple[Pool, ...], said: list[str]
) -> None:
    assert [str(one) for one in find_drift(PoolSet.of(declared), PoolSet.of(observed))] == said


def test_a_pool_that_was_let_go_of_is_nobody_s_business() -> None:
    observed = PoolSet.of([pool("karpenter-a"), pool("karpenter-b")])
    assert [one.pool for one in find_drift(PoolSet(), observed, released=frozenset({"karpenter-a"}))] == ["karpenter-b"]
