"""Reads a plan document back and believes it only as a whole: its digest, and that its parts agree with each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from planner.canonical import Digest
from planner.errors import ValueRefused
from planner.labels import HOSTNAME
from planner.plan import (
    Action,
    Certificate,
    Change,
    Cost,
    Evidence,
    ExpectedNode,
    Pending,
    PlacedNode,
    Plan,
    Price,
    Reason,
    Refusal,
    Unplaced,
)  # fmt: skip
from planner.pods import Owner
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.quantity import parse_money
from planner.resources import Resources
from renderer.document import FIELDS
from renderer.errors import TextRefused
from renderer.planwire import (
    API_VERSION,
    KIND,
    CertificateEntry,
    ChangeEntry,
    OwnerEntry,
    PendingEntry,
    PlanEntry,
    PoolEntry,
    UnplacedEntry,
)  # fmt: skip
from renderer.wire import Misfit, fit, pairs, taints_of

if TYPE_CHECKING:
    from renderer.planwire import CostChange, ExpectedEntry

_NAMES = {spelt: name for name, spelt in FIELDS.items()}
#: Which of before and after a change has.
_SIDES = {
    Action.CREATE: (False, True), Action.UPDATE: (True, True),
    Action.REPLACE: (True, True), Action.DELETE: (True, False),
    Action.IMPORT: (True, True), Action.RELEASE: (True, True),
}  # fmt: skip


def read_plan_text(text: str, *, file: str = "") -> Plan:
    """The plan in a file's text. Raises TextRefused."""
    try:
        document = json.loads(text)
    except ValueError as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (0, 0)
        raise TextRefused("this is not a plan document: it is not JSON", file=file, line=line, column=column) from None
    except RecursionError:
        raise TextRefused("this is not a plan document: it is nested too deeply", file=file) from None
    return read_plan_document(document, file=file)


def read_plan_document(document: object, *, file: str = "") -> Plan:
    """The plan, exactly as it was written. Raises TextRefused for another version, and for a changed document."""
    _refuse_other_kinds(document, file)
    try:
        entry = fit(document, PlanEntry)
        plan = decode_plan(entry)
    except Misfit as misfit:
        raise TextRefused(f"{misfit.path}: {misfit.reason}".lstrip(": "), file=file) from None
    except ValueRefused as error:
        raise TextRefused(str(error), file=file) from None
    if plan.digest != entry.digest:
        reason = "the plan was changed after it was made: its changes do not have the digest it names; plan again"
        raise TextRefused(reason, file=file)
    return plan


def decode_plan(entry: PlanEntry) -> Plan:
    """The plan without its digest compared. Raises ValueRefused where its changes do not lead to its pools."""
    changes = tuple(_change(change) for change in entry.changes)
    desired = PoolSet.of(decode_pool(pool) for pool in entry.pools)
    cost, evidence = entry.cost, entry.evidence
    return Plan(
        declared=_declared(desired, changes), desired=desired, changes=changes, placements=_placements(entry),
        unplaced=tuple(_unplaced(one) for one in entry.unplaced), warnings=tuple(entry.warnings),
        adopts=bool(entry.adopts),
        cost=Cost(
            currency=cost.currency, before=_before(cost), after=_after(cost),
            lower_bound_hourly=parse_money(cost.lower_bound_hourly),
        ),
        certificate=_certificate(entry.certificate) if isinstance(entry.certificate, CertificateEntry) else None,
        pending=_pending(entry.pending) if isinstance(entry.pending, PendingEntry) else Pending(),
        evidence=Evidence(
            snapshot=Digest(evidence.snapshot), policy=Digest(evidence.policy), catalog=Digest(evidence.catalog),
            pools=Digest(evidence.pools), prices=evidence.prices, now=evidence.now,
        ),
    )  # fmt: skip


def decode_pool(entry: PoolEntry) -> Pool:
    """One pool; only its id is known of the provider's state."""
    return Pool(
        name=PoolName(entry.name), flavor=entry.flavor, zones=tuple(entry.zones), desired=entry.desired_nodes,
        minimum=entry.min_nodes, maximum=entry.max_nodes, monthly_billed=entry.monthly_billed,
        anti_affinity=entry.anti_affinity, autoscale=entry.autoscale, labels=pairs(entry.labels),
        annotations=pairs(entry.annotations), taints=taints_of(entry.taints), finalizers=tuple(entry.finalizers),
        unschedulable=entry.unschedulable, state=ProviderState(id=entry.id) if isinstance(entry.id, str) else None,
    )  # fmt: skip


