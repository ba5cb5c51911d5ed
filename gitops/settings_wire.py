"""The fields of cluster.yaml as written: ``poolplan.dev/v1alpha1 Cluster``. ``gitops.settings_read`` judges them."""

from __future__ import annotations

from typing import Any

from gitops.cluster.wire import Affinity, Quantities, SpreadConstraint, Texts, Toleration, Wire
from gitops.settings_forge_wire import Forge
from gitops.settings_review_wire import Guardrails, Review, Window

API_VERSION = "poolplan.dev/v1alpha1"
KIND = "Cluster"


class Metadata(Wire):
    name: str


class Ovh(Wire):
    service_name: str
    kube_id: str
    region: str | None = None
    plan: str | None = None
    endpoint: str | None = None


class Provider(Wire):
    ovh: Ovh


class Author(Wire):
    name: str | None = None
    email: str | None = None


class SigningKey(Wire):
    env: str | None = None
    file: str | None = None


class Signing(Wire):
    format: str
    key: SigningKey


class Git(Wire):
    branch: str | None = None
    proposal_prefix: str | None = None
    author: Author | None = None
    signing: Signing | None = None


class Terraform(Wire):
    program: str | None = None
    backend: dict[str, dict[str, Any] | None] | None = None
    lock_timeout: str | None = None


class Headroom(Wire):
    """A buffer: what of a pod template decides where its pods find room, and what they request as a whole."""

    name: str
    requests: Quantities
    replicas: int = 1
    namespace: str | None = None
    labels: Texts = None
    node_selector: Texts = None
    affinity: Affinity | None = None
    tolerations: list[Toleration] | None = None
    topology_spread_constraints: list[SpreadConstraint] | None = None
    runtime_class_name: str | None = None


class Planning(Wire):
    objective: str | None = None
    preferences: str | None = None
    min_values: str | None = None
    headroom: list[Headroom] | None = None
    default_spread: list[SpreadConstraint] | None = None
    expendable_below: int | None = None
    solve_budget: str | None = None


class Batch(Wire):
    idle: str | None = None
    max: str | None = None


class Proposals(Wire):
    batch: Batch | None = None
    min_pending_age: str | None = None
    min_pending_pods: int | None = None
    max_open: int | None = None
    per_hour: int | None = None
    again_after_percent: int | None = None
    labels: list[str] | None = None
    reviewers: list[str] | None = None
    assignees: list[str] | None = None
    draft: bool | None = None


class Draining(Wire):
    timeout: str | None = None
    at_once: int | None = None
    evict_bare_pods: bool | None = None


class Automatic(Wire):
    priority: int
    after: str


class Emergency(Wire):
    guardrails: Guardrails | None = None
    signers: list[str] | None = None
    grace: str | None = None
    automatic: Automatic | None = None
    notify: str | None = None


class Drift(Wire):
    size: str | None = None
    bounds: str | None = None
    template: str | None = None
    autoscale: str | None = None
    recreated: str | None = None
    gone: str | None = None
    undeclared: str | None = None
    engine_state: str | None = None


class Spec(Wire):
    provider: Provider
    engine: str | None = None
    delegated: str | None = None
    git: Git | None = None
    forge: Forge | None = None
    terraform: Terraform | None = None
    planning: Planning | None = None
    guardrails: Guardrails | None = None
    proposals: Proposals | None = None
    drift: Drift | None = None
    review: Review | None = None
    windows: list[Window] | None = None
    freeze: str | None = None
    emergency: Emergency | None = None
    draining: Draining | None = None


class Cluster(Wire):
    api_version: str
    kind: str
    metadata: Metadata
    spec: Spec
