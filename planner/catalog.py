"""The machines one can order: flavors, the regions and zones that sell them, and what a node really gives to pods."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from planner import labels as known
from planner.quantity import HOURS_PER_MONTH
from planner.resources import CPU, GPU, MEMORY, PODS, STORAGE, Resources

GIGABYTE = 10**9
PODS_PER_NODE = 110
_FAMILY = re.compile(r"(?P<family>[a-z]+\d*[a-z]*)(?:-le)?-(?P<size>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """A machine type. Prices are micro-units of the catalog's currency; ``monthly`` None: it has no monthly plan.

    ``unavailable`` names regions, and zones of them, in which it cannot be had.
    """

    name: str
    vcpus: int
    ram_gb: int
    disk_gb: int
    gpus: int = 0
    hourly: int
    monthly: int | None = None
    unavailable: tuple[str, ...] = ()
    disk_by_analogy: bool = False

    def sold(self, region: Region, zone: str) -> bool:
        """Whether it can be had in a zone of a region."""
        return region.name not in self.unavailable and zone not in self.unavailable

    def price(self, *, monthly_billed: bool) -> int:
        """Micro-units per hour. A monthly plan is spread over 730 hours, rounded up."""
        if monthly_billed and self.monthly is not None:
            return -(-self.monthly // HOURS_PER_MONTH)
        return self.hourly

    def monthly_price(self, *, monthly_billed: bool) -> int:
        """Micro-units for a whole month of 730 hours."""
        if monthly_billed and self.monthly is not None:
            return self.monthly
        return self.hourly * HOURS_PER_MONTH

    def capacity(self) -> Resources:
        """What the machine has. A gigabyte of RAM is 10⁹ bytes: the kernel takes the rest of the binary one."""
        return Resources.of({
            CPU: self.vcpus * 1000, MEMORY: self.ram_gb * GIGABYTE, STORAGE: self.disk_gb * GIGABYTE,
            PODS: PODS_PER_NODE, GPU: self.gpus,
        })  # fmt: skip

    def allocatable(self) -> Resources:
        """What pods get: capacity less what MKS reserves (OVHcloud guide "software versions and reserved resources").

        CPU: 15 % of one core and 0.5 % of all. Memory: 1.5 GB + 5 %, the guide's table, which is stricter than its
        formula. Storage: 10·log₁₀ of the size in GB, + 10 %. 110 pods.
        """
        storage = math.ceil(10_000 * math.log10(self.disk_gb)) + 100 * self.disk_gb if self.disk_gb > 0 else 0
        reserved = Resources.of({
            CPU: 150 + 5 * self.vcpus,
            MEMORY: 3 * GIGABYTE // 2 + self.ram_gb * GIGABYTE // 20,
            STORAGE: storage * (GIGABYTE // 1000),
        })  # fmt: skip
        left = self.capacity().minus(reserved)
        return Resources.of({name: max(0, amount) for name, amount in left})

    def labels(self) -> dict[str, str]:
        """The labels by which a requirement may speak of the machine type."""
        parts = _FAMILY.fullmatch(self.name)
        family = parts["family"] if parts else self.name
        return {
            known.INSTANCE_TYPE: self.name, known.ARCH: "amd64", known.OS: "linux",
            known.INSTANCE_FAMILY: family, known.INSTANCE_CATEGORY: family,
            known.INSTANCE_SIZE: parts["size"] if parts else "",
            known.INSTANCE_CPU: str(self.vcpus), known.INSTANCE_MEMORY: str(self.ram_gb),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Region:
    """A region and its zones; one zone means that no availability zone is ever written for its pools."""

    name: str
    zones: tuple[str, ...]

    @property
    def zoned(self) -> bool:
        return len(self.zones) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All flavors at one time, sorted by name; ``source`` says where the figures come from, and the date."""

    currency: str
    source: str
    regions: tuple[Region, ...]
    flavors: tuple[Flavor, ...]

    def region(self, name: str) -> Region | None:
        return next((one for one in self.regions if one.name == name), None)

    def flavor(self, name: str) -> Flavor | None:
        return next((one for one in self.flavors if one.name == name), None)
