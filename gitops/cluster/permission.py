"""Asks the cluster who we are to it, and whether we may: its own RBAC decides who may act in an emergency.

The right is to ``create`` the resource ``emergencies.poolplan.dev``, which need not exist: RBAC rules may name any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gitops.errors import Stalled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.cluster.connection import KubernetesApi

GROUP: Final = "poolplan.dev"
RESOURCE: Final = "emergencies"
CREATED: Final = (200, 201)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether ``user`` may; ``reason`` is what the server says about it, empty where it says nothing."""

    user: str
    allowed: bool
    reason: str = ""


def may_act(api: KubernetesApi, cluster: str) -> Permission:
    """By a ``SelfSubjectAccessReview`` and a ``SelfSubjectReview`` (Kubernetes 1.28). Raises Stalled, Waiting."""
    found = is_allowed(api, {"group": GROUP, "resource": RESOURCE, "verb": "create", "name": cluster})
    return replace(found, user=_user(api))


def is_allowed(api: KubernetesApi, attributes: Mapping[str, str]) -> Permission:
    """Whether we may do what the ``resourceAttributes`` of an access review say. Raises Stalled, Waiting."""
    review = _ask(api, "authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
                  {"resourceAttributes": dict(attributes)})  # fmt: skip
    status = review.get("status") or {}
    return Permission(
        user="", allowed=status.get("allowed") is True and not status.get("denied"),
        reason=str(status.get("reason") or ""),
    )  # fmt: skip


def _user(api: KubernetesApi) -> str:
    found = _ask(api, "authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", None)
    info = (found.get("status") or {}).get("userInfo") or {}
    return str(info.get("username") or "")


def _ask(api: KubernetesApi, group: str, plural: str, kind: str, spec: object) -> dict[str, Any]:
    body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {}, **({"spec": spec} if spec else {})}
    answer = api.review(group, plural, body)
    if answer.status not in CREATED:
        raise Stalled(f"{api.address} answers {answer.status} to {kind}, so it is not known who asks and what they may")
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Stalled(f"{api.address} answers {kind} with something else") from error
    return found
