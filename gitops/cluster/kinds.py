"""Which kinds poolplan reads from a cluster, where its API lists them, and what is lost where one cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gitops.cluster import storage_wire, wire
from gitops.cluster.wire import Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``lost`` says what a plan cannot know without it; empty where there can be no plan without it."""

    api_version: str
    kind: str
    plural: str
    wire: type[Wire]
    lost: str = ""
    optional_api: bool = False

    @property
    def resource(self) -> str:
        """As rights and people name it: ``pods``, ``nodepools.karpenter.sh``."""
        group, slash, _ = self.api_version.partition("/")
        return f"{self.plural}.{group}" if slash else self.plural

    @property
    def path(self) -> str:
        """Where the API server lists all objects of the kind."""
        root = "/apis" if "/" in self.api_version else "/api"
        return f"{root}/{self.api_version}/{self.plural}"


NODE_POOL_VERSIONS: Final = ("karpenter.sh/v1", "karpenter.sh/v1beta1")
NODE_CLASS_VERSIONS: Final = ("karpenter.ovhcloud.sh/v1alpha1",)

#: In the order in which a live cluster is read: pods before the nodes they run on, claims before their volumes.
CLUSTER_KINDS: Final = (
    Kind(api_version="v1", kind="Pod", plural="pods", wire=wire.Pod),
    Kind(api_version="v1", kind="Node", plural="nodes", wire=wire.Node),
    Kind(api_version="apps/v1", kind="DaemonSet", plural="daemonsets", wire=wire.Workload),
    Kind(api_version="v1", kind="PersistentVolumeClaim", plural="persistentvolumeclaims", wire=storage_wire.Claim,
         lost="pods with volume claims stay unplaced"),
    Kind(api_version="v1", kind="PersistentVolume", plural="persistentvolumes", wire=storage_wire.Volume,
         lost="pods whose claims are bound stay unplaced"),
    Kind(api_version="storage.k8s.io/v1", kind="StorageClass", plural="storageclasses", wire=storage_wire.StorageClass,
         lost="pods whose claims are unbound stay unplaced"),
    Kind(api_version="storage.k8s.io/v1", kind="CSINode", plural="csinodes", wire=storage_wire.CSINode,
         lost="the volumes a node attaches are taken to be as many as OVHcloud publishes"),
    Kind(api_version="policy/v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets", wire=wire.Budget,
         lost="disruption budgets are heeded only when nodes are drained"),
    Kind(api_version="v1", kind="Service", plural="services", wire=wire.Service,
         lost="pods of a Job or an operator that a Service selects are not spread by default"),
    Kind(api_version="scheduling.k8s.io/v1", kind="PriorityClass", plural="priorityclasses", wire=wire.PriorityClass,
         lost="what-if workloads have no priority"),
    Kind(api_version="v1", kind="Namespace", plural="namespaces", wire=wire.Namespace,
         lost="affinity terms that select namespaces by label match none"),
    Kind(api_version="v1", kind="LimitRange", plural="limitranges", wire=storage_wire.LimitRange,
         lost="daemon sets and what-if workloads without requests are taken to need nothing"),
    Kind(api_version="node.k8s.io/v1", kind="RuntimeClass", plural="runtimeclasses", wire=wire.RuntimeClass,
         lost="what-if workloads have no runtime overhead", optional_api=True),
)  # fmt: skip
POLICY_LISTS: Final = (
    Kind(api_version=NODE_CLASS_VERSIONS[0], kind="OVHNodeClass", plural="ovhnodeclasses", wire=Wire,
         lost="the policy of the cluster is not seen", optional_api=True),
    Kind(api_version=NODE_POOL_VERSIONS[0], kind="NodePool", plural="nodepools", wire=Wire,
         lost="the policy of the cluster is not seen", optional_api=True),
)  # fmt: skip
#: What-if kinds are read from files only: a live cluster's own workloads have their pods already.
WORKLOAD_KINDS: Final = tuple(
    Kind(api_version=version, kind=kind, plural=f"{kind.lower()}s", wire=wire.Workload)
    for version, kind in (
        ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "ReplicaSet"), ("batch/v1", "Job"),
    )
)  # fmt: skip
BY_NAME: Final = {(one.api_version, one.kind): one for one in (*CLUSTER_KINDS, *WORKLOAD_KINDS)}


def is_policy(api_version: str, kind: str) -> bool:
    """Whether this is Karpenter's NodePool or OVHcloud's node class for it, and not OVHcloud's own NodePool."""
    return (kind == "NodePool" and api_version in NODE_POOL_VERSIONS) or (
        kind == "OVHNodeClass" and api_version in NODE_CLASS_VERSIONS
    )
