"""A ``karpenter.sh/v1beta1 NodePool`` written as a v1 one, the way Karpenter's own conversion does it."""

from __future__ import annotations

from typing import TypeAlias, cast

Plain: TypeAlias = dict[str, object]


def modernised(manifest: object) -> object:
    """Three things moved or were renamed; all else is the same. What has no v1 form stays, and is warned of later."""
    if not isinstance(manifest, dict):
        return manifest
    spec = dict(_map(manifest.get("spec")))
    disruption, node = dict(_map(spec.get("disruption"))), dict(_map(_map(spec.get("template")).get("spec")))
    if "expireAfter" in disruption:
        node["expireAfter"] = disruption.pop("expireAfter")
    if disruption.get("consolidationPolicy") == "WhenUnderutilized":
        disruption["consolidationPolicy"] = "WhenEmptyOrUnderutilized"
    ref = dict(_map(node.get("nodeClassRef")))
    if isinstance(version := ref.pop("apiVersion", None), str):
        ref.setdefault("group", version.partition("/")[0])
    if ref:
        node["nodeClassRef"] = ref
    if disruption:
        spec["disruption"] = disruption
    if node:
        spec["template"] = {**_map(spec.get("template")), "spec": node}
    return {**manifest, "spec": spec} if spec else manifest


def _map(value: object) -> Plain:
    return cast("Plain", value) if isinstance(value, dict) else {}
