"""Each case is a file: what is asked, what must come out, and the manifests themselves.

``expect`` is compared whole: a change, an unplaced pod or a victim that is not named there is a failure.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from planner import labels as known
from planner.decide import decide
from planner.errors import ValueRefused
from planner.naming import is_valid
from planner.plan import Action
from planner.quantity import format_money
from tests.planner.cluster import CASES, PARTS, documents, inputs_of_files

if TYPE_CHECKING:
    from pathlib import Path

    from planner.decide import Inputs
    from planner.plan import Change, Plan
    from tests.planner.cluster import Object

FILES = sorted(CASES.glob("*.yaml"))


def load(path: Path) -> tuple[Object, Inputs, datetime]:
    """A case's head, its inputs and its time."""
    head = documents(path)[0]
    assert head.keys() <= {"apiVersion", "kind", "about", "with", "now", "region", "plan", "planning", "pools", "expect"}
    paths = [path, *(PARTS / f"{name}.yaml" for name in head.get("with", ()))]
    now = datetime.fromisoformat(str(head.get("now", "2026-03-01T12:00:00Z")))
    return head, inputs_of_files(paths, head), now


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    head, inputs, now = load(path)
    expect = head["expect"]
    if "error" in expect:
        with pytest.raises(ValueRefused) as refused:
            decide(inputs, now=now)
        assert str(refused.value) == expect["error"]
        return
    plan = decide(inputs, now=now)
    assert found(plan, inputs, expect) == expect
    assert sound(plan)


def found(plan: Plan, inputs: Inputs, expect: Object) -> Object:
    """What the plan says of everything the case speaks of; what must never come unasked is always in it."""
    told: Object = {"changes": {change.pool: told_change(change) for change in plan.changes}}
    victims = sorted(victim for change in plan.changes for victim in change.victims)
    lost = sum(len(each.pods) for each in plan.unplaced)
    told |= {"victims": victims} if victims or "victims" in expect else {}
    told |= {"unplaced": lost} if lost or "unplaced" in expect else {}
    told |= {"warnings": list(plan.warnings)} if plan.warnings or "warnings" in expect else {}
    asked = {
        "hourly": lambda: format_money(plan.cost.after.hourly, decimals=4),
        "monthly": lambda: format_money(plan.cost.after.monthly),
        "placed": lambda: sum(len(each.pods) for each in plan.placements),
        "nodes": lambda: {each.name: len(each.pods) for each in plan.placements if each.pods},
        "zones": lambda: zones(plan, inputs),
        "waiting": lambda: sorted(pod for each in plan.unplaced for pod in each.pods),
        "reasons": lambda: reasons(plan),
        "pools": lambda: {name: pool_fields(plan, name, wanted) for name, wanted in expect["pools"].items()},
        "because": lambda: {change.pool: [reason.text for reason in change.reasons] for change in plan.changes},
        "drivers": lambda: {change.pool: {str(owner): n for owner, n in change.pods} for change in plan.changes},
    }
    return told | {key: tell() for key, tell in asked.items() if key in expect}


def told_change(change: Change) -> str:
    before, after = (pool.desired if pool else 0 for pool in (change.before, change.after))
    size = {Action.CREATE: f"{after}", Action.DELETE: f"{before}"}.get(change.action, f"{before} -> {after}")
    return f"{change.action.value} {size}"


def zones(plan: Plan, inputs: Inputs) -> dict[str, int]:
    """How many pods of the demand go to each zone."""
    here = {node.name: node.label_map.get(known.ZONE, "") for node in inputs.snapshot.nodes}
    counts: Counter[str] = Counter()
    for each in plan.placements:
        zone = dict(each.expected.labels)[known.ZONE] if each.expected else here[each.name]
        counts[zone] += len(each.pods)
    return {zone: count for zone, count in sorted(counts.items()) if count}


def reasons(plan: Plan) -> dict[str, str]:
    """NodePool → filter and detail; equal ones of several groups once."""
    told = {each.node_pool: f"{each.filter}: {each.detail}" for one in plan.unplaced for each in one.reasons}
    return dict(sorted(told.items()))


def pool_fields(plan: Plan, name: str, wanted: Object) -> Object:
    pool = plan.desired.get(name)
    assert pool is not None, f"{name} is not among {sorted(plan.desired.names())}"
    told: Object = {
        "flavor": pool.flavor, "zones": list(pool.zones), "desired": pool.desired, "monthlyBilled": pool.monthly_billed,
        "antiAffinity": pool.anti_affinity, "labels": dict(pool.labels), "annotations": dict(pool.annotations),
        "taints": [str(taint) for taint in pool.taints], "maximum": pool.maximum, "autoscale": pool.autoscale,
    }  # fmt: skip
    return {key: told[key] for key in wanted}


def sound(plan: Plan) -> bool:
    """What holds for every plan there is."""
    pools = list(plan.desired)
    assert len({pool.name for pool in pools}) == len(pools) <= 100
    assert all(pool.desired <= max(pool.room, (plan.declared.get(pool.name) or pool).desired) for pool in pools if not pool.autoscale)
    assert all(is_valid(change.pool) for change in plan.changes if change.action is Action.CREATE)
    assert plan.cost.lower_bound_hourly <= plan.cost.after.hourly
    placed = [pod for each in plan.placements for pod in each.pods] + [pod for each in plan.unplaced for pod in each.pods]
    assert len(placed) == len(set(placed))
    return True
