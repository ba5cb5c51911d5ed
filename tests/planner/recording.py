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
from planner.aims import Aims
from planner.bins import node_bins
from planner.cycle import Cycle
from planner.demand import collect_demand
from planner.kinds import make_kinds
from planner.prepare import prepared
from planner.replay import Arrival, Stage, make_stage
from planner.standing import set_domains, stand

if TYPE_CHECKING:
    from planner.cycle import Run
    from planner.scores import Ints
    from planner.snapshot import Snapshot

Object = dict[str, Any]


def snapshot_of(cluster: Object) -> Snapshot:
    """A cluster as the planner looks at it."""
    read = make_inputs(items_of(Source("cluster.json", json.dumps(cluster).encode())), environment={})
    return prepared(read.snapshot, Aims())


def stage_of(snapshot: Snapshot, *, there: int = 0, aims: Aims = Aims()) -> Stage:  # noqa: B008 - an immutable value
    """A cluster's own nodes and the pods that wait, with nothing to order."""
    demand = collect_demand(snapshot, aims)
    kinds = make_kinds(demand.groups, snapshot.pods, snapshot.namespaces)
    usable = [node for node in snapshot.nodes if not node.unschedulable]
    bins = node_bins(usable, snapshot.pods, snapshot.daemonsets, passing=frozenset())
    board = stand(kinds, bins, snapshot)
    set_domains(board, snapshot, {}, ())
    arrivals = [Arrival(kind, group) for kind in kinds.kinds for group in kind.members]
    whole = len(usable) == len(snapshot.nodes)
    return make_stage(board, arrivals, snapshot, there=there, whole=whole)


def disagreements(recording: Object) -> list[str]:
    """Every step in which the replay sees other nodes or other scores than the scheduler saw. Best: none."""
    stage = stage_of(snapshot_of(recording["cluster"]))
    index = {pod: place for place, one in enumerate(stage.arrivals) for pod in one.group.pods}
    cycle = Cycle(stage.board.copy(), stage.arrivals, stage.book, 0)
    found = []
    for number, step in enumerate(recording["steps"]):
        run = cycle.start(index[step["pod"]])
        real = _real(step)
        nodes = _nodes(cycle, run, real)
        scores = cycle.scores(run, nodes) if len(nodes) > 1 else np.zeros(len(nodes), np.int64)
        seen = {stage.board.names[node]: int(score) for node, score in zip(nodes, scores, strict=True)}
        if seen != real:
            found.append(f"step {number}, {step['pod']}: the scheduler saw {real}, the replay {seen}")
        if step["node"]:
            cycle.bind(run, stage.board.names.index(step["node"]))
    return found


def _nodes(cycle: Cycle, run: Run, real: dict[str, int]) -> Ints:
    """The nodes that pass. Of many, as many as the scheduler looks for: it looks in parallel, so which is chance."""
    nodes, passing = cycle.feasible(run), cycle.passing(run)
    if len(nodes) < np.count_nonzero(passing) and len(nodes) == len(real):
        return np.array([node for node in passing.nonzero()[0] if cycle.board.names[node] in real], np.int64)
    return nodes


def _real(step: Object) -> dict[str, int]:
    scores = {node: sum(by_plugin.values()) for node, by_plugin in step["scores"].items()}
    return scores or ({step["node"]: 0} if step["node"] else {})
