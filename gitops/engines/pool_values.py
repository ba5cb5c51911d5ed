"""A node pool in Terraform's values, and one spelling for them, so that two that mean the same are equal; pure.

OVHcloud's provider plans an empty map as null and a taint's empty value as absent, and reads both back in full.
Compared as they are, every new pool would seem to have drifted, and every plan to disagree with its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitops.agreement import Owner
    from planner.pools import Pool

BLOCKS = ("attach_floating_ips", "availability_zones")


def values_of(pool: Pool, owner: Owner) -> dict[str, Any]:
    """The attributes of the Terraform resource, spelled as the provider reads them back."""
    metadata = {"labels": dict(pool.labels), "annotations": dict(pool.annotations), "finalizers": list(pool.finalizers)}
    taints = [{"key": one.key, "value": one.value, "effect": one.effect} for one in pool.taints]
    template = [{"metadata": [metadata], "spec": [{"taints": taints, "unschedulable": pool.unschedulable}]}]
    return {
        "service_name": owner.service_name, "kube_id": owner.kube_id, "name": str(pool.name),
        "id": pool.state.id if pool.state else None, "flavor_name": pool.flavor,
        "availability_zones": list(pool.zones) or None, "desired_nodes": pool.desired, "min_nodes": pool.minimum,
        "max_nodes": pool.maximum, "autoscale": pool.autoscale, "monthly_billed": pool.monthly_billed,
        "anti_affinity": pool.anti_affinity, "template": template if any(pool.template) else [],
        "timeouts": None, "attach_floating_ips": [],
    }  # fmt: skip


def one_spelling(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which empty and absent are one thing. ``template`` becomes a flat mapping of its five parts."""
    spelled = {**values, "template": _template(values.get("template") or ())}
    return spelled | {name: list(values.get(name) or ()) for name in BLOCKS}


def same_pool(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two sets of values of a pool mean the same."""
    if one is None or other is None:
        return one is other
    return one_spelling(one) == one_spelling(other)


def _template(blocks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    block = blocks[0] if blocks else {}
    metadata = _only(block.get("metadata"))
    spec = _only(block.get("spec"))
    return {
        "annotations": dict(metadata.get("annotations") or {}),
        "finalizers": list(metadata.get("finalizers") or ()),
        "labels": dict(metadata.get("labels") or {}),
        "taints": [
            {"effect": taint.get("effect"), "key": taint.get("key"), "value": taint.get("value") or ""}
            for taint in spec.get("taints") or ()
        ],
        "unschedulable": bool(spec.get("unschedulable")),
    }


def _only(blocks: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any]:
    return blocks[0] if blocks else {}
