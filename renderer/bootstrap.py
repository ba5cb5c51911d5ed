"""Files to start a delegate with: what Argo CD, Flux or tofu-controller must hold to follow a cluster's live branch.

They are written once and are people's from then on. A delegate follows the live branch, never the main branch: what is
merged there has not been judged yet. None of them prunes, and none puts a size back that was changed elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from renderer import yamltext
from renderer.delegated import Delegate
from renderer.files import FileSet
from renderer.health import CEL_CURRENT, CEL_IN_PROGRESS, LUA
from renderer.layout import MANIFESTS, TERRAFORM, pools_folder
from renderer.manifests import API_VERSION, KIND
from renderer.terraform_settings import Backend, backend_text

ARGO_NAMESPACE: Final = "argocd"
FLUX_NAMESPACE: Final = "flux-system"
CREDENTIALS: Final = "poolplan-ovh"
"""The Secret whose keys tofu-controller's runner has as environment: OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and
OVH_CONSUMER_KEY."""
_GROUP: Final = API_VERSION.partition("/")[0]
_FOLLOW: Final = "1m"
"""How often Flux asks Git for news: what was approved arrives within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A cluster's live branch, and where it is. ``main`` is the reviewed branch; ``prefix`` what branches begin with.

    ``backend`` is where Terraform keeps its state; only tofu-controller asks.
    """

    cluster: str
    url: str
    main: str = "main"
    prefix: str = "poolplan/"
    backend: Backend = field(default_factory=Backend)

    @property
    def branch(self) -> str:
        """The branch that only poolplan moves: what is to be in effect."""
        return f"{self.prefix}{self.cluster}/live"

    @property
    def approvals(self) -> str:
        """The branch that tells tofu-controller which of its plans may run."""
        return f"{self.prefix}{self.cluster}/approvals"

    @property
    def name(self) -> str:
        """The name of the delegate's own objects."""
        return f"poolplan-{self.cluster}"


def bootstrap_files(delegate: Delegate, following: Following) -> FileSet:
    """The files for one delegate, by their names."""
    return FileSet.of({PurePosixPath(name): text for name, text in _MAKERS[delegate](following).items()})


def terraform_object(following: Following, approved: str) -> str:
    """The ``Terraform`` object that the approvals branch holds. ``approved`` is a whole plan id, or empty: none runs.

    tofu-controller takes a plan id that merely begins with ``approvePlan`` for approved, so no part of one, and neither
    ``auto``, must ever stand here.
    """
    spec: dict[str, Any] = {
        "approvePlan": yamltext.scalar(approved), "interval": "10m", "retryInterval": "1m",
        "path": f"./{pools_folder(following.cluster) / TERRAFORM}",
        "sourceRef": {"kind": "GitRepository", "name": following.name, "namespace": FLUX_NAMESPACE},
        "storeReadablePlan": "json", "destroyResourcesOnDeletion": False, "force": False,
        "backendConfig": _backend(following),
        "runnerPodTemplate": {"spec": {"envFrom": [{"secretRef": {"name": CREDENTIALS}}]}},
    }  # fmt: skip
    return _text("poolplan owns this file: it approves a plan by its whole id.", {
        "apiVersion": "infra.contrib.fluxcd.io/v1alpha2", "kind": "Terraform",
        "metadata": {"name": following.name, "namespace": FLUX_NAMESPACE}, "spec": spec,
    })  # fmt: skip


def _backend(following: Following) -> dict[str, Any]:
    """A backend of the object's own overrides the file's; the runner's local disk would be gone with it."""
    if following.backend.kind == "local":
        return {"inClusterConfig": True, "secretSuffix": following.cluster}
    return {"customConfiguration": yamltext.block(backend_text(following.backend))}


def _argo(following: Following) -> dict[str, str]:
    metadata = {"name": following.name, "namespace": ARGO_NAMESPACE}
    application = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata,
        "spec": _application_spec(following, cluster=following.cluster, destination={
            "server": "https://kubernetes.default.svc",
        }),
    }  # fmt: skip
    return {
        "application.yaml": _text(
            "One cluster. Argo CD follows the branch that poolplan moves once a change is approved.", application
        ),
        "applicationset.yaml": _text(
            "In place of application.yaml: one Application for each cluster.yaml that says delegated: argocd.\n"
            "Each cluster must be known to Argo CD by its name in cluster.yaml.", _application_set(following),
        ),
        "argocd-cm.yaml": _text(
            "Merge this key into Argo CD's own ConfigMap: kubectl patch -n argocd configmap argocd-cm "
            "--patch-file argocd-cm.yaml", _argo_config(),
        ),
    }  # fmt: skip


