"""What the objects of Argo CD, Flux and tofu-controller say of a commit of the live branch; pure.

They are read as the API server sends them. What is missing in them is never taken for done.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitops.git.base import CommitId

PLAN_DIGITS: Final = 10
"""How much of a commit's id tofu-controller puts into the id of a plan (its ``planid`` package)."""
LONGEST: Final = 300


class Stage(Enum):
    """How far a delegate is with a commit. STUCK: it will not go on by itself; FAILING: it tries again."""

    UNSEEN = "unseen"
    BEHIND = "behind"
    PENDING = "pending"
    APPLYING = "applying"
    FAILING = "failing"
    STUCK = "stuck"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen, and ``text``, a clause for people: why it is no further."""

    stage: Stage
    text: str = ""

    @property
    def applied(self) -> bool:
        return self.stage is Stage.APPLIED


UNSEEN: Final = Seen(stage=Stage.UNSEEN, text="its objects cannot be read")


def judge_application(application: Mapping[str, Any], commit: CommitId) -> Seen:
    """An ``argoproj.io/v1alpha1 Application``: status.sync, status.operationState, status.conditions."""
    status = _map(application, "status")
    sync, operation = _map(status, "sync"), _map(status, "operationState")
    if (error := _argo_error(status)) is not None:
        return Seen(stage=Stage.FAILING, text=error)
    if sync.get("revision") != commit:
        return Seen(stage=Stage.BEHIND, text=_behind(str(sync.get("revision") or ""), _automation(application)))
    synced = _map(operation, "syncResult").get("revision") == commit
    phase = str(operation.get("phase") or "")
    if sync.get("status") == "Synced" or (synced and phase == "Succeeded"):
        return Seen(stage=Stage.APPLIED, text=_health(status))
    if synced and phase in ("Failed", "Error"):  # "will not reattempt a sync if the previous one of this commit failed"
        return Seen(stage=Stage.STUCK, text=f"its sync {phase.lower()}: {_line(operation.get('message'))}; sync again")
    if synced or phase == "Running":
        return Seen(stage=Stage.APPLYING, text=_line(operation.get("message")) or "it is syncing")
    return Seen(stage=Stage.PENDING, text=_automation(application) or "it is about to sync")


def judge_kustomization(source: Mapping[str, Any], kustomization: Mapping[str, Any], commit: CommitId) -> Seen:
    """Flux's GitRepository and the Kustomization that applies it.

    A Kustomization whose health check fails or goes on has applied all there is: health comes last.
    """
    if (held := _held_up(source, commit)) is not None:
        return held
    if _map(kustomization, "spec").get("suspend") is True:
        return Seen(stage=Stage.STUCK, text="its Kustomization is suspended")
    status = _map(kustomization, "status")
    ready, healthy = _condition(status, "Ready"), _condition(status, "Healthy")
    if _holds(status.get("lastAppliedRevision"), commit):
        return Seen(stage=Stage.APPLIED)
    if not _holds(status.get("lastAttemptedRevision"), commit):
        return Seen(stage=Stage.BEHIND, text=_behind(str(status.get("lastAttemptedRevision") or ""), ""))
    if ready.get("reason") == "HealthCheckFailed" or commit in str(healthy.get("message") or ""):
        return Seen(stage=Stage.APPLIED, text=_line(ready.get("message")))
    if ready.get("status") == "False":
        return Seen(stage=Stage.FAILING, text=f"{ready.get('reason')}: {_line(ready.get('message'))}")
    return Seen(stage=Stage.APPLYING, text=_line(ready.get("message")))


def judge_terraform(source: Mapping[str, Any], terraform: Mapping[str, Any], commit: CommitId, branch: str) -> Seen:
    """A GitRepository and the ``infra.contrib.fluxcd.io/v1alpha2 Terraform`` that plans it. PENDING: a plan waits."""
    if (held := _held_up(source, commit)) is not None:
        return held
    if _map(terraform, "spec").get("suspend") is True:
        return Seen(stage=Stage.STUCK, text="its Terraform object is suspended")
    status = _map(terraform, "status")
    ready, plan, lock = _condition(status, "Ready"), _map(status, "plan"), _map(status, "lock")
    if lock.get("pending"):
        remedy = "if nobody holds it any more, set spec.tfstate.forceUnlock and lockIdentifier on the object"
        return Seen(stage=Stage.FAILING, text=f"the state is locked by {_line(lock['pending'])}; {remedy}")
    if plan.get("pending") == plan_id(branch, commit):
        under_way = _map(terraform, "spec").get("approvePlan") == plan["pending"] and ready.get("status") != "False"
        text = "it applies the approved plan" if under_way else "its plan waits to be approved"
        return Seen(stage=Stage.APPLYING if under_way else Stage.PENDING, text=text)
    if not plan.get("pending"):
        nothing = _condition(status, "Plan").get("reason") == "TerraformPlannedNoChanges"
        if _holds(status.get("lastAppliedRevision"), commit) or (
            nothing and _holds(status.get("lastPlannedRevision"), commit)
        ):
            return Seen(stage=Stage.APPLIED)
    if ready.get("status") == "False":
        return Seen(stage=Stage.FAILING, text=f"{ready.get('reason')}: {_line(ready.get('message'))}")
    if _holds(status.get("lastAttemptedRevision"), commit):
        return Seen(stage=Stage.APPLYING, text=_line(ready.get("message")))
    return Seen(stage=Stage.BEHIND, text=_behind(str(status.get("lastAttemptedRevision") or ""), ""))


def plan_id(branch: str, commit: CommitId) -> str:
    """The id that tofu-controller gives to the plan of a commit, whole."""
    return f"plan-{branch}-{commit[:PLAN_DIGITS]}"


def _held_up(source: Mapping[str, Any], commit: CommitId) -> Seen | None:
    """Why a GitRepository does not have the commit yet; None where it has."""
    status = _map(source, "status")
    revision = str(_map(status, "artifact").get("revision") or "")
    if _holds(revision, commit):
        return None
    if _map(source, "spec").get("suspend") is True:
        return Seen(stage=Stage.STUCK, text="its GitRepository is suspended")
    ready = _condition(status, "Ready")
    if ready.get("status") == "False":
        return Seen(stage=Stage.FAILING, text=f"{ready.get('reason')}: {_line(ready.get('message'))}")
    return Seen(stage=Stage.BEHIND, text=_behind(revision, ""))


def _holds(revision: object, commit: CommitId) -> bool:
    """Whether a revision (``<branch>@sha1:<commit>``) is of the commit."""
    return isinstance(revision, str) and revision.rpartition(":")[2] == commit


def _argo_error(status: Mapping[str, Any]) -> str | None:
    """ComparisonError, InvalidSpecError, SyncError and the like."""
    found = [one for one in _maps(status.get("conditions")) if str(one.get("type")).endswith("Error")]
    return f"{found[0]['type']}: {_line(found[0].get('message'))}" if found else None


def _automation(application: Mapping[str, Any]) -> str:
    """That nobody has told Argo CD to sync by itself; empty where it does."""
    automated = _map(_map(application, "spec"), "syncPolicy").get("automated")
    on = isinstance(automated, dict) and automated.get("enabled") is not False
    return "" if on else "its Application is not synced automatically: sync it, or set spec.syncPolicy.automated"


def _health(status: Mapping[str, Any]) -> str:
    health = _map(status, "health")
    word = str(health.get("status") or "")
    return "" if word in ("", "Healthy") else f"health {word} {_line(health.get('message'))}".rstrip()


def _behind(revision: str, more: str) -> str:
    at = revision.rpartition(":")[2][:12]
    return "; ".join(filter(None, (f"it is at {at}" if at else "it has not looked at the branch yet", more)))


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    return next((one for one in _maps(status.get("conditions")) if one.get("type") == kind), {})


def _map(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _maps(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _line(text: object) -> str:
    return " ".join(str(text or "").split())[:LONGEST]
