"""Every call that poolplan makes to the OVH API, and what is lost without the right to make it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitops.ovh.answers import Rule

PROJECT = "/cloud/project/{serviceName}"
CLUSTER = f"{PROJECT}/kube/{{kubeId}}"
POOL = f"{CLUSTER}/nodepool/{{nodePoolId}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A call. ``needed`` False: poolplan goes on without it, with a warning. ``without`` says what is lost."""

    method: str
    path: str
    needed: bool
    without: str

    def allows(self, method: str, path: str) -> bool:
        """Whether this is the right for the call; ``path`` may have a query."""
        pattern = re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(self.path))
        return method == self.method and re.fullmatch(rf"{pattern}(\?.*)?", path) is not None

    def granted_by(self, rules: Iterable[Rule], *, service_name: str, kube_id: str) -> bool:
        """Whether one of a consumer key's rules covers this right in the project and cluster."""
        path = self.path.replace("{serviceName}", service_name).replace("{kubeId}", kube_id)
        return any(
            rule.method == self.method and re.fullmatch(re.escape(rule.path).replace(r"\*", ".*"), path) is not None
            for rule in rules
        )


RIGHTS = (
    Right(method="GET", path=f"{CLUSTER}/nodepool", needed=True, without="no observed pools: no drift, no import"),
    Right(method="GET", path=POOL, needed=True, without="no check just before acting: apply refuses"),
    Right(method="GET", path=f"{POOL}/nodes", needed=True, without="no victims: nodes are not removed by name"),
    Right(method="POST", path=f"{CLUSTER}/nodepool", needed=True, without="no pool is created through the API"),
    Right(method="PUT", path=POOL, needed=True, without="no pool is resized through the API, no node removed by name"),
    Right(method="DELETE", path=POOL, needed=True, without="no pool is deleted through the API"),
    Right(method="GET", path=CLUSTER, needed=True, without="region, plan and version must be given by hand"),
    Right(method="GET", path=f"{PROJECT}/kube", needed=False, without="OVH_KUBE_ID must be set"),
    Right(method="GET", path=f"{CLUSTER}/flavors", needed=False, without="the cluster's own view of sold-out flavors"),
    Right(
        method="GET", path=f"{CLUSTER}/node", needed=False, without="nodes of many pools are asked for pool by pool",
    ),
    Right(
        method="GET", path=f"{PROJECT}/capabilities/kube/flavors", needed=False,
        without="flavors of the cluster's region alone, as the cluster lists them",
    ),
    Right(
        method="GET", path=f"{PROJECT}/capabilities/kube/regions", needed=False, without="region names are not checked",
    ),
    Right(
        method="GET", path=f"{PROJECT}/region/{{regionName}}", needed=False,
        without="zones come from the bundled catalog",
    ),
    Right(
        method="GET", path=f"{PROJECT}/flavor", needed=False,
        without="disk sizes come from the bundled catalog, order plans from the flavors' names",
    ),
    Right(
        method="GET", path=f"{PROJECT}/region/{{regionName}}/quota", needed=False,
        without="quota is not looked at before nodes are ordered",
    ),
    Right(method="GET", path="/auth/currentCredential", needed=False, without="rights are not checked beforehand"),
    Right(method="GET", path="/me", needed=False, without="the subsidiary whose prices count must be named"),
)  # fmt: skip
#: Calls that anybody may make.
OPEN = (("GET", "/auth/time"), ("GET", "/order/catalog/public/cloud"))
