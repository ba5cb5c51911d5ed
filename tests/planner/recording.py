"""Follows what the real kube-scheduler did, step by step, and compares what it saw with what the replay sees.

A recording is a cluster as ``kubectl get -o json`` writes it, from before the scheduler started, and the steps that the
scheduler then took. Where it chose among equal nodes, the recording is followed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from gitops.cluster import make_inputs
from gitops.cluster.files import Source
from gitops.cluster.items import items_of
from planner.bins import node_bins
from planner.cycle import Cycle
from planner.demand import collect_demand
from planner.ledger import Ledger
from planner.replay import make_stage
from planner.solve import Problem

if TYPE_CHECKING:
    from planner.replay import Stage

Object = dict[str, Any]


def problem_of(cluster: Object) -> Problem:
    """A cluster's nodes and the pods that wait, with nothing to order."""
    read = make_inputs(items_of(Source("cluster.json", json.dumps(cluster).encode())), environment={})
    snapshot = read.snapshot
    usable = [node for node in snapshot.nodes if not node.unschedulable]
    bins = node_bins(usable, snapshot.pods, snapshot.daemonsets, passing=frozenset())
    return Problem(demand=collect_demand(snapshot), snapshot=snapshot, bins=bins, candidates=(), ledger=Ledger(0, 0))


def disagreements(recording: Object) -> list[str]:
    """Every step in which the replay sees other nodes or other scores than the scheduler saw. Best: none."""
    problem = problem_of(recording["cluster"])
    stage = make_stage(problem, problem.demand.groups, ())
    index = {pod: number for number, group in enumerate(stage.groups) for pod in group.pods}
    cycle = Cycle(stage.rows, stage.queue, 0)
    found = []
    for number, step in enumerate(recording["steps"]):
        one = stage.queue.groups[index[step["pod"]]]
        seen, real = _seen(stage, cycle, step), _real(step)
        if seen != real:
            found.append(f"step {number}, {step['pod']}: the scheduler saw {real}, the replay {seen}")
        if step["node"]:
            cycle.bind(one, stage.rows.index[step["node"]])
    return found


def _seen(stage: Stage, cycle: Cycle, step: Object) -> dict[str, int]:
    index = {pod: number for number, group in enumerate(stage.groups) for pod in group.pods}
    one = stage.queue.groups[index[step["pod"]]]
    nodes = cycle.feasible(one)
    scores = cycle.scores(one, nodes) if len(nodes) > 1 else np.zeros(len(nodes), dtype=np.int64)
    return {stage.rows.rows[node].name: int(score) for node, score in sorted(zip(nodes, scores, strict=True))}


def _real(step: Object) -> dict[str, int]:
    scores = {node: sum(by_plugin.values()) for node, by_plugin in step["scores"].items()}
    return scores or ({step["node"]: 0} if step["node"] else {})
