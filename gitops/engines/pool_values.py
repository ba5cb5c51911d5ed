"""Gives a node pool's Terraform values one spelling, so that two that mean the same are equal; pure.

OVHcloud's provider plans an empty map as null and a taint's empty value as absent, and reads both back in full.
Compared as they are, every new pool would seem to have drifted, and every plan to disagree with its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BLOCKS = ("attach_floating_ips", "availability_zones")


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
