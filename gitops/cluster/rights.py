"""What poolplan asks of a cluster besides reading it, what is lost without each right, and whether it is granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS
from gitops.cluster.permission import is_allowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.cluster.connection import KubernetesApi


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRight:
    """One verb on one resource (``part``: of a part of it), and what is lost without it."""

    verb: str
    group: str
    resource: str
    without: str
    part: str = ""

    def __str__(self) -> str:
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {name}{f'/{self.part}' if self.part else ''}"


FOLLOWING: Final = tuple(
    ClusterRight(
        verb=verb, group=kind.api_version.rpartition("/")[0], resource=kind.plural,
        without=kind.lost or "there is no plan",
    )
    for kind in (*CLUSTER_KINDS, *POLICY_LISTS) for verb in ("list", "watch")
)  # fmt: skip
SHOWING: Final = (
    ClusterRight(verb="create", group="", resource="events", without="pods and NodePools do not say what is planned"),
    *(
        ClusterRight(verb=verb, group=group, resource=resource, part=part, without="they have no conditions")
        for group, resource in (("karpenter.sh", "nodepools"), ("karpenter.ovhcloud.sh", "ovhnodeclasses"))
        for verb, part in (("get", ""), ("patch", "status"))
    ),
    *(
        ClusterRight(verb=verb, group="poolplan.dev", resource="scaleplans", part=part,
                     without="kubectl get scaleplans shows nothing")
        for verb, part in (("create", ""), ("delete", ""), ("patch", "status"))
    ),
)  # fmt: skip
DRAINING: Final = (
    ClusterRight(verb="patch", group="", resource="nodes", without="no node is cordoned, so none leaves"),
    ClusterRight(verb="create", group="", resource="pods", part="eviction", without="only empty nodes leave"),
    ClusterRight(verb="delete", group="", resource="pods",
                 without="the terminationGracePeriod of a NodePool overrules nobody"),
)  # fmt: skip


def lacking(api: KubernetesApi, rights: Sequence[ClusterRight]) -> tuple[ClusterRight, ...]:
    """Those of the rights that the cluster does not grant us. Raises Stalled or Waiting where it does not say."""
    return tuple(
        one for one in rights
        if not is_allowed(api, {
            "verb": one.verb, "group": one.group, "resource": one.resource,
            **({"subresource": one.part} if one.part else {}),
        }).allowed
    )  # fmt: skip
