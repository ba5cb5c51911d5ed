"""Deployments, StatefulSets, ReplicaSets, Jobs and DaemonSets → the pods they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.cluster.fields import at, pairs, telling, whole_number
from gitops.cluster.needs import NOTHING
from gitops.cluster.pods import DEFAULT_NAMESPACE
from gitops.decoding import Misfit
from planner.pods import Owner
from planner.snapshot import DaemonSet, PodTemplate, Workload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.cluster import wire
    from gitops.cluster.needs import NeedsReader
    from planner.resources import Resources

    Defaults = Mapping[str, Resources]  # requests that a container gets where it has none, by namespace

#: Of all workloads that are given as files; the largest cluster of OVHcloud holds 55 000 pods (500 nodes of 110).
MOST_PODS = 100_000
_ENDED = ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget")


def read_daemonset(one: wire.Workload, needs: NeedsReader, defaults: Defaults) -> DaemonSet:
    """Raises Misfit."""
    meta = one.metadata
    template = _template(one, needs, defaults)
    return DaemonSet(namespace=meta.namespace or DEFAULT_NAMESPACE, name=meta.name, template=template)


def is_owned(one: wire.Workload) -> bool:
    """Whether a controller made it, as a Deployment makes ReplicaSets: then it adds no pods of its own."""
    return any(owner.controller and owner.kind == "Deployment" for owner in one.metadata.owner_references or ())


def read_workload(one: wire.Workload, kind: str, needs: NeedsReader, defaults: Defaults) -> Workload:
    """One that is being deleted, and a Job that has ended, stand for no pod. Raises Misfit."""
    meta = one.metadata
    with at("spec"):
        replicas = _active_pods(one) if kind == "Job" else _replicas(one.spec.replicas, "replicas", 1)
    return Workload(
        owner=Owner(kind, meta.namespace or DEFAULT_NAMESPACE, meta.name),
        replicas=0 if meta.deletion_timestamp is not None else replicas,
        template=_template(one, needs, defaults),
        claim_templates=(*_claims(one.spec), *_ephemeral(one.spec.template.spec)),
    )


def _template(one: wire.Workload, needs: NeedsReader, defaults: Defaults) -> PodTemplate:
    given = defaults.get(one.metadata.namespace or DEFAULT_NAMESPACE, NOTHING)
    template = one.spec.template
    labels = template.metadata.labels if template.metadata else None
    with at("spec", "template", "spec"):
        read = needs.read(template.spec, labels, defaults=given)
    annotations = telling(template.metadata.annotations if template.metadata else None)
    return PodTemplate(labels=pairs(labels), annotations=annotations, needs=read)


def _active_pods(job: wire.Workload) -> int:
    """How many pods the Job wants to have running: those not yet done, ``parallelism`` at a time."""
    parallelism = _replicas(job.spec.parallelism, "parallelism", 1)
    done = _count(job.status.succeeded if job.status else None, "succeeded", 0)
    conditions = (job.status.conditions if job.status else None) or ()
    if job.spec.suspend or any(one.type in _ENDED and one.status == "True" for one in conditions):
        return 0
    if job.spec.completions is None:  # a work queue: the first pod that succeeds says that the work is done
        return 0 if done else parallelism
    return min(parallelism, max(0, _count(job.spec.completions, "completions", 1) - done))


def _replicas(value: int | None, name: str, default: int) -> int:
    """How many pods there are to be. Raises Misfit for more than a cluster could ever run."""
    count = _count(value, name, default)
    if count > MOST_PODS:
        raise Misfit(f"is {count}; a plan is made for {MOST_PODS} pods of workloads at most", (name,))
    return count


def _count(value: int | None, name: str, default: int) -> int:
    with at(name):
        return whole_number(value, default)


def _claims(spec: wire.WorkloadSpec) -> tuple[tuple[str, str], ...]:
    return tuple(
        (one.metadata.name, (one.spec.storage_class_name if one.spec else None) or "")
        for one in spec.volume_claim_templates or ()
    )


def _ephemeral(spec: wire.PodSpec) -> tuple[tuple[str, str], ...]:
    """Generic ephemeral volumes: each pod gets a claim of its own, just as a StatefulSet's pods do."""
    found: list[tuple[str, str]] = []
    for volume in spec.volumes or ():
        if volume.ephemeral is not None:
            template = volume.ephemeral.volume_claim_template
            written = template.spec.storage_class_name if template and template.spec else None
            found.append((volume.name, written or ""))
    return tuple(found)
