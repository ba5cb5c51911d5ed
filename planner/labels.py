"""Label keys with a meaning to Kubernetes, Karpenter or OVHcloud, and what each says."""

from __future__ import annotations

from typing import Final

HOSTNAME: Final = "kubernetes.io/hostname"
ZONE: Final = "topology.kubernetes.io/zone"
REGION: Final = "topology.kubernetes.io/region"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
ARCH: Final = "kubernetes.io/arch"
OS: Final = "kubernetes.io/os"

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
NODEPOOL: Final = "karpenter.sh/nodepool"
DO_NOT_DISRUPT: Final = "karpenter.sh/do-not-disrupt"
SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
ON_DEMAND: Final = "on-demand"

OVH_POOL: Final = "nodepool"
OVH_NODE_TYPE: Final = "node.k8s.ovh/type"
CINDER_ZONE: Final = "topology.cinder.csi.openstack.org/zone"
ONE_ZONE: Final = "nova"  # what nodes of a region without availability zones call their only zone

INSTANCE_CATEGORY: Final = "karpenter.ovhcloud.sh/instance-category"
INSTANCE_FAMILY: Final = "karpenter.ovhcloud.sh/instance-family"
INSTANCE_SIZE: Final = "karpenter.ovhcloud.sh/instance-size"
INSTANCE_CPU: Final = "karpenter.ovhcloud.sh/instance-cpu"
INSTANCE_MEMORY: Final = "karpenter.ovhcloud.sh/instance-memory"

NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"  # on every Namespace, by the API server

EMPTY_SINCE: Final = "poolplan.dev/empty-since"  # annotation on a Node, RFC 3339: when its last pod left

#: Older names that kube-scheduler treats as their modern twins, and that nodes still carry.
ALIASES: Final[dict[str, str]] = {
    "beta.kubernetes.io/arch": ARCH,
    "beta.kubernetes.io/os": OS,
    "beta.kubernetes.io/instance-type": INSTANCE_TYPE,
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
}

#: Keys whose value a NodePool may leave open and a pod may then choose: written to the pool's template when chosen.
OFFERED: Final = (CAPACITY_TYPE, NODEPOOL)
#: Keys OVHcloud itself sets on every node: never written to a pool's template.
SET_BY_OVH: Final = frozenset({
    HOSTNAME, ZONE, REGION, INSTANCE_TYPE, ARCH, OS, OVH_POOL, OVH_NODE_TYPE, CINDER_ZONE, *ALIASES,
})  # fmt: skip
