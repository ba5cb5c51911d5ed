"""What the OVH API answers, typed as far as poolplan reads it. Odd names (``vCPUs``, ``usedRAM``) end here."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from planner.catalog import Region
from planner.labels import ONE_ZONE
from planner.pools import LEAVING_STATES
from planner.resources import CPU, MEMORY, MOST, NODES


class ProviderNode(msgspec.Struct, frozen=True, rename="camel"):
    """A node as the provider knows it. Its name is the Kubernetes node's; ``instance_id`` None: no machine yet.

    ``created_at`` and ``deployed_at`` are RFC 3339, None where that did not happen yet.
    """

    id: str
    name: str
    status: str
    flavor: str = ""
    node_pool_id: str = ""
    instance_id: str | None = None
    created_at: str | None = None
    deployed_at: str | None = None

    @property
    def leaving(self) -> bool:
        return self.status in LEAVING_STATES

    @property
    def provider_id(self) -> str:
        """The Kubernetes node's ``spec.providerID``; empty without a machine."""
        return f"openstack:///{self.instance_id}" if self.instance_id else ""


class KubeFlavor(msgspec.Struct, frozen=True):
    """A flavor that MKS takes; ``state`` says whether a new node can be had."""

    name: str
    vcpus: int = msgspec.field(name="vCPUs")
    ram_gb: int = msgspec.field(name="ram")
    gpus: int = 0
    state: str = "available"

    @property
    def available(self) -> bool:
        return self.state == "available"


class PlanCodes(msgspec.Struct, frozen=True):
    """The order plans of a flavor in a region."""

    hourly: str | None = None
    monthly: str | None = None


class ProjectFlavor(msgspec.Struct, frozen=True, rename="camel"):
    """A flavor of the project in one region: its disk in GB (the API's schema says otherwise) and its order plans."""

    name: str
    disk_gb: int = msgspec.field(name="disk")
    os_type: str = "linux"
    plan_codes: PlanCodes | None = None


class RegionEntry(msgspec.Struct, frozen=True, rename="camel"):
    """A region of the project."""

    name: str
    availability_zones: Sequence[str] | None = None

    def region(self) -> Region:
        """The planner's region: one without availability zones has the one zone ``nova``."""
        return Region(self.name, tuple(sorted(self.availability_zones or ())) or (ONE_ZONE,))


class InstanceQuota(msgspec.Struct, frozen=True, rename="camel"):
    """What the project may use and uses; memory in MB."""

    max_cores: int
    used_cores: int
    max_instances: int
    used_instances: int
    max_ram_mb: int = msgspec.field(name="maxRam")
    used_ram_mb: int = msgspec.field(name="usedRAM")


class Quota(msgspec.Struct, frozen=True):
    """The project's quota in one region; ``instance`` None where the API does not tell."""

    region: str
    instance: InstanceQuota | None = None

    @property
    def left(self) -> dict[str, int] | None:
        """What is left, by the planner's names and units; None where the API does not tell. Below zero: no limit."""
        one = self.instance
        if one is None:
            return None
        found = {
            CPU: (one.max_cores, one.used_cores, 1000), NODES: (one.max_instances, one.used_instances, 1),
            MEMORY: (one.max_ram_mb, one.used_ram_mb, 1_000_000),
        }  # fmt: skip
        return {
            name: MOST if most < 0 else max(0, most - used) * unit for name, (most, used, unit) in found.items()
        }  # fmt: skip

    def __str__(self) -> str:
        if self.instance is None:
            return f"{self.region}: unknown"
        one = self.instance
        memory = f"{one.used_ram_mb // 1000} of {one.max_ram_mb // 1000} GB memory"
        cores = f"{one.used_cores} of {one.max_cores} vCPUs"
        return f"{self.region}: {one.used_instances} of {one.max_instances} instances, {cores}, {memory}"


class Cluster(msgspec.Struct, frozen=True):
    """A managed cluster; a ``plan`` that the API leaves open is read as free."""

    id: str
    region: str
    version: str
    name: str = ""
    status: str = "READY"
    plan: str = "free"


class Rule(msgspec.Struct, frozen=True):
    """A right that a consumer key was made with; ``*`` in the path stands for anything, slashes too."""

    method: str
    path: str


class Credential(msgspec.Struct, frozen=True):
    """The consumer key in use."""

    status: str
    rules: Sequence[Rule] = ()


class Currency(msgspec.Struct, frozen=True):
    """An account's currency."""

    code: str = ""


class Account(msgspec.Struct, frozen=True):
    """Who asks; the subsidiary decides prices and currency."""

    nichandle: str
    subsidiary: str = msgspec.field(name="ovhSubsidiary")
    currency: Currency = Currency()