def _argo_config() -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "argocd-cm", "namespace": ARGO_NAMESPACE,
            "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
        },
        "data": {f"resource.customizations.health.{_GROUP}_{KIND}": yamltext.block(LUA)},
    }  # fmt: skip


def _application_spec(following: Following, *, cluster: str, destination: dict[str, str]) -> dict[str, Any]:
    """Synced once for each commit: without ``selfHeal``, a size that the API changed is not put back in between."""
    return {
        "project": "default",
        "source": {
            "repoURL": yamltext.scalar(following.url),
            "targetRevision": yamltext.scalar(f"{following.prefix}{cluster}/live"),
            "path": yamltext.scalar(f"clusters/{cluster}/pools/{MANIFESTS}"),
        },
        "destination": destination,
        "syncPolicy": {
            "automated": {"allowEmpty": True, "prune": False, "selfHeal": False},
            "syncOptions": ["ServerSideApply=true", "ApplyOutOfSyncOnly=true"],
            "retry": {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}},
        },
    }  # fmt: skip


def _application_set(following: Following) -> dict[str, Any]:
    name = "{{.metadata.name}}"
    spec = _application_spec(following, cluster=name, destination={"name": yamltext.scalar(name)})
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {"name": "poolplan", "namespace": ARGO_NAMESPACE},
        "spec": {
            "goTemplate": True, "goTemplateOptions": ["missingkey=error"],
            "generators": [{
                "git": {
                    "repoURL": yamltext.scalar(following.url), "revision": yamltext.scalar(following.main),
                    "files": [{"path": yamltext.scalar("clusters/*/cluster.yaml")}],
                },
                "selector": {"matchLabels": {"spec.delegated": Delegate.ARGO_CD.value}},
            }],
            "syncPolicy": {"applicationsSync": "create-update", "preserveResourcesOnDeletion": True},
            "template": {"metadata": {"name": yamltext.scalar(f"poolplan-{name}")}, "spec": spec},
        },
    }  # fmt: skip


def _flux(following: Following) -> dict[str, str]:
    kustomization = _kustomization(following, path=str(pools_folder(following.cluster) / MANIFESTS)) | {
        "healthCheckExprs": [{
            "apiVersion": API_VERSION, "kind": KIND, "inProgress": CEL_IN_PROGRESS, "current": CEL_CURRENT,
        }],
        "timeout": "5m", "wait": True,
    }  # fmt: skip
    return {
        "source.yaml": _text(
            "Flux follows the branch that poolplan moves once a change is approved.\n"
            "A private repository needs a secretRef: flux create secret git.",
            _source(following, following.name, following.branch),
        ),
        "kustomization.yaml": _text(
            "Nothing is pruned: poolplan deletes a pool itself, once its nodes are empty.",
            _flux_object(following.name, kustomization),
        ),
    }  # fmt: skip


def _tofu(following: Following) -> dict[str, str]:
    approvals = f"{following.name}-approvals"
    spec = _kustomization(following, path="", source=approvals)
    return {
        "source.yaml": _text(
            "tofu-controller plans what is on the branch that poolplan moves once a change is approved.\n"
            "A private repository needs a secretRef: flux create secret git.",
            _source(following, following.name, following.branch),
        ),
        "approvals.yaml": _text(
            "The Terraform object has a branch of its own: a plan's id has the commit in it that was planned, so the\n"
            "approval of a plan cannot stand in that commit.",
            _source(following, approvals, following.approvals),
        ),
        "kustomization.yaml": _text(
            "Applies the Terraform object that poolplan writes. Its runner reads OVHcloud's keys from the Secret\n"
            f"{FLUX_NAMESPACE}/{CREDENTIALS}: OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET, OVH_CONSUMER_KEY.",
            _flux_object(approvals, spec),
        ),
    }  # fmt: skip


def _source(following: Following, name: str, branch: str) -> dict[str, Any]:
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "namespace": FLUX_NAMESPACE},
        "spec": {
            "interval": _FOLLOW, "url": yamltext.scalar(following.url), "ref": {"branch": yamltext.scalar(branch)},
        },
    }  # fmt: skip


def _kustomization(following: Following, *, path: str, source: str = "") -> dict[str, Any]:
    return {
        "interval": "10m", "retryInterval": "1m", "path": f"./{path}",
        "sourceRef": {"kind": "GitRepository", "name": source or following.name},
        "prune": False, "deletionPolicy": "Orphan",
    }  # fmt: skip


def _flux_object(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": FLUX_NAMESPACE}, "spec": spec,
    }  # fmt: skip


def _text(comment: str, document: dict[str, Any]) -> str:
    said = "".join(f"# {line}\n" for line in comment.splitlines())
    return said + yamltext.dump(document)


_MAKERS: Final = {Delegate.ARGO_CD: _argo, Delegate.FLUX: _flux, Delegate.TOFU_CONTROLLER: _tofu}
