"""What people want to know of a plan, computed once; the views only word it.

Texts in here are as the cluster wrote them: each view makes them harmless for its own medium.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.coming import NEVER_CAME
from planner.diff import FORCE_NEW
from planner.plan import Action
from planner.why import CHOOSY
from renderer.gap import gap_tenths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.plan import Certificate, Change, Pending, Plan, Price, Reason, Refusal, Unplaced
    from planner.pods import Owner
    from planner.pools import Pool

SYMBOLS = {
    Action.CREATE: "+", Action.UPDATE: "~", Action.REPLACE: "-/+", Action.DELETE: "-", Action.IMPORT: "in",
    Action.RELEASE: "out",
}  # fmt: skip
#: What a pool has besides its size, and its name for people.
_SCALARS = (
    ("flavor", "flavor"), ("zones", "zone"), ("monthly_billed", "monthly billed"), ("anti_affinity", "anti-affinity"),
    ("minimum", "least nodes"), ("maximum", "most nodes"), ("autoscale", "autoscale"),
    ("unschedulable", "unschedulable"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, or one key of a map: from what to what. None: it was not, or is no more, there."""

    name: str
    before: str | None
    after: str | None
    forces_replace: bool = False

    @property
    def sides(self) -> tuple[str | None, str | None]:
        """Both values as shown: an empty one as a pair of quotes."""
        return _visible(self.before), _visible(self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One change. ``machine`` says what its nodes are, most telling first; costs are micro-units of the currency.

    ``added`` nodes come and ``removed`` ones go; ``renewed`` ones stay in number, and are replaced or carry something
    else from then on. ``priority`` is that of the most urgent pod.
    """

    action: Action
    pool: str
    machine: tuple[str, ...]
    nodes_before: int
    nodes_after: int
    added: int
    renewed: int
    removed: int
    hourly: int
    monthly: int
    fields: tuple[FieldChange, ...]
    workloads: tuple[tuple[Owner, int], ...]
    reasons: tuple[Reason, ...]
    victims: tuple[str, ...]
    priority: int

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.action]

    @property
    def forced(self) -> tuple[str, ...]:
        """The fields that OVHcloud cannot change in place."""
        return tuple(field.name for field in self.fields if field.forces_replace)

    @property
    def is_emptied(self) -> bool:
        """Whether nothing but pods of daemon sets runs on each node that leaves: the planner looked."""
        emptied = sum(reason.code == "empty" for reason in self.reasons)
        return bool(self.victims) and emptied >= len(self.victims)

    @property
    def is_given_up(self) -> bool:
        """Whether all nodes that leave never came."""
        codes = {reason.code for reason in self.reasons}
        return bool(self.victims) and NEVER_CAME in codes and "empty" not in codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pods that stay pending for the same reasons; without an owner, ``pods`` says which."""

    count: int
    owner: Owner | None
    pods: tuple[str, ...]
    reasons: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A plan in figures. A replacement counts as one to add and one to delete, as Terraform counts it.

    ``waiting`` pods are the demand; ``unplaced`` of them stay pending. ``bound`` is the proven least hourly cost, None
    where nothing was ordered; ``gap`` is how far above it the new nodes may be, in tenths of a percent, None where that
    says nothing. ``certificate`` is None where nobody asked how kube-scheduler would fill the new nodes.
    ``prices`` says whose they are and of when, ``now`` what time the plan was made for (RFC 3339).
    """

    lines: tuple[Line, ...]
    adds: int
    updates: int
    deletes: int
    imports: int
    releases: int
    nodes_before: int
    nodes_after: int
    currency: str
    before: Price
    after: Price
    bound: int | None
    gap: int | None
    certificate: Certificate | None
    waiting: int
    pending: Pending
    unplaced: int
    groups: tuple[Group, ...]
    warnings: tuple[str, ...]
    prices: str
    now: str
    digest: str

    @property
    def moves(self) -> bool:
        """Whether a pool is changed, and not only taken under management or let go of."""
        return len(self.lines) > self.imports + self.releases

    @property
    def choosy(self) -> bool:
        """Whether what pods prefer, or a NodePool's weight, chose some nodes; the proven least leaves them aside."""
        return any(reason.code in CHOOSY for line in self.lines for reason in line.reasons)

    @property
    def hourly(self) -> int:
        """How much more the pools cost per hour, in micro-units."""
        return self.after.hourly - self.before.hourly

    @property
    def monthly(self) -> int:
        """The same for a month."""
        return self.after.monthly - self.before.monthly


def summarize(plan: Plan) -> Summary:
    """Everything a view shows."""
    actions = [change.action for change in plan.changes]
    replaced = actions.count(Action.REPLACE)
    groups = tuple(_group(one) for one in plan.unplaced)
    unplaced = sum(group.count for group in groups)
    ordered = plan.certificate is not None or any(change.pods for change in plan.changes)
    return Summary(
        lines=tuple(_line(change) for change in plan.changes),
        adds=actions.count(Action.CREATE) + replaced, updates=actions.count(Action.UPDATE),
        deletes=actions.count(Action.DELETE) + replaced,
        imports=actions.count(Action.IMPORT), releases=actions.count(Action.RELEASE),
        nodes_before=sum(pool.desired for pool in plan.pools_before),
        nodes_after=sum(pool.desired for pool in plan.pools_after),
        currency=plan.cost.currency, before=plan.cost.before, after=plan.cost.after,
        bound=plan.cost.lower_bound_hourly if ordered else None, gap=gap_tenths(plan) if ordered else None,
        certificate=plan.certificate,
        waiting=sum(len(node.pods) for node in plan.placements) + unplaced, pending=plan.pending, unplaced=unplaced,
        groups=groups, warnings=plan.warnings, prices=plan.evidence.prices, now=plan.evidence.now, digest=plan.digest,
    )  # fmt: skip


def _line(change: Change) -> Line:
    before, after = change.before, change.after
    pool = after or before
    was, will = before.desired if before else 0, after.desired if after else 0
    return Line(
        action=change.action, pool=change.pool, machine=_machine(pool) if pool else (), nodes_before=was,
        nodes_after=will, added=max(0, will - was), removed=max(0, was - will, len(change.victims)),
        renewed=min(was, will) if _renews(change) else 0,
        hourly=change.cost_after.hourly - change.cost_before.hourly,
        monthly=change.cost_after.monthly - change.cost_before.monthly,
        fields=tuple(_field_changes(before, after)), workloads=change.pods,
        # how many pods wait is what the workloads say already
        reasons=tuple(reason for reason in change.reasons if reason.code != "demand" or not change.pods),
        victims=change.victims, priority=change.priority,
    )  # fmt: skip


def _renews(change: Change) -> bool:
    """Whether nodes that stay in number become other nodes, or carry something else; a pool's bounds are not theirs."""
    before, after = change.before, change.after
    return before is not None and after is not None and before.identity != after.identity


def _machine(pool: Pool) -> tuple[str, ...]:
    traits = (("monthly billed", pool.monthly_billed), ("anti-affinity", pool.anti_affinity))
    return (pool.flavor, *pool.zones, *(name for name, holds in traits if holds))


def _field_changes(before: Pool | None, after: Pool | None) -> Iterator[FieldChange]:
    """Every field that differs but the size; of a new pool, what its nodes carry; of one that goes, nothing."""
    if after is None:
        return
    for name, label in _SCALARS if before else ():
        old, new = _shown(getattr(before, name)), _shown(getattr(after, name))
        if old != new:
            yield FieldChange(label, old, new, name in FORCE_NEW)
    was, now = _carried(before), _carried(after)
    for key in sorted({**was, **now}):
        if was.get(key) != now.get(key):
            yield FieldChange(f"{key[0]} {_visible(key[1])}", was.get(key), now.get(key))


def _carried(pool: Pool | None) -> dict[tuple[str, str], str]:
    """What the provider writes on each node, by kind and key."""
    if pool is None:
        return {}
    return {
        **{("annotation", key): value for key, value in pool.annotations},
        **{("finalizer", one): "set" for one in pool.finalizers},
        **{("label", key): value for key, value in pool.labels},
        **{("taint", f"{taint.key}:{taint.effect}"): taint.value for taint in pool.taints},
    }


def _visible(text: str | None) -> str | None:
    """Text of white space alone in quotes."""
    return text if text is None or text.strip() else f'"{text}"'


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _group(one: Unplaced) -> Group:
    return Group(count=len(one.pods), owner=one.owner, pods=one.pods, reasons=one.reasons)
