"""A plan as a value: what changes from the declared pools to the desired ones, why, and what it costs.

Actions decide; reasons are for people and decide nothing. The action digest covers what an approval binds to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from planner.canonical import Digest, digest_of
from planner.pods import Owner
from planner.pools import Pool, PoolName, PoolSet
from planner.resources import Resources
from planner.taints import Taint


class Action(Enum):
    """What becomes of a pool. IMPORT and RELEASE leave it as it is: Git begins, or ceases, to declare it."""

    NOOP = "noop"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    IMPORT = "import"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, for people. ``code`` is stable and documented; ``text`` is one sentence without a full stop."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-units of the catalog's currency: per hour, and for a month of 730 hours."""

    hourly: int = 0
    monthly: int = 0

    def plus(self, other: Price) -> Price:
        return Price(self.hourly + other.hourly, self.monthly + other.monthly)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one pool. ``victims`` are the nodes that leave, by name; ``pods`` are (workload, how many).

    ``drains``: the victims may hold pods, which are evicted first; without it they have to be empty. ``priority`` is
    the highest of the pods: how urgent the change is. Both sides are the pool at the provider; those of an import and
    of a release are the same.
    """

    pool: PoolName
    action: Action
    before: Pool | None = None
    after: Pool | None = None
    forces_replace: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    pods: tuple[tuple[Owner, int], ...] = ()
    victims: tuple[str, ...] = ()
    drains: bool = False
    priority: int = 0
    cost_before: Price = Price()
    cost_after: Price = Price()

    @property
    def declared(self) -> tuple[Pool | None, Pool | None]:
        """Both sides as Git declares them."""
        before = None if self.action is Action.IMPORT else self.before
        return before, None if self.action is Action.RELEASE else self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedNode:
    """A node and the demand that goes on it. ``expected`` nodes do not exist yet and carry what they will look like."""

    name: str
    pool: str
    pods: tuple[str, ...] = ()
    expected: ExpectedNode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedNode:
    """What a node that is going to join will look like."""

    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...] = ()
    taints: tuple[Taint, ...] = ()
    capacity: Resources = field(default_factory=Resources)
    allocatable: Resources = field(default_factory=Resources)
    source: str = "formula"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why one NodePool (empty: no NodePool in particular) cannot take a group; ``filter`` is a stable code."""

    node_pool: str
    filter: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """Pods of equal needs that sit nowhere, with the reasons."""

    pods: tuple[str, ...]
    owner: Owner | None = None
    reasons: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of all pools before and after, and the proven least hourly cost of running the same pods."""

    currency: str
    before: Price = Price()
    after: Price = Price()
    lower_bound_hourly: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How the planned nodes fared when kube-scheduler was replayed on them, in ``orders`` orders of arrival.

    ``survived`` counts those in which every placed pod found a node. No orders: the search's budget did not allow it.
    ``stopped``: the budget ended the search for cheaper nodes. ``premium`` is what the new nodes cost per hour, in
    micro-units, beyond the cheapest found on which the same pods fit if each is put by hand.
    """

    orders: int = 0
    survived: int = 0
    stopped: bool = False
    premium: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Digests of the inputs a plan was made from, and the time it was made for (RFC 3339)."""

    snapshot: Digest
    policy: Digest
    catalog: Digest
    pools: Digest
    now: str
    prices: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The pods that wait: how many, since when the oldest and the newest of them (RFC 3339; empty: not known)."""

    pods: int = 0
    since: str = ""
    newest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Declared → desired. ``changes`` are sorted by pool and hold no NOOP.

    ``adopts``: the provider has it so already and Git takes it over; to apply such a plan changes nothing.
    """

    declared: PoolSet
    desired: PoolSet
    changes: tuple[Change, ...] = ()
    placements: tuple[PlacedNode, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    cost: Cost
    evidence: Evidence
    certificate: Certificate | None = None
    pending: Pending = Pending()
    warnings: tuple[str, ...] = ()
    adopts: bool = False

    @property
    def pools_before(self) -> PoolSet:
        """The declared pools, and those that come under management: they are there already."""
        return PoolSet.of([*self.declared, *_there(self.changes, Action.IMPORT)])

    @property
    def pools_after(self) -> PoolSet:
        """The desired pools, and those that are let go of: they stay where they are."""
        return PoolSet.of([*self.desired, *_there(self.changes, Action.RELEASE)])

    @property
    def digest(self) -> Digest:
        """The action digest: changes with their preconditions, and the policy. Prices, reasons and times stay out."""
        actions = [_action(change) for change in self.changes]
        adopts = {"adopts": True} if self.adopts else {}
        return digest_of({"actions": actions, "policy": self.evidence.policy, **adopts})


def _there(changes: tuple[Change, ...], action: Action) -> list[Pool]:
    return [change.before for change in changes if change.action is action and change.before is not None]


def _action(change: Change) -> dict[str, object]:
    return {
        "pool": change.pool, "action": change.action.value, "before": _shape(change.before),
        "after": _shape(change.after), "victims": list(change.victims),
        "id": change.before.state.id if change.before and change.before.state else "",
        **({"drains": True} if change.drains else {}),
    }  # fmt: skip


def _shape(pool: Pool | None) -> dict[str, object] | None:
    if pool is None:
        return None
    return {
        "flavor": pool.flavor, "zones": list(pool.zones), "desired": pool.desired, "minimum": pool.minimum,
        "maximum": pool.maximum, "monthlyBilled": pool.monthly_billed, "antiAffinity": pool.anti_affinity,
        "autoscale": pool.autoscale, "labels": dict(pool.labels), "annotations": dict(pool.annotations),
        "taints": [[taint.key, taint.value, taint.effect] for taint in pool.taints],
        "finalizers": list(pool.finalizers), "unschedulable": pool.unschedulable,
    }  # fmt: skip
