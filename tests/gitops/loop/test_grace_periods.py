"""How far a drain goes: what cluster.yaml says, and when NodePools let pods be deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gitops.cluster.node_hands import DrainLimits
from gitops.delivery import limits_of
from gitops.errors import InputError
from gitops.loop.trees import Trees
from gitops.settings_draining import Draining
from planner.policy import NodeClass, NodePool, Policy
from renderer.files import FileSet
from tests.gitops.loop.town import Town, nodes

PATIENT = Policy(
    node_pools=(NodePool(name="general", node_class="default", termination_grace_period=1800),),
    node_classes=(NodeClass(name="default", region="EU-WEST-PAR"),),
)  # fmt: skip


def trees_of(town: Town, policy: Policy) -> Trees:
    town.edit_pools(nodes(3))
    return replace(town.trees(), read_policy=lambda _: policy)


def test_pools_take_the_time_of_their_node_pool() -> None:
    town = Town()
    trees = trees_of(town, PATIENT)
    assert trees.grace_periods(trees.at(town.main)) == {"karpenter-b3-8-a": 1800}


def test_nobody_is_overruled_where_the_policy_or_the_region_is_not_known() -> None:
    def broken(_: FileSet) -> Policy:
        raise InputError("is no policy")

    town = Town()
    nowhere = replace(PATIENT, node_classes=(NodeClass(name="default"),))
    for policy in (lambda _: nowhere, broken):
        trees = replace(trees_of(town, PATIENT), read_policy=policy)
        assert trees.grace_periods(trees.at(town.main)) == {}


def test_limits_are_those_of_cluster_yaml() -> None:
    settings = replace(Town().settings, draining=Draining(timeout=timedelta(minutes=5), at_once=2, bare=True))
    assert limits_of(settings, {"a": 60}) == DrainLimits(
        timeout=timedelta(minutes=5), forced={"a": 60}, bare=True, at_once=2
    )
