"""What the cloud said no to: values with stable codes, what each means for the next plan, and the remedy. Pure.

A shortage is about one pool of a plan. What it makes unavailable is wider: the flavor in the zone, or the zone, or as
much as the project's quota holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from gitops.errors import Stalled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.catalog import Catalog, Flavor, Region


class Lack(Enum):
    """What is lacking. The values are codes that ledgers and documents hold."""

    OUT_OF_STOCK = "out-of-stock"
    QUOTA = "quota"
    PORTS = "quota-ports"
    MAINTENANCE = "maintenance"
    STUCK = "stuck"
    POOL_ERROR = "pool-error"
    NODE_ERROR = "node-error"
    NODE_NOT_FOUND = "node-not-found"
    SUSPENDED = "suspended"
    WEBHOOK = "webhook"
    NEVER_JOINED = "never-joined"
    NEVER_READY = "never-ready"
    OTHER = "other"


REMEDIES = {
    Lack.OUT_OF_STOCK: "wait, or allow another flavor or zone in the NodePool",
    Lack.QUOTA: "raise the project's quota in the OVHcloud console (Public Cloud, Quota and regions), or plan less",
    Lack.PORTS: "raise the project's quota of network ports with OVHcloud's support, or free some",
    Lack.MAINTENANCE: "wait for OVHcloud to end its work; see its status page",
    Lack.STUCK: "look at the pool in the OVHcloud console, and ask OVHcloud's support where it stays so",
    Lack.POOL_ERROR: "look at the pool in the OVHcloud console, and ask OVHcloud's support where it says no more",
    Lack.NODE_ERROR: "look at the nodes in the OVHcloud console, and ask OVHcloud's support where it says no more",
    Lack.NODE_NOT_FOUND: "somebody deleted the machine of a node: leave machines of a pool to MKS",
    Lack.SUSPENDED: "settle what suspends the project with OVHcloud: it starts no machines until then",
    Lack.WEBHOOK: "an admission webhook of the cluster stops OVHcloud from working on nodes: correct or remove it",
    Lack.NEVER_JOINED: "see why its machine cannot reach the cluster: private network, gateway, security groups",
    Lack.NEVER_READY: "see kubectl describe node: network plugin, disk, memory",
    Lack.OTHER: "look at the pool in the OVHcloud console",
}
LASTS = {
    Lack.OUT_OF_STOCK: timedelta(minutes=30), Lack.POOL_ERROR: timedelta(minutes=30),
    Lack.NODE_ERROR: timedelta(minutes=30), Lack.NODE_NOT_FOUND: timedelta(minutes=30),
    Lack.WEBHOOK: timedelta(minutes=30), Lack.OTHER: timedelta(minutes=30),
}
"""How long each is taken for true the first time; all others: an hour."""
USUALLY, LONGEST = timedelta(hours=1), timedelta(hours=6)
_ALL = (Lack.SUSPENDED, Lack.PORTS)
"""What keeps machines of every flavor from being made in the region."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shortage:
    """``what`` is a clause for people. ``zone`` is the region where a region has one zone.

    ``until`` (RFC 3339): so long it is taken for true; empty where that was not decided yet.
    """

    pool: str
    lack: str
    flavor: str = ""
    zone: str = ""
    what: str = ""
    until: str = ""

    @property
    def kind(self) -> Lack:
        """The lack; OTHER for a code that only a newer poolplan knows."""
        return next((one for one in Lack if one.value == self.lack), Lack.OTHER)

    @property
    def remedy(self) -> str:
        return REMEDIES[self.kind]

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two of them the same lack, whatever pool met it."""
        return self.lack, self.flavor, self.zone

    @property
    def offering(self) -> str:
        """What is taken for unavailable, for people."""
        if self.kind in _ALL:
            return "every flavor"
        if self.kind is Lack.MAINTENANCE:
            return self.zone
        return self.flavor if self.kind is Lack.QUOTA else " in ".join(filter(None, (self.flavor, self.zone)))

    def __str__(self) -> str:
        return f"{self.pool}: {self.what}"


class Short(Stalled):
    """The cloud does not give all that was ordered. ``reasons`` are a sentence for each shortage, with its remedy.

    Not ``fresh``: nothing was ordered this time, so it says no more than an earlier try did.
    """

    def __init__(self, message: str, shortages: Iterable[Shortage], *, fresh: bool = True) -> None:
        self.fresh = fresh
        self.shortages = tuple(sorted(set(shortages)))
        self.reasons = tuple(f"{one}; {one.remedy}" for one in self.shortages)
        super().__init__(message)


def span_of(shortage: Shortage, before: int) -> timedelta:
    """How long a shortage is taken for true that was met ``before`` times of late: each time twice as long."""
    return min(LONGEST, LASTS.get(shortage.kind, USUALLY) * (1 << min(before, 10)))


def without(catalog: Catalog, region: Region, shortages: Iterable[Shortage], *, quota_known: bool = False) -> Catalog:
    """The catalog of a region with what is lacking taken out. ``quota_known``: the plan is held to the quota itself."""
    found = tuple(shortages)
    flavors = tuple(_without(one, region, found, quota_known=quota_known) for one in catalog.flavors)
    return catalog if flavors == catalog.flavors else replace(catalog, flavors=flavors)


def _without(flavor: Flavor, region: Region, shortages: Iterable[Shortage], *, quota_known: bool) -> Flavor:
    places = {place for one in shortages for place in _places(one, flavor, region, quota_known=quota_known)}
    return replace(flavor, unavailable=tuple(sorted({*flavor.unavailable, *places}))) if places else flavor


def _places(one: Shortage, flavor: Flavor, region: Region, *, quota_known: bool) -> tuple[str, ...]:
    if one.kind in _ALL:
        return (region.name,)
    if one.kind is Lack.MAINTENANCE:
        return (one.zone,)
    if one.flavor != flavor.name or (one.kind is Lack.QUOTA and quota_known):
        return ()
    return (region.name,) if one.kind is Lack.QUOTA else (one.zone,)
