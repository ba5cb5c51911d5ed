"""A stand-in for Argo CD and Flux: a test double that applies the live branch's manifests through the OVH API.

It does what their documentation says of what matters here: it looks at a branch now and then, makes and changes pools
(the in-cluster objects of OVHcloud lead to the same calls), never deletes one, and tells how far it is in the words of
their own objects. Argo CD's syncs once for each commit; Flux's puts every difference back each time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gitops.cluster.live.api import Answer
from gitops.engines.ovh_api import calls_between
from gitops.errors import PoolplanError
from planner.pools import PoolSet
from renderer.delegated import Delegate
from renderer.layout import Live, pools_folder
from renderer.tree import parse_pools

if TYPE_CHECKING:
    from gitops.git.base import CommitId, Repository
    from gitops.ovh.client import OvhClient
    from renderer.bootstrap import Following

Document = dict[str, Any]


@dataclass
class StandIn:
    """One delegate of one cluster. ``asleep``: it looks at nothing; ``broken``: what it says that keeps it from going on.

    It is its own API server, for its own objects alone.
    """

    delegate: Delegate
    repository: Repository
    client: OvhClient
    following: Following
    asleep: bool = False
    broken: str = ""
    address: str = "https://stand-in"
    applied: CommitId | None = None
    tried: CommitId | None = None
    deeds: list[str] = field(default_factory=list)

    def reconcile(self) -> None:
        """Look at the branch, and make the provider's pools what it says."""
        self.repository.refresh()
        head = self.repository.head(self.following.branch)  # type: ignore[arg-type] # it is one
        if self.asleep or head is None:
            return
        self.tried = head
        if self.broken or (self.delegate is Delegate.ARGO_CD and self.applied == head):
            return
        files = self.repository.read(head, pools_folder(self.following.cluster))
        if all(self._apply(call) for call in self._calls(parse_pools(files, Live.MANIFESTS))):
            self.applied = head

    def _calls(self, wanted: PoolSet) -> list[Any]:
        there = [pool for pool in self.client.pools() if wanted.get(pool.name) is not None]
        return list(calls_between(there, wanted))

    def _apply(self, call: Any) -> bool:
        """Whether the provider took it: a pool that is busy is tried again next time."""
        try:
            if call.before is None:
                self.client.create_pool(call.after)
            else:
                self.client.update_pool(call.before, replace(call.after, state=call.before.state))
        except PoolplanError:
            return False
        self.deeds.append(f"{call.action.value} {call.name} {call.after.desired}")
        return True

    def read_object(self, api_version: str, namespace: str, plural: str, name: str) -> Answer:
        """Its own objects, as an API server sends them."""
        del api_version, namespace
        made = {"applications": self._application, "gitrepositories": self._source, "kustomizations": self._kustomization}
        if plural not in made or name != self.following.name:
            return Answer(404, b"{}")
        return Answer(200, json.dumps(made[plural]()).encode())

    def read_secret(self, namespace: str, name: str) -> Answer:
        """It has none."""
        del namespace, name
        return Answer(404, b"{}")

    def _application(self) -> Document:
        synced = self.tried is not None and self.tried == self.applied
        status: Document = {
            "sync": {"status": "Synced" if synced else "OutOfSync", "revision": self.tried or ""},
            "operationState": {"phase": "Succeeded", "syncResult": {"revision": self.applied or ""}},
        }
        if self.broken:
            status["operationState"] = {
                "phase": "Failed", "message": self.broken, "syncResult": {"revision": self.tried or ""},
            }
        return {"spec": {"syncPolicy": {"automated": {}}}, "status": status}

    def _source(self) -> Document:
        revision = f"{self.following.branch}@sha1:{self.tried}" if self.tried else ""
        return {"spec": {}, "status": {"artifact": {"revision": revision}, "conditions": []}}

    def _kustomization(self) -> Document:
        ready = {"type": "Ready", "status": "False" if self.broken else "True", "reason": "ReconciliationFailed",
                 "message": self.broken}  # fmt: skip
        return {"spec": {}, "status": {
            "lastAttemptedRevision": f"{self.following.branch}@sha1:{self.tried}" if self.tried else "",
            "lastAppliedRevision": f"{self.following.branch}@sha1:{self.applied}" if self.applied else "",
            "conditions": [ready],
        }}  # fmt: skip
