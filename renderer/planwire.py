"""The plan document's structure: ``poolplan.dev/v1alpha1 Plan``. The JSON Schema beside it is made from this module.

A field may be added within a version; one that is taken away or changes its meaning makes a new version.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from renderer.wire import Count, TaintEntry, Wire, met

API_VERSION: Final = "poolplan.dev/v1alpha1"
PLAN_VERSION: Final = API_VERSION.partition("/")[2]
KIND: Final = "Plan"

Money = Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]{2,6}$", description="An exact amount in the catalog's currency.")]
DigestText = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$", description="SHA-256 of a canonical form.")]
ActionName = Literal["create", "update", "replace", "delete", "import", "release"]
Percent = Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]$", description="Percent, with one digit behind the point.")]
Quantities = Annotated[dict[str, str], Meta(description="Kubernetes quantities by resource name.")]


class PoolEntry(Wire, frozen=True, rename="camel"):
    """A pool, complete. ``id`` is the provider's, where it is known and the change depends on it."""

    name: str
    flavor: str
    zones: list[str]
    desired_nodes: Count
    min_nodes: Count
    max_nodes: Count
    monthly_billed: bool
    anti_affinity: bool
    autoscale: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    taints: list[TaintEntry]
    finalizers: list[str]
    unschedulable: bool
    id: str | UnsetType = UNSET


class ReasonEntry(Wire, frozen=True):
    """Why, for people: nothing decides on it."""

    code: str
    text: str


class OwnerEntry(Wire, frozen=True):
    """The workload that made a pod."""

    kind: str
    namespace: str
    name: str


class PodsEntry(Wire, frozen=True):
    """How many pods of a workload drive a change; no owner: pods without a workload."""

    owner: OwnerEntry
    count: Count


class CostChange(Wire, frozen=True, rename="camel"):
    """What a pool, or all of them, cost per hour and per month of 730 hours."""

    hourly_before: Money
    hourly_after: Money
    monthly_before: Money
    monthly_after: Money


class ChangeEntry(Wire, frozen=True, rename="camel"):
    """What happens to one pool. ``victims`` are the nodes that leave, by name."""

    pool: str
    action: ActionName
    before: PoolEntry | None
    after: PoolEntry | None
    forces_replace: list[str]
    reasons: list[ReasonEntry]
    pods: list[PodsEntry]
    victims: list[str]
    cost: CostChange
    priority: int | UnsetType = UNSET
    drains: bool | UnsetType = UNSET


class PlacementEntry(Wire, frozen=True):
    """A node, expected or existing, and the pods (namespace/name) that go on it; no pool: an existing node."""

    pool: str
    node: str
    pods: list[str]


class ExpectedEntry(Wire, frozen=True):
    """What nodes that are going to join look like, each with its own ``kubernetes.io/hostname`` besides."""

    nodes: list[str]
    source: str
    labels: dict[str, str]
    annotations: dict[str, str]
    taints: list[TaintEntry]
    capacity: Quantities
    allocatable: Quantities


class RefusalEntry(Wire, frozen=True, rename="camel"):
    """Why one NodePool cannot take the pods; an empty name: no NodePool in particular."""

    node_pool: str
    filter: str
    detail: str


class UnplacedEntry(Wire, frozen=True):
    """Pods of equal needs that sit nowhere."""

    pods: list[str]
    owner: OwnerEntry | None
    reasons: list[RefusalEntry]


class CostEntry(CostChange, frozen=True, rename="camel"):
    """Of all pools, with the proven least hourly cost of running the same pods."""

    currency: str
    lower_bound_hourly: Money
    gap_percent: Percent | UnsetType = UNSET


class CertificateEntry(Wire, frozen=True, rename="camel"):
    """How the new nodes fared when kube-scheduler was replayed on them, in several orders of arrival."""

    orders: Count
    survived: Count
    stopped: bool
    premium_hourly: Money | UnsetType = UNSET


class EvidenceEntry(Wire, frozen=True):
    """Digests of what the plan was made from, and the time it was made for."""

    snapshot: str
    policy: str
    catalog: str
    pools: str
    prices: str
    now: str


class PendingEntry(Wire, frozen=True):
    """The pods that wait for a node."""

    pods: Count
    since: str | UnsetType = UNSET
    newest: str | UnsetType = UNSET


@met
class PlanEntry(Wire, frozen=True, kw_only=True, rename="camel"):
    """A plan: changes from the declared pools to the desired ones, why, and what they cost."""

    api_version: Literal["poolplan.dev/v1alpha1"]
    kind: Literal["Plan"]
    digest: DigestText
    evidence: EvidenceEntry
    changes: list[ChangeEntry]
    pools: list[PoolEntry]
    placements: list[PlacementEntry]
    expected_nodes: list[ExpectedEntry]
    unplaced: list[UnplacedEntry]
    cost: CostEntry
    certificate: CertificateEntry | UnsetType = UNSET
    pending: PendingEntry | UnsetType = UNSET
    warnings: list[str]
    adopts: bool | UnsetType = UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a plan document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": KIND, **msgspec.json.schema(PlanEntry)}
