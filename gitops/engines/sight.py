"""Looks at a delegate's objects in its cluster: how far it is with a commit, and which plan it holds.

Whoever cannot be seen is told as unseen, with the reason; it is for the engine to say what may not be done unseen.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from gitops.engines.delegate_status import Seen, Stage, judge_application, judge_kustomization, judge_terraform
from gitops.errors import PoolplanError, Refused
from gitops.git.program import redact as without_logins
from gitops.redact import redact
from renderer.bootstrap import ARGO_NAMESPACE, FLUX_NAMESPACE
from renderer.delegated import Delegate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.cluster.live.api import Answer
    from gitops.git.base import CommitId
    from renderer.bootstrap import Following

_APPLICATION: Final = ("argoproj.io/v1alpha1", ARGO_NAMESPACE, "Application")
_SOURCE: Final = ("source.toolkit.fluxcd.io/v1", FLUX_NAMESPACE, "GitRepository")
_KUSTOMIZATION: Final = ("kustomize.toolkit.fluxcd.io/v1", FLUX_NAMESPACE, "Kustomization")
_TERRAFORM: Final = ("infra.contrib.fluxcd.io/v1alpha2", FLUX_NAMESPACE, "Terraform")
_PLURALS: Final = {
    "Application": "applications", "GitRepository": "gitrepositories", "Kustomization": "kustomizations",
    "Terraform": "terraforms",
}  # fmt: skip
_SAVED_FOR: Final = "savedPlan"
"""The annotation by which tofu-controller says of which plan a Secret is."""


class DelegateApi(Protocol):
    """The API server that a delegate's objects are in."""

    def read_object(self, api_version: str, namespace: str, plural: str, name: str) -> Answer: ...
    def read_secret(self, namespace: str, name: str) -> Answer: ...


class _Unseen(Exception):
    """Why an object cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A delegate as seen through ``api``, which may raise where there is no cluster to look at."""

    delegate: Delegate
    following: Following
    api: Callable[[], DelegateApi]

    def look(self, commit: CommitId) -> Seen:
        """How far the delegate is with this commit of the live branch."""
        try:
            seen = self._judged(commit)
        except (_Unseen, PoolplanError) as error:
            seen = Seen(stage=Stage.UNSEEN, text=str(error))
        return replace(seen, text=redact(without_logins(seen.text)))

    def pending_plan(self, plan_id: str) -> str:
        """tofu-controller's plan of this id, as ``terraform show -json`` writes it. Raises Refused for any other."""
        name = f"tfplan-default-{self.following.name}.json"
        found = self._secret(name)
        if _text(found, "metadata", "annotations", _SAVED_FOR) != plan_id:
            raise Refused(f"Secret {FLUX_NAMESPACE}/{name} holds another plan than {plan_id}; nothing was approved")
        try:
            return gzip.decompress(base64.b64decode(_text(found, "data", "tfplan"), validate=True)).decode()
        except (ValueError, OSError, EOFError) as error:
            raise Refused(f"Secret {FLUX_NAMESPACE}/{name} holds no plan that can be read; nothing was approved"
                          ) from error  # fmt: skip

    def _judged(self, commit: CommitId) -> Seen:
        name = self.following.name
        if self.delegate is Delegate.ARGO_CD:
            return judge_application(self._object(*_APPLICATION, name), commit)
        source = self._object(*_SOURCE, name)
        if self.delegate is Delegate.FLUX:
            return judge_kustomization(source, self._object(*_KUSTOMIZATION, name), commit)
        return judge_terraform(source, self._object(*_TERRAFORM, name), commit, self.following.branch)

    def _object(self, api_version: str, namespace: str, kind: str, name: str) -> Mapping[str, Any]:
        answer = self.api().read_object(api_version, namespace, _PLURALS[kind], name)
        return _document(answer, f"{kind} {namespace}/{name}", self.delegate)

    def _secret(self, name: str) -> Mapping[str, Any]:
        try:
            answer = self.api().read_secret(FLUX_NAMESPACE, name)
            return _document(answer, f"Secret {FLUX_NAMESPACE}/{name}", self.delegate)
        except _Unseen as error:
            raise Refused(f"the plan of tofu-controller cannot be compared: {error}; nothing was approved") from error


def _document(answer: Answer, named: str, delegate: Delegate) -> Mapping[str, Any]:
    if answer.status == 200:
        try:
            found = json.loads(answer.body)
        except ValueError as error:
            raise _Unseen(f"{named} cannot be read: the answer is no JSON") from error
        if isinstance(found, dict):
            return found
    if answer.status == 404:
        raise _Unseen(f"there is no {named}; make it from what `poolplan render --bootstrap {delegate.value}` writes")
    if answer.status in (401, 403):
        raise _Unseen(f"no right to get {named}")
    raise _Unseen(f"{named} cannot be read: the cluster answered {answer.status}")


def _text(document: object, *path: str) -> str:
    """The text at a path; empty where there is none."""
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document if isinstance(document, str) else ""
