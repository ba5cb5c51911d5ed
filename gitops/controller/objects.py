"""What a cluster is to show of its plans, as plain objects: Events on pods and NodePools, conditions, ScalePlans; pure.

Conditions follow Kubernetes' API conventions and kstatus: ``Ready`` says whether an object is understood and can be
used, ``Reconciling`` that something of it is under way, ``Stalled`` that nobody can get on with it; each names the
generation that it was judged by.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gitops.controller.pods import Stands, pods_of
from gitops.controller.proposals import state_of
from planner.coverage import find_gaps
from planner.decide import find_region
from planner.guardrails import nodes_added, nodes_removed
from planner.onorder import awaited
from planner.ownership import owners
from planner.quantity import format_money
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitops.controller.view import View
    from gitops.loop.acting import Done
    from planner.decide import Inputs
    from planner.plan import Change
    from planner.pools import Pool

GROUP, VERSION = "poolplan.dev", "v1alpha1"
LONGEST = 1024
"""Characters of a message at most, as the API server takes them of an Event."""
STALLED_AFTER = timedelta(minutes=5)
"""How long passes fail before objects say so: one that fails once is followed by another soon."""
_TELLING: Final = {"Ready": False, "Reconciling": True, "Stalled": True}
"""The status of each type of condition that is an Event's worth."""
_REASONS: Final = {
    Stands.UNCOVERED: ("Warning", "NotCovered"), Stands.PLANNED: ("Normal", "CapacityPlanned"),
    Stands.PROPOSED: ("Normal", "CapacityProposed"), Stands.APPROVED: ("Normal", "CapacityApproved"),
    Stands.JOINING: ("Normal", "NodeJoining"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An Event to write: about which object, of which type (Normal, Warning), why, in a sentence."""

    kind: str
    api_version: str
    namespace: str
    name: str
    uid: str
    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of an object. ``status`` is True or False."""

    type: str
    status: bool
    reason: str
    message: str


def pod_happenings(view: View) -> tuple[Happening, ...]:
    """What there is to say of each waiting pod now, by its key. Pods for which a node has room need no word."""
    if view.planned is None:
        return ()
    pods = {pod.key: pod for pod in view.planned.inputs.snapshot.pods}
    found = []
    for key, told in sorted(pods_of(view).items()):
        pod = pods.get(key)
        if pod is not None and told.stands in _REASONS:
            type_, reason = _REASONS[told.stands]
            found.append(Happening(
                kind="Pod", api_version="v1", namespace=pod.namespace, name=pod.name, uid=pod.uid, type=type_,
                reason=reason, message=told.text,
            ))  # fmt: skip
    return tuple(found)


def node_pool_conditions(view: View) -> Mapping[str, tuple[Condition, ...]]:
    """The conditions of each NodePool by name. A pool that several could have made is told of at each (ADR 5)."""
    planned = view.planned
    if planned is None:
        return {}
    inputs = planned.inputs
    region = find_region(inputs)

    def named(pool: Pool) -> frozenset[str]:
        return frozenset(one.name for one in owners(pool, inputs.policy, inputs.catalog, region))

    gaps = {gap.node_pool: gap.text for gap in find_gaps(inputs.policy, inputs.catalog, region) if gap.total}
    declared = [(named(pool), pool) for pool in planned.plan.declared]
    proposed, coming = ([(named(pool), text) for pool, text in told] for told in (_changes(view), _to_come(inputs)))
    return {
        name: (
            _usable(gaps.get(name, ""), [pool for names, pool in declared if name in names]),
            _under_way(
                [text for names, text in proposed if name in names], [text for names, text in coming if name in names]
            ),
        )
        for name in (one.name for one in inputs.policy.node_pools)
    }


def conditions_of(view: View) -> Iterator[tuple[str, str, tuple[Condition, ...]]]:
    """What each object is to carry, by kind and name; while passes fail, that they do, and nothing stale."""
    told = {"NodePool": node_pool_conditions(view), "OVHNodeClass": node_class_conditions(view)}
    last = stalled(view)
    for kind, by_name in told.items():
        for name, conditions in by_name.items():
            yield kind, name, (last,) if view.problem else (*conditions, last)


def stalled(view: View) -> Condition:
    """Whether passes have failed for so long that what objects say may be out of date, and why."""
    told = view.problem if view.at and view.succeeded and view.at - view.succeeded >= STALLED_AFTER else ""
    text = told or "passes come to their end"
    return Condition(type="Stalled", status=bool(told), reason="PassFails" if told else "PassDone", message=text)


def condition_happenings(
    about: tuple[str, str, str, str], wanted: Sequence[Condition], known_messages: Mapping[str, str]
) -> tuple[Happening, ...]:
    """What an object's Events are to say: what is under way, and what is in the way, where it was not said before.

    ``about`` is its kind, apiVersion, name and uid; ``known_messages`` are those of its conditions so far, by type.
    """
    kind, api_version, name, uid = about
    return tuple(
        Happening(
            kind=kind, api_version=api_version, namespace="", name=name, uid=uid,
            type="Normal" if one.type == "Reconciling" else "Warning", reason=one.reason, message=one.message,
        )
        for one in wanted
        if one.status is _TELLING[one.type] and known_messages.get(one.type) != one.message[:LONGEST]
    )  # fmt: skip


def node_class_conditions(view: View) -> Mapping[str, tuple[Condition, ...]]:
    """The conditions of each OVHNodeClass by name: what its nodes are ordered in, once a pass has come to its end."""
    if view.planned is None:
        return {}
    region = find_region(view.planned.inputs)
    text = f"region {region.name}, zones {', '.join(region.zones)}"
    ready = Condition(type="Ready", status=True, reason="Understood", message=text)
    return {one.name: (ready,) for one in view.planned.inputs.policy.node_classes}


def scale_plans(view: View) -> Mapping[str, dict[str, object]]:
    """The status of the ScalePlan of each proposal that stands, by the object's name."""
    if view.planned is None or view.proposed is None:
        return {}
    return {
        f"{view.cluster}-{done.kind}": _scale_plan(view, done)
        for done in view.proposed.done if done.commit and done.plan is not None
    }


def _usable(gap: str, pools: Sequence[Pool]) -> Condition:
    if gap:
        return Condition(type="Ready", status=False, reason="NothingToOrder", message=gap)
    nodes = sum(pool.desired for pool in pools)
    text = f"{count(len(pools), 'pool')} with {count(nodes, 'node')}"
    return Condition(type="Ready", status=True, reason="InUse" if pools else "Usable", message=text)


def _under_way(proposed: Sequence[str], coming: Sequence[str]) -> Condition:
    """What is proposed of a NodePool's pools, or else which of their nodes are still to come."""
    if proposed:
        return Condition(type="Reconciling", status=True, reason="ChangeProposed", message="; ".join(proposed))
    if coming:
        return Condition(type="Reconciling", status=True, reason="NodesToCome", message="; ".join(coming))
    return Condition(type="Reconciling", status=False, reason="NothingToDo", message="nothing is to be done")


def _changes(view: View) -> Iterator[tuple[Pool, str]]:
    """The pools that proposals which stand would change, and how."""
    for done in view.proposed.done if view.proposed else ():
        for change in done.plan.changes if done.plan is not None and done.commit else ():
            pool = change.after or change.before
            if pool is not None:
                yield pool, _change_text(done, change)


def _to_come(inputs: Inputs) -> Iterator[tuple[Pool, str]]:
    """The declared pools of which nodes are approved, or ordered, and not there yet, and how many."""
    found = Counter(awaited(inputs.declared, inputs.observed, inputs.snapshot.nodes).values())
    for (name, ordered), number in sorted(found.items()):
        pool = inputs.declared.get(name)
        if pool is not None:
            verb = "is" if number == 1 else "are"
            how = f"{verb} joining" if ordered else f"{verb} approved and not ordered yet"
            yield pool, f"{name}: {count(number, 'node')} {how}"


def _change_text(done: Done, change: Change) -> str:
    more = (change.after.desired if change.after else 0) - (change.before.desired if change.before else 0)
    return f"{_where(done)}: {change.pool} {more:+d}"


def _where(done: Done) -> str:
    number = done.url.rpartition("/")[2]
    return f"#{number}" if number.isdigit() else done.branch


def _scale_plan(view: View, done: Done) -> dict[str, object]:
    plan = done.plan
    assert plan is not None, "only standing plans are shown"  # noqa: S101 - for the type checker
    state, since = state_of(view, done)
    return {
        "cluster": view.cluster, "kind": done.kind, "digest": plan.digest, "state": state.value, "since": since,
        "summary": ", ".join(_change_text(done, change).partition(": ")[2] for change in plan.changes)[:1024],
        "nodesAdded": sum(map(nodes_added, plan.changes)), "nodesRemoved": sum(map(nodes_removed, plan.changes)),
        "hourlyBefore": format_money(plan.cost.before.hourly), "hourlyAfter": format_money(plan.cost.after.hourly),
        "currency": plan.cost.currency, "url": done.url, "branch": done.branch, "waitsFor": done.reason,
        "pools": [
            {"name": str(change.pool), "action": change.action.value, "before": change.before.desired if change.before
             else 0, "after": change.after.desired if change.after else 0}
            for change in plan.changes
        ],
    }  # fmt: skip

