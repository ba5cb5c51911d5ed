"""A plan as a document: the JSON that ``plan --output json`` prints and ``plan.json`` holds.

The order of keys is fixed, maps are sorted, and amounts are exact, so equal plans are equal bytes. Reading back is
``renderer.document_read``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from planner.labels import HOSTNAME
from planner.plan import Pending
from planner.quantity import format_money
from planner.resources import Resources, format_amount
from renderer import planwire as wire
from renderer.gap import gap_tenths, percent
from renderer.wire import TaintEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from msgspec import UnsetType

    from planner.plan import Certificate, Change, Evidence, ExpectedNode, PlacedNode, Plan, Price, Unplaced
    from planner.pods import Owner
    from planner.pools import Pool
    from planner.taints import Taint

#: A pool's fields as the document spells them.
FIELDS = {
    "flavor": "flavor", "zones": "zones", "monthly_billed": "monthlyBilled", "anti_affinity": "antiAffinity",
    "desired": "desiredNodes", "minimum": "minNodes", "maximum": "maxNodes", "autoscale": "autoscale",
    "labels": "labels", "annotations": "annotations", "taints": "taints", "finalizers": "finalizers",
    "unschedulable": "unschedulable",
}  # fmt: skip


def plan_document(plan: Plan) -> dict[str, Any]:
    """The document as plain values."""
    document: dict[str, Any] = msgspec.to_builtins(wire.PlanEntry(
        api_version=wire.API_VERSION, kind=wire.KIND, digest=plan.digest, evidence=_evidence(plan.evidence),
        changes=[_change(change) for change in plan.changes],
        pools=[pool_entry(pool) for pool in plan.desired],
        placements=[wire.PlacementEntry(node.pool, node.name, list(node.pods)) for node in plan.placements],
        expected_nodes=_expected(plan.placements),
        unplaced=[_unplaced(one) for one in plan.unplaced],
        cost=_cost(plan), certificate=_certificate(plan.certificate), pending=_pending(plan.pending),
        warnings=list(plan.warnings), adopts=plan.adopts or UNSET,
    ))  # fmt: skip
    return document


def plan_text(plan: Plan) -> str:
    """The document as text: two spaces of indentation and a newline at the end."""
    return json.dumps(plan_document(plan), indent=2, ensure_ascii=False) + "\n"


def pool_entry(pool: Pool, *, with_id: bool = False) -> wire.PoolEntry:
    """One pool, complete."""
    known_id = pool.state.id if with_id and pool.state else ""
    return wire.PoolEntry(
        name=pool.name, flavor=pool.flavor, zones=list(pool.zones), desired_nodes=pool.desired,
        min_nodes=pool.minimum, max_nodes=pool.maximum, monthly_billed=pool.monthly_billed,
        anti_affinity=pool.anti_affinity, autoscale=pool.autoscale, labels=_map(pool.labels),
        annotations=_map(pool.annotations), taints=_taints(pool.taints), finalizers=list(pool.finalizers),
        unschedulable=pool.unschedulable, id=known_id or UNSET,
    )  # fmt: skip


def _evidence(evidence: Evidence) -> wire.EvidenceEntry:
    return wire.EvidenceEntry(
        snapshot=evidence.snapshot, policy=evidence.policy, catalog=evidence.catalog, pools=evidence.pools,
        prices=evidence.prices, now=evidence.now,
    )  # fmt: skip


def _change(change: Change) -> wire.ChangeEntry:
    """The pool before carries its id: it is a precondition, and the digest covers it."""
    return wire.ChangeEntry(
        pool=change.pool, action=change.action.value,  # type: ignore[arg-type]  # a plan holds no NOOP
        before=pool_entry(change.before, with_id=True) if change.before else None,
        after=pool_entry(change.after) if change.after else None,
        forces_replace=[FIELDS.get(name, name) for name in change.forces_replace],
        reasons=[wire.ReasonEntry(reason.code, reason.text) for reason in change.reasons],
        pods=[wire.PodsEntry(_owner(owner), count) for owner, count in change.pods],
        victims=list(change.victims), cost=wire.CostChange(*_prices(change.cost_before, change.cost_after)),
        priority=change.priority or UNSET, drains=change.drains or UNSET,
    )  # fmt: skip


def _expected(placements: Iterable[PlacedNode]) -> list[wire.ExpectedEntry]:
    """Nodes that look alike are one entry, in the order of their first node."""
    alike: dict[ExpectedNode, list[str]] = {}
    for node in placements:
        if node.expected is not None:
            alike.setdefault(_without_hostname(node.expected), []).append(node.name)
    return [
        wire.ExpectedEntry(
            nodes=names, source=look.source, labels=_map(look.labels), annotations=_map(look.annotations),
            taints=_taints(look.taints), capacity=_quantities(look.capacity), allocatable=_quantities(look.allocatable),
        )
        for look, names in alike.items()
    ]  # fmt: skip


def _without_hostname(node: ExpectedNode) -> ExpectedNode:
    return replace(node, labels=tuple(pair for pair in node.labels if pair[0] != HOSTNAME))


def _unplaced(one: Unplaced) -> wire.UnplacedEntry:
    reasons = [wire.RefusalEntry(refusal.node_pool, refusal.filter, refusal.detail) for refusal in one.reasons]
    return wire.UnplacedEntry(list(one.pods), _owner(one.owner) if one.owner else None, reasons)


def _cost(plan: Plan) -> wire.CostEntry:
    cost, tenths = plan.cost, gap_tenths(plan)
    return wire.CostEntry(
        *_prices(cost.before, cost.after), currency=cost.currency,
        lower_bound_hourly=format_money(cost.lower_bound_hourly),
        gap_percent=UNSET if tenths is None else percent(tenths),
    )  # fmt: skip


def _certificate(one: Certificate | None) -> wire.CertificateEntry | UnsetType:
    if one is None:
        return UNSET
    premium = format_money(one.premium) if one.premium else UNSET
    return wire.CertificateEntry(one.orders, one.survived, one.stopped, premium)


def _pending(one: Pending) -> wire.PendingEntry | UnsetType:
    """Absent where no pod waits: it would say nothing."""
    return wire.PendingEntry(one.pods, one.since or UNSET, one.newest or UNSET) if one != Pending() else UNSET


def _prices(before: Price, after: Price) -> tuple[str, str, str, str]:
    amounts = (before.hourly, after.hourly, before.monthly, after.monthly)
    first, second, third, fourth = (format_money(amount) for amount in amounts)
    return first, second, third, fourth


def _owner(owner: Owner) -> wire.OwnerEntry:
    return wire.OwnerEntry(owner.kind, owner.namespace, owner.name)


def _taints(taints: Iterable[Taint]) -> list[TaintEntry]:
    return [TaintEntry(taint.key, taint.value, taint.effect) for taint in taints]  # type: ignore[arg-type]


def _map(mapping: Iterable[tuple[str, str]]) -> dict[str, str]:
    return dict(sorted(mapping))


def _quantities(amounts: Resources) -> dict[str, str]:
    return {name: format_amount(name, amount) for name, amount in amounts}
