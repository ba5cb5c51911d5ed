"""Writes into the cluster what its users look at: Events, conditions, ScalePlans. Nothing depends on what it writes.

Only what has changed is written. An Event's name is made of what it says, so that saying it again, after a restart or
by another replica, is refused by the API server and does no harm.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec

from gitops.clock import Bell
from gitops.cluster.connection import Place
from gitops.controller.objects import (
    GROUP,
    LONGEST,
    VERSION,
    Condition,
    Happening,
    condition_happenings,
    conditions_of,
    pod_happenings,
    scale_plans,
    stalled,
)
from gitops.errors import PoolplanError, Stalled
from planner.pending import rfc3339
from planner.portion import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitops.clock import Clock
    from gitops.cluster.connection import KubernetesApi
    from gitops.cluster.live.api import Answer
    from gitops.controller.view import View

MOST_EVENTS = 200
"""Events that one pass writes at most; the rest follow with the next."""
SOURCE = "poolplan"
_PLACES = {
    "NodePool": ("karpenter.sh", "v1", "nodepools"),
    "OVHNodeClass": ("karpenter.ovhcloud.sh", "v1alpha1", "ovhnodeclasses"),
}
_SCALE_PLAN = (GROUP, VERSION, "scaleplans")
_NOT_THERE, _THERE = 404, 409
_GONE = "gone"


@dataclass(kw_only=True)
class Speaker:
    """Tells one cluster. ``remark`` takes what could not be written, once for each kind of it."""

    api: KubernetesApi
    clock: Clock
    remark: Callable[[str], None]
    _said: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _shown: dict[tuple[str, ...], object] = field(default_factory=dict)
    _lacking: set[str] = field(default_factory=set)

    def tell(self, view: View) -> None:
        """Write what is new in the view. Raises Waiting or Stalled where the API server is away."""
        if not view.leads or view.planned is None:
            return
        if view.problem and not stalled(view).status:
            return
        if not view.problem:
            self._events(pod_happenings(view))
        for kind, name, conditions in conditions_of(view):
            self._conditions((*_PLACES[kind], name), kind, conditions)
        if not view.problem:
            self._scale_plans(view.cluster, scale_plans(view))

    def _events(self, happenings: Sequence[Happening]) -> None:
        written = 0
        present = {(one.kind, one.namespace, one.name) for one in happenings}
        self._said = {about: text for about, text in self._said.items() if about in present or about[0] != "Pod"}
        for one in happenings:
            about = (one.kind, one.namespace, one.name)
            if self._said.get(about) == one.message:
                continue
            if written == MOST_EVENTS:
                return
            if self._tell_of(one):
                self._said[about] = one.message
                written += 1

    def _tell_of(self, one: Happening) -> bool:
        return self._allowed(self.api.create_event(one.namespace or "default", self._event(one)), "events", _THERE)

    def _event(self, one: Happening) -> dict[str, object]:
        at = rfc3339(self.clock.now())
        mark = hashlib.sha256("\n".join((one.uid, one.reason, one.message)).encode()).hexdigest()[:16]
        about = {"apiVersion": one.api_version, "kind": one.kind, "name": one.name, "uid": one.uid}
        space = one.namespace or "default"
        return {
            "apiVersion": "v1", "kind": "Event", "type": one.type, "reason": one.reason,
            "message": one.message[:LONGEST], "count": 1,
            "metadata": {"name": f"{one.name[:200]}.{mark}", "namespace": space},
            "involvedObject": {**about, **({"namespace": one.namespace} if one.namespace else {})},
            "source": {"component": SOURCE}, "reportingComponent": SOURCE, "firstTimestamp": at, "lastTimestamp": at,
        }  # fmt: skip

    def _conditions(self, where: tuple[str, str, str, str], kind: str, wanted: Sequence[Condition]) -> None:
        """Read the object only where there is something new to say, for its generation and its transition times."""
        if self._shown.get(where) == tuple(wanted):
            return
        answer = self.api.read_cluster_object(Place(*where))
        if not self._allowed(answer, kind, _NOT_THERE) or answer.status == _NOT_THERE:
            return
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
        kept = {one.get("type"): one for one in (found.get("status") or {}).get("conditions") or []}
        generation = (found.get("metadata") or {}).get("generation", 1)
        ours = [self._condition(one, kept.get(one.type), generation) for one in wanted]
        others = [one for name, one in sorted(kept.items()) if name not in {each.type for each in wanted}]
        about = (kind, f"{where[0]}/{where[1]}", where[3], str((found.get("metadata") or {}).get("uid", "")))
        for one in condition_happenings(about, wanted, {name: each.get("message", "") for name, each in kept.items()}):
            self._tell_of(one)
        if ours == [kept.get(one.type) for one in wanted] or self._allowed(
            self.api.patch_cluster_status(Place(*where), {"conditions": [*others, *ours]}), f"{kind} status"
        ):
            self._shown[where] = tuple(wanted)

    def _condition(self, wanted: Condition, before: Mapping[str, Any] | None, generation: int) -> dict[str, object]:
        status = "True" if wanted.status else "False"
        since = before.get("lastTransitionTime") if before is not None and before.get("status") == status else None
        return {
            "type": wanted.type, "status": status, "reason": wanted.reason, "message": wanted.message[:LONGEST],
            "observedGeneration": generation,
            "lastTransitionTime": since or rfc3339(self.clock.now()),
        }  # fmt: skip

    def _scale_plans(self, cluster: str, wanted: Mapping[str, Mapping[str, object]]) -> None:
        """One object for each proposal that stands; those of this cluster that stand no more go."""
        for kind in Kind:  # what an earlier process left is looked at too
            self._shown.setdefault((*_SCALE_PLAN, f"{cluster}-{kind.value}"), None)
        for name, status in wanted.items():
            place = Place(*_SCALE_PLAN, name)
            if self._shown.get((*_SCALE_PLAN, name)) == status:
                continue
            body = {
                "apiVersion": f"{GROUP}/{VERSION}", "kind": "ScalePlan", "spec": {},
                "metadata": {"name": name, "labels": {f"{GROUP}/cluster": cluster}},
            }  # fmt: skip
            made = self._allowed(self.api.create_cluster_object(place, body), "ScalePlan", _THERE, _NOT_THERE)
            if made and self._allowed(self.api.patch_cluster_status(place, status), "ScalePlan status", _NOT_THERE):
                self._shown[*_SCALE_PLAN, name] = dict(status)
        gone = [
            where for where, shown in self._shown.items()
            if where[:3] == _SCALE_PLAN and where[3] not in wanted and shown != _GONE
        ]  # fmt: skip
        for where in gone:
            if self._allowed(self.api.delete_cluster_object(Place(*where)), "ScalePlan", _NOT_THERE):
                self._shown[where] = _GONE

    def _allowed(self, answer: Answer, what: str, *also: int) -> bool:
        """Whether the API server did it, or it ended as it may; what it refuses is said once."""
        if answer.status // 100 == 2 or answer.status in also:
            return True
        if answer.status >= 500:
            raise Stalled(f"{self.api.address} answers {answer.status} to {what}")
        if what not in self._lacking:
            self._lacking.add(what)
            self.remark(f"{what} cannot be written: {self.api.address} answers {answer.status}; see its rights")
        return False


class Voice:
    """Lets a speaker speak in a thread of its own, always of the newest view, so that no pass waits for it."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker, self._bell = speaker, Bell()
        self._newest: View | None = None
        self._ending = False
        self._thread = Thread(target=self._run, name="voice", daemon=True)
        self._thread.start()

    def __call__(self, view: View) -> None:
        """Tell of this view, soon."""
        self._newest = view
        self._bell.ring()

    def stop(self) -> None:
        """End; what was not told yet is not."""
        self._ending = True
        self._bell.ring()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending:
            self._bell.wait(timedelta(hours=1))
            view = self._newest
            if view is None or self._ending:
                continue
            try:
                self._speaker.tell(view)
            except PoolplanError as error:
                self._speaker.remark(f"the cluster could not be told: {error}")