def _refuse_other_kinds(document: object, file: str) -> None:
    if not isinstance(document, dict):
        raise TextRefused("this is not a plan document: it is not a JSON object", file=file)
    kind, version = document.get("kind"), document.get("apiVersion")
    if kind != KIND:
        raise TextRefused(f"this is not a plan document: its kind is {kind!r}, not {KIND!r}", file=file)
    if version != API_VERSION:
        raise TextRefused(f"the plan has version {version!r}, not {API_VERSION!r}: plan again", file=file)


def _change(entry: ChangeEntry) -> Change:
    before = decode_pool(entry.before) if entry.before else None
    after = decode_pool(entry.after) if entry.after else None
    action = Action(entry.action)
    if (before is not None, after is not None) != _SIDES[action]:
        raise ValueRefused(f"the change of pool {entry.pool} is a {action.value} with the wrong sides")
    if any(pool is not None and pool.name != entry.pool for pool in (before, after)):
        raise ValueRefused(f"the change of pool {entry.pool} holds a pool of another name")
    if action in (Action.IMPORT, Action.RELEASE) and before != after:
        raise ValueRefused(f"the {action.value} of pool {entry.pool} changes it")
    return Change(
        pool=PoolName(entry.pool), action=action, before=before, after=after,
        forces_replace=tuple(_NAMES.get(name, name) for name in entry.forces_replace),
        reasons=tuple(Reason(reason.code, reason.text) for reason in entry.reasons),
        pods=tuple((_owner(pods.owner), pods.count) for pods in entry.pods), victims=tuple(entry.victims),
        cost_before=_before(entry.cost), cost_after=_after(entry.cost), priority=entry.priority or 0,
        drains=bool(entry.drains),
    )  # fmt: skip


def _declared(desired: PoolSet, changes: tuple[Change, ...]) -> PoolSet:
    """The desired pools with every change undone. Raises ValueRefused where a change does not lead to them."""
    pools = {pool.name: pool for pool in desired}
    if len(pools) != len(desired) or len({change.pool for change in changes}) != len(changes):
        raise ValueRefused("a pool stands twice in the plan")
    for change in changes:
        before, after = change.declared
        if pools.pop(change.pool, None) != after:
            raise ValueRefused(f"the change of pool {change.pool} does not lead to the pools of the plan")
        if before is not None:
            pools[change.pool] = before
    return PoolSet.of(pools.values())


def _placements(entry: PlanEntry) -> tuple[PlacedNode, ...]:
    looks = {name: _expected(name, look) for look in entry.expected_nodes for name in look.nodes}
    return tuple(
        PlacedNode(name=one.node, pool=one.pool, pods=tuple(one.pods), expected=looks.get(one.node))
        for one in entry.placements
    )  # fmt: skip


def _expected(name: str, entry: ExpectedEntry) -> ExpectedNode:
    return ExpectedNode(
        labels=pairs({**entry.labels, HOSTNAME: name}), annotations=pairs(entry.annotations), source=entry.source,
        taints=taints_of(entry.taints), capacity=Resources.parse(entry.capacity),
        allocatable=Resources.parse(entry.allocatable),
    )  # fmt: skip


def _unplaced(entry: UnplacedEntry) -> Unplaced:
    reasons = tuple(Refusal(node_pool=one.node_pool, filter=one.filter, detail=one.detail) for one in entry.reasons)
    return Unplaced(pods=tuple(entry.pods), owner=_owner(entry.owner) if entry.owner else None, reasons=reasons)


def _certificate(entry: CertificateEntry) -> Certificate:
    if entry.survived > entry.orders:
        raise ValueRefused(f"the plan survived {entry.survived} orders of arrival, of {entry.orders} that were tried")
    premium = parse_money(entry.premium_hourly) if isinstance(entry.premium_hourly, str) else 0
    return Certificate(orders=entry.orders, survived=entry.survived, stopped=entry.stopped, premium=premium)


def _pending(entry: PendingEntry) -> Pending:
    return Pending(pods=entry.pods, since=entry.since or "", newest=entry.newest or "")


def _owner(entry: OwnerEntry) -> Owner:
    return Owner(entry.kind, entry.namespace, entry.name)


def _before(cost: CostChange) -> Price:
    return Price(parse_money(cost.hourly_before), parse_money(cost.monthly_before))


def _after(cost: CostChange) -> Price:
    return Price(parse_money(cost.hourly_after), parse_money(cost.monthly_after))
