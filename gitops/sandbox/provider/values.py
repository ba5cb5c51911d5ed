"""Translates between Terraform's values for a node pool and the API's JSON, in both directions; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitops.sandbox.provider.schema import (
    COUNTS,
    FLAGS,
    REPORTED_COUNTS,
    REPORTED_TEXTS,
    UNNEEDED,
    UNREADY,
    UTILIZATION,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

State = dict[str, Any]
"""A node pool as Terraform holds it: attribute or block name to value; a set block is a list of at most one dict."""

AUTOSCALING = {
    UTILIZATION: "scaleDownUtilizationThreshold",
    UNNEEDED: "scaleDownUnneededTimeSeconds",
    UNREADY: "scaleDownUnreadyTimeSeconds",
}

HOLLOW: State = {"metadata": [], "spec": [{"taints": [], "unschedulable": False}]}


def camel(name: str) -> str:
    """``desired_nodes`` -> ``desiredNodes``: the API's spelling of an attribute."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def creation_body(known: Mapping[str, Any]) -> State:
    """The JSON of a POST for the ``known`` attributes: flags, zones, autoscaling and a whole template always go."""
    body: State = {"flavorName": known["flavor_name"], "availabilityZones": known.get("availability_zones", [])}
    body |= {camel(name): known.get(name, False) for name in FLAGS}
    body |= {camel(name): known[name] for name in ("name", *COUNTS) if name in known}
    return body | _body_of_both(known)


def update_body(known: Mapping[str, Any]) -> State:
    """The JSON of a PUT: everything that may change is sent again, changed or not."""
    body: State = {"autoscale": known.get("autoscale", False)}
    body |= {camel(name): known[name] for name in COUNTS if name in known}
    return body | _body_of_both(known)


def state_of(pool: Mapping[str, Any], prior: Mapping[str, Any]) -> State:
    """What Terraform is told of a pool that was read. ``prior`` supplies what the API does not say."""
    state: State = {name: pool.get(camel(name)) for name in ("name", *FLAGS, *COUNTS)}
    state |= {name: pool.get(camel(name)) for name in (*REPORTED_COUNTS, *REPORTED_TEXTS)}
    autoscaling = pool.get("autoscaling") or {}
    state |= {name: to_number(autoscaling.get(field)) for name, field in AUTOSCALING.items()}
    no_zones: list[str] | None = [] if prior.get("availability_zones") == [] else None
    floating = pool.get("attachFloatingIps")
    return state | {
        "id": pool["id"],
        "flavor_name": pool["flavor"],
        "kube_id": prior["kube_id"],
        "service_name": prior["service_name"],
        "availability_zones": pool.get("availabilityZones") or no_zones,
        "template": _template_state(pool.get("template"), prior.get("template") or []),
        "attach_floating_ips": [{"enabled": floating["enabled"]}] if floating else [],
        "timeouts": prior.get("timeouts"),
    }


def state_after(pool: Mapping[str, Any], planned: Mapping[str, Any]) -> State:
    """What Terraform is told of a pool that was just created or changed: the template stands as it was planned."""
    return state_of(pool, planned) | {"template": planned.get("template") or []}


def known_parts(block: Mapping[str, Any], name: str) -> list[State]:
    """The nested blocks, or mappings of a list, that are known: while Terraform plans, any part may not be yet."""
    parts = block.get(name)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def blunt_template(blocks: list[State]) -> list[State]:
    """A template as a plan of the real provider shows it.

    Terraform's SDK plans an empty map as null, a ``metadata`` without any part as all null, and a taint's empty value
    as absent; the next read brings the full forms back, and the SDK knows that both mean the same.
    """
    return [
        {
            "metadata": [_blunt_metadata(part) for part in known_parts(block, "metadata")],
            "spec": [_blunt_spec(part) for part in known_parts(block, "spec")],
        }
        for block in blocks
    ]


def same_template(planned: list[State], prior: list[State]) -> bool:
    """Whether two templates mean the same. A block without any part equals nothing, not even itself, as the SDK has it,
    and so does a taint without ``value`` against one that has it."""
    if planned and not has_parts(planned):
        return False
    return _full(planned) == _full(prior)


def has_parts(blocks: list[State]) -> bool:
    """Whether anything in the template differs from a template left out."""
    return _template_body(blocks) != _template_body([])


def to_number(value: object) -> object:
    """A number for Terraform. Fractions travel as text, because 0.6 as a binary fraction is not Terraform's 0.6."""
    return repr(value) if isinstance(value, float) and not value.is_integer() else value


def from_number(value: object) -> object:
    """A number from Terraform, which sends fractions that binary cannot hold as text."""
    return float(value) if isinstance(value, str) else value


def _body_of_both(known: Mapping[str, Any]) -> State:
    """The part that POST and PUT share. A zero time is left out, as the real provider does."""
    autoscaling = {field: from_number(known[name]) for name, field in AUTOSCALING.items() if known.get(name)}
    body: State = {"autoscaling": autoscaling, "template": _template_body(known.get("template") or [])}
    floating = known.get("attach_floating_ips") or []
    return body | ({"attachFloatingIps": {"enabled": bool(floating[0].get("enabled"))}} if floating else {})


def _template_body(blocks: list[State]) -> State:
    block = blocks[0] if blocks else {}
    metadata = (block.get("metadata") or [{}])[0]
    spec = (block.get("spec") or [{}])[0]
    taints = [
        {"effect": taint["effect"], "key": taint["key"], "value": taint.get("value") or ""}
        for taint in spec.get("taints") or []
    ]
    return {
        "metadata": {
            "annotations": metadata.get("annotations") or {},
            "finalizers": metadata.get("finalizers") or [],
            "labels": metadata.get("labels") or {},
        },
        "spec": {"taints": taints, "unschedulable": bool(spec.get("unschedulable"))},
    }


def _template_state(template: Mapping[str, Any] | None, prior: list[State]) -> list[State]:
    """The template block. As in the real provider, an empty one leaves what was there, or a hollow of it."""
    if template is None or template == _template_body([]):
        return prior if not prior or has_parts(prior) else [HOLLOW]
    return [{"metadata": [dict(template["metadata"])], "spec": [dict(template["spec"])]}]


def _blunt_metadata(part: State) -> State:
    if not any(part.values()):
        return dict.fromkeys(part)
    return {name: value or (None if isinstance(value, dict) else value) for name, value in part.items()}


def _blunt_spec(part: State) -> State:
    taints = part.get("taints")
    return {**part, "taints": [_without_empty_value(taint) for taint in taints] if isinstance(taints, list) else taints}


def _without_empty_value(taint: object) -> object:
    """``taint``, which may be unknown yet, without a ``value`` that says nothing."""
    if not isinstance(taint, dict):
        return taint
    return {name: text for name, text in taint.items() if name != "value" or text != ""}


def _full(blocks: list[State]) -> list[State]:
    """Metadata with one form for empty; the rest as it is, since a missing ``value`` does make a difference."""
    return [
        {"metadata": [_one_empty(part) for part in known_parts(block, "metadata")], "spec": block.get("spec")}
        for block in blocks
    ]


def _one_empty(part: State) -> State:
    return {name: value or None for name, value in part.items()}
