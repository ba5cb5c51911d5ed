"""A stand-in for Argo CD and Flux: a test double that applies the live branch's manifests through the OVH API.

It does what their documentation says of what matters here: it looks at a branch now and then, makes and changes pools
(the in-cluster objects of OVHcloud lead to the same calls), never deletes one, and tells how far it is in the words of
their own objects. Argo CD's syncs once for each commit; Flux's puts every difference back each time.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gitops.agreement import RESOURCE
from gitops.cluster.live.api import Answer
from gitops.engines.delegate_status import plan_id
from gitops.engines.ovh_api import calls_between
from gitops.engines.pool_values import values_of
from gitops.errors import PoolplanError
from gitops.git.base import BranchName
from gitops.yamlfile import parse_yaml
from planner.pools import PoolSet
from renderer.delegated import Delegate
from renderer.layout import Live, pools_folder
from renderer.tree import parse_pools

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.agreement import Owner
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
        head = self.repository.head(BranchName(self.following.branch))
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


@dataclass
class TofuStandIn:
    """A stand-in for tofu-controller: a test double that plans the live branch and applies what is approved.

    As its source says: it plans once for each commit, calls the plan by branch and ten digits of the commit, takes an
    approval that the plan's id begins with, and plans again before it applies. ``mine`` is its state: pools by name;
    ``there``: Flux has made its object from the approvals branch.
    """

    repository: Repository
    client: OvhClient
    following: Following
    owner: Owner
    twist: Callable[[Document], Document] = lambda plan: plan
    mine: set[str] = field(default_factory=set)
    delegate: Delegate = Delegate.TOFU_CONTROLLER
    there: bool = False
    tried: CommitId | None = None
    applied: CommitId | None = None
    pending: str = ""
    stored: Document = field(default_factory=dict)
    approvals: list[str] = field(default_factory=list)

    def reconcile(self) -> None:
        """Look at both branches."""
        self.repository.refresh()
        head = self.repository.head(BranchName(self.following.branch))
        approved = self._approved()
        self.there = approved is not None
        if head is None or approved is None:
            return
        if head != self.tried:
            self.tried, self.pending = head, ""
        if not self.pending and self.applied != self.tried:
            self._plan()
        if self.pending and approved and self.pending.startswith(approved):
            self._plan()
            if self.pending == approved and all(self._apply(call) for call in self._calls()):
                self.applied, self.pending = head, ""

    def _plan(self) -> None:
        assert self.tried is not None
        calls = self._calls()
        self.stored = self.twist({"resource_changes": [self._change(one) for one in calls]})
        self.pending = plan_id(self.following.branch, self.tried) if calls else ""
        if not calls:
            self.applied = self.tried

    def _calls(self) -> list[Any]:
        files = self.repository.read(self.tried, pools_folder(self.following.cluster))  # type: ignore[arg-type]
        there = [pool for pool in self.client.pools() if pool.name in self.mine]
        return list(calls_between(there, parse_pools(files, Live.TERRAFORM)))

    def _change(self, call: Any) -> Document:
        before = values_of(call.before, self.owner) if call.before else None
        after = values_of(call.after, self.owner) if call.after else None
        if before and after:
            after["id"] = before["id"]
        return {
            "address": f"{RESOURCE}.{call.name}", "type": RESOURCE, "name": call.name,
            "change": {"actions": [call.action.value], "before": before, "after": after},
        }  # fmt: skip

    def _apply(self, call: Any) -> bool:
        try:
            if call.before is None:
                self.client.create_pool(call.after)
                self.mine.add(call.name)
            elif call.after is None:
                self.client.delete_pool(call.before.state.id)
                self.mine.discard(call.name)
            else:
                self.client.update_pool(call.before, replace(call.after, state=call.before.state))
        except PoolplanError:
            return False
        return True

    def _approved(self) -> str | None:
        """What the approvals branch says; None where it has no Terraform object."""
        head = self.repository.head(BranchName(self.following.approvals))
        if head is None:
            return None
        (document,) = parse_yaml(self.repository.read(head, PurePosixPath()).entries[0][1], "terraform.yaml")
        approved = str(document.value["spec"]["approvePlan"])  # type: ignore[index,call-overload]
        if approved and approved not in self.approvals:
            self.approvals.append(approved)
        return approved

    def read_object(self, api_version: str, namespace: str, plural: str, name: str) -> Answer:
        """Its own objects, as an API server sends them."""
        del api_version, namespace, name
        at = f"{self.following.branch}@sha1:{self.tried}" if self.tried else ""
        if plural == "gitrepositories":
            return Answer(200, json.dumps({"status": {"artifact": {"revision": at}}}).encode())
        if not self.there:
            return Answer(404, b"{}")
        done = f"{self.following.branch}@sha1:{self.applied}" if self.applied else ""
        status = {"plan": {"pending": self.pending}, "lastAttemptedRevision": at, "lastAppliedRevision": done}
        return Answer(200, json.dumps({"spec": {}, "status": status}).encode())

    def read_secret(self, namespace: str, name: str) -> Answer:
        """The plan that waits."""
        del namespace
        if name != f"tfplan-default-{self.following.name}.json":
            return Answer(404, b"{}")
        packed = base64.b64encode(gzip.compress(json.dumps(self.stored).encode())).decode()
        secret = {"metadata": {"annotations": {"savedPlan": self.pending}}, "data": {"tfplan": packed}}
        return Answer(200, json.dumps(secret).encode())
