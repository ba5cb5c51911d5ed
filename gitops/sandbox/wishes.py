"""What a request asks for: its body over the API's defaults, or over the pool as it is.

Nothing is refused here: see ``validation``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gitops.sandbox.records import Autoscaling, PoolSpec, Taint, Template

if TYPE_CHECKING:
    from gitops.sandbox.bodies import AutoscalingBody, CreationBody, FloatingIpsBody, TemplateBody, UpdateBody

MAX_NODES = 100
"""Nodes per pool. OVHcloud web console."""
MAX_ANTI_AFFINITY_NODES = 5
"""Nodes per pool with anti-affinity. OVHcloud documentation, "Known limits"."""


def new_spec(body: CreationBody, spare_name: str) -> PoolSpec:
    """The wish of a POST with the API's defaults; ``spare_name`` is taken where none is given."""
    anti_affinity = bool(body.anti_affinity)
    minimum = body.min_nodes or 0
    desired = body.desired_nodes
    if desired is None:
        desired = body.min_nodes if body.min_nodes is not None else 1
    maximum = body.max_nodes
    if maximum is None:
        maximum = MAX_ANTI_AFFINITY_NODES if anti_affinity else MAX_NODES
    return PoolSpec(
        name=body.name if body.name is not None else spare_name, flavor=body.flavor_name,
        desired=max(desired, minimum), minimum=minimum, maximum=maximum, anti_affinity=anti_affinity,
        autoscale=bool(body.autoscale), autoscaling=_autoscaling(Autoscaling(), body.autoscaling),
        monthly_billed=bool(body.monthly_billed), zones=body.availability_zones or (),
        floating_ips=_floating_ips(None, body.attach_floating_ips), template=_template(Template(), body.template),
    )


def changed_spec(spec: PoolSpec, body: UpdateBody) -> PoolSpec:
    """The wish of a PUT: what it does not name stays, and a size below the minimum becomes the minimum."""
    minimum = spec.minimum if body.min_nodes is None else body.min_nodes
    desired = spec.desired if body.desired_nodes is None else body.desired_nodes
    return replace(
        spec, minimum=minimum, desired=max(desired, minimum),
        maximum=spec.maximum if body.max_nodes is None else body.max_nodes,
        autoscale=spec.autoscale if body.autoscale is None else body.autoscale,
        autoscaling=_autoscaling(spec.autoscaling, body.autoscaling),
        floating_ips=_floating_ips(spec.floating_ips, body.attach_floating_ips),
        template=_template(spec.template, body.template),
    )


def _autoscaling(old: Autoscaling, body: AutoscalingBody | None) -> Autoscaling:
    if body is None:
        return old
    unneeded, unready = body.scale_down_unneeded_time_seconds, body.scale_down_unready_time_seconds
    threshold = body.scale_down_utilization_threshold
    return Autoscaling(
        unneeded_seconds=old.unneeded_seconds if unneeded is None else unneeded,
        unready_seconds=old.unready_seconds if unready is None else unready,
        utilization_threshold=old.utilization_threshold if threshold is None else threshold,
    )


def _floating_ips(old: bool | None, body: FloatingIpsBody | None) -> bool | None:
    return old if body is None else body.enabled


def _template(old: Template, body: TemplateBody | None) -> Template:
    if body is None:
        return old
    return Template(
        annotations=dict(sorted(body.metadata.annotations.items())), finalizers=body.metadata.finalizers,
        labels=dict(sorted(body.metadata.labels.items())),
        taints=tuple(Taint(effect=taint.effect, key=taint.key, value=taint.value) for taint in body.spec.taints),
        unschedulable=body.spec.unschedulable,
    )
