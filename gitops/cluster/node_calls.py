"""The calls that empty a node, and what each answer of the API server means: values and reasons in place of codes.

The answers are those of the Eviction API (kubernetes.io, "API-initiated eviction"; pkg/registry/core/pod/storage/
eviction.go): 429 a disruption budget says no, 404 the pod is gone, 409 it is another one by now, 500 two budgets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import msgspec

from gitops.cluster.fields import utc
from gitops.cluster.inputs import make_inputs
from gitops.cluster.kinds import BY_NAME, Kind
from gitops.cluster.live.api import Answer, Api
from gitops.cluster.live.listing import item_of, pages
from gitops.cluster.wire import Metadata, Wire
from gitops.decoding import decoder
from gitops.errors import Stalled, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from planner.nodes import Node
    from planner.pods import Pod
    from planner.snapshot import Snapshot

T = TypeVar("T")
NODE: Final = BY_NAME["v1", "Node"]
POD: Final = BY_NAME["v1", "Pod"]
GRACE = 30
"""Seconds that a pod without ``terminationGracePeriodSeconds`` gets."""
_BUDGET = re.compile(r"disruption budget (?P<name>[-.a-z0-9]+) (?P<rest>.{1,150})", re.DOTALL)
_SEVERAL = "more than one PodDisruptionBudget"


class NodeApi(Api, Protocol):
    """What an API server must answer besides lists. Answers and errors are as those of ``Api``."""

    def read_node(self, name: str) -> Answer: ...
    def patch_node(self, name: str, patch: Mapping[str, object]) -> Answer:
        """A merge patch; 409 where it names another resourceVersion than the node has."""

    def pods_on(self, node: str) -> Answer:
        """A PodList of the pods that are bound to the node."""

    def evict(self, namespace: str, name: str, body: Mapping[str, object]) -> Answer:
        """``policy/v1`` Eviction."""

    def delete_pod(self, namespace: str, name: str, options: Mapping[str, object]) -> Answer:
        """``v1`` DeleteOptions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNode:
    """A node, and the resourceVersion it was read at."""

    node: Node
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A pod on a node. ``grace`` is how many seconds it may take to stop; ``ends_at`` when it must have, once deleted.

    ``ends_at`` is the deletionTimestamp, which the API server sets to the end of the grace period.
    """

    pod: Pod
    grace: int = GRACE
    ends_at: datetime | None = None


class Consent(Enum):
    """What came of an eviction: it is under way, not now, the budget has none left, or never as things are."""

    GIVEN = "given"
    LATER = "later"
    FULL = "full"
    NEVER = "never"


class _Spec(Wire):
    termination_grace_period_seconds: int | None = None


class _Pod(Wire):
    metadata: Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)


class _Version(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _Versioned(msgspec.Struct):
    metadata: _Version


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details | None = None

    def cause(self, reason: str) -> _Cause | None:
        found = (self.details.causes if self.details else None) or ()
        return next((one for one in found if one.reason == reason), None)


class NodeCalls:
    """The nodes and pods of a cluster. Everything raises Stalled without rights, and Waiting where no answer comes."""

    def __init__(self, api: NodeApi, environment: Mapping[str, str]) -> None:
        self._api, self._environment = api, environment

    def node(self, name: str) -> SeenNode | None:
        """None: there is no such node."""
        answer = self._api.read_node(name)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refusal(answer, f"read node {name}", "get on nodes")
        return self._seen(msgspec.Raw(answer.body))

    def nodes(self) -> tuple[SeenNode, ...]:
        """All of them."""
        return tuple(self._seen(raw) for page in pages(self._api, NODE, 0) for raw in page.items or ())

    def patch(self, seen: SeenNode, patch: Mapping[str, Mapping[str, object]]) -> bool:
        """Whether the node was changed: not where it is another one by now, or gone."""
        metadata = {"resourceVersion": seen.version, **patch.get("metadata", {})}
        name = seen.node.name
        answer = self._api.patch_node(name, {**patch, "metadata": metadata})
        if answer.status in (404, 409):
            return False
        if answer.status != 200:
            raise self._refusal(answer, f"cordon node {name}", "patch on nodes")
        return True

    def pods(self) -> tuple[Pod, ...]:
        """All pods of the cluster."""
        return self._read(POD, (raw for page in pages(self._api, POD, 0) for raw in page.items or ())).pods

    def guests(self, node: str) -> tuple[Guest, ...]:
        """The pods bound to a node, by namespace and name."""
        answer = self._api.pods_on(node)
        if answer.status != 200:
            raise self._refusal(answer, f"list the pods on {node}", "list on pods")
        raws = self._decode(answer.body, _List).items or []
        more = {(one.metadata.namespace, one.metadata.name): one for one in (self._decode(raw, _Pod) for raw in raws)}
        return tuple(_guest(pod, more[pod.namespace, pod.name]) for pod in self._read(POD, raws).pods)

    def evict(self, pod: Pod) -> tuple[Consent, str]:
        """Ask for a pod to leave: the answer, and the reason of one that is not yes, as a clause."""
        body = {
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace}, "deleteOptions": _only(pod),
        }  # fmt: skip
        answer = self._api.evict(pod.namespace, pod.name, body)
        said = _status(answer.body)
        match answer.status:
            case 200 | 201 | 202 | 404:
                return Consent.GIVEN, ""
            case 409:
                return Consent.LATER, "it changed in the meantime"
            case 429 if cause := said.cause("DisruptionBudget"):
                return Consent.FULL, _budget_says(pod, cause.message)
            case 429:
                return Consent.LATER, "the API server has too much to do"
            case 500 if _SEVERAL in said.message:
                return Consent.NEVER, "several PodDisruptionBudgets select it, and an eviction heeds one at most"
            case 403 if said.cause("NamespaceTerminating"):
                return Consent.LATER, f"its namespace {pod.namespace} is being deleted"
            case status if status >= 500:
                return Consent.LATER, f"the API server cannot evict it now ({status})"
        raise self._refusal(answer, f"evict pod {pod.key}", "create on pods/eviction")

    def delete(self, guest: Guest, seconds: int) -> None:
        """Delete a pod, whatever its budget says, with so many seconds to stop."""
        options = {"gracePeriodSeconds": seconds, **_only(guest.pod)}
        answer = self._api.delete_pod(guest.pod.namespace, guest.pod.name, options)
        if answer.status not in (200, 202, 404, 409):
            raise self._refusal(answer, f"delete pod {guest.pod.key}", "delete on pods")

    def _seen(self, raw: msgspec.Raw) -> SeenNode:
        version = self._decode(raw, _Versioned).metadata.resource_version  # what is no object at all is told here
        (node,) = self._read(NODE, [raw]).nodes
        return SeenNode(node=node, version=version)

    def _read(self, kind: Kind, raws: Iterable[msgspec.Raw]) -> Snapshot:
        items = [item_of(self._api, kind, raw) for raw in raws]
        return make_inputs(items, environment=self._environment).snapshot

    def _decode(self, raw: bytes | msgspec.Raw, kind: type[T]) -> T:
        try:
            return decoder(kind).decode(raw)
        except msgspec.DecodeError as error:
            raise Stalled(f"{self._api.address} answered with something that is no Kubernetes object") from error

    def _refusal(self, answer: Answer, what: str, right: str) -> Stalled | Waiting:
        said = " ".join(_status(answer.body).message.split())[:200]
        match answer.status:
            case 401:
                return Stalled(f"{self._api.address} does not accept these credentials; log in again")
            case 403:
                return Stalled(f"no right to {what}: the role needs {right} (see docs/guides/rights.md)")
            case 429 | 500 | 502 | 503 | 504:
                return Waiting(f"{self._api.address} cannot {what} now ({answer.status}: {ascii(said)[1:-1]})")
        return Stalled(f"{self._api.address} answered {answer.status} when asked to {what}: {ascii(said)[1:-1]}")


def _guest(pod: Pod, more: _Pod) -> Guest:
    grace = more.spec.termination_grace_period_seconds
    return Guest(pod=pod, grace=GRACE if grace is None else grace, ends_at=utc(more.metadata.deletion_timestamp))


def _only(pod: Pod) -> dict[str, object]:
    """This very pod, and not one that took its name since."""
    return {"preconditions": {"uid": pod.uid}} if pod.uid else {}


def _budget_says(pod: Pod, text: str) -> str:
    match = _BUDGET.search(text)
    if match is None:
        return "a PodDisruptionBudget says no"
    told = ascii(" ".join(match["rest"].split()))[1:-1]
    return f"the PodDisruptionBudget {pod.namespace}/{match['name']} says no: it {told}"


def _status(body: bytes) -> _Status:
    """A Kubernetes Status; what is none says nothing."""
    try:
        return decoder(_Status).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Status()
