"""What clients may send, decoded strictly: an unknown, missing or mistyped property is refused in the API's own words.

Values are judged in ``validation``; only shapes are judged here.
"""

from __future__ import annotations

import re
from typing import Literal, TypeVar

import msgspec

from gitops.decoding import decoder
from gitops.sandbox.refusals import ApiError

T = TypeVar("T", bound=msgspec.Struct)
KINDS = {"int": "long", "float": "double", "bool": "boolean", "str": "string", "array": "list"}


class AutoscalingBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Any part of the autoscaler's figures; what is absent keeps its value."""

    scale_down_unneeded_time_seconds: int | None = None
    scale_down_unready_time_seconds: int | None = None
    scale_down_utilization_threshold: float | None = None


class FloatingIpsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whether nodes get floating IPs."""

    enabled: bool


class TaintBody(msgspec.Struct, forbid_unknown_fields=True):
    """A taint. ``value`` may be absent: terraform-provider-ovh leaves out an empty one."""

    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"]
    key: str
    value: str = ""


class TemplateMetadataBody(msgspec.Struct, forbid_unknown_fields=True):
    """All three members are mandatory."""

    annotations: dict[str, str]
    finalizers: tuple[str, ...]
    labels: dict[str, str]


class TemplateSpecBody(msgspec.Struct, forbid_unknown_fields=True):
    """Both members are mandatory."""

    taints: tuple[TaintBody, ...]
    unschedulable: bool


class TemplateBody(msgspec.Struct, forbid_unknown_fields=True):
    """The template of a pool; given at all, it must be whole."""

    metadata: TemplateMetadataBody
    spec: TemplateSpecBody


class UpdateBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The body of a pool's PUT. What is absent or null stays as it is; nothing but these fields can change."""

    attach_floating_ips: FloatingIpsBody | None = None
    autoscale: bool | None = None
    autoscaling: AutoscalingBody | None = None
    desired_nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    nodes_to_remove: tuple[str, ...] | None = None
    template: TemplateBody | None = None


class CreationBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The body of a pool's POST. Only ``flavorName`` is mandatory."""

    flavor_name: str
    name: str | None = None
    anti_affinity: bool | None = None
    attach_floating_ips: FloatingIpsBody | None = None
    autoscale: bool | None = None
    autoscaling: AutoscalingBody | None = None
    availability_zones: tuple[str, ...] | None = None
    desired_nodes: int | None = None
    min_nodes: int | None = None
    max_nodes: int | None = None
    monthly_billed: bool | None = None
    template: TemplateBody | None = None


def decode_body(raw: bytes, shape: type[T]) -> T:
    """The body as a value, or ApiError 400 naming the property."""
    try:
        return decoder(shape).decode(raw or b"{}")
    except msgspec.ValidationError as error:
        raise ApiError(400, _describe(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, "Invalid JSON received") from error


def _describe(complaint: str) -> str:
    """The decoder's complaint in the API's words: ``[template.metadata.annotations] Property is mandatory``."""
    text, _, place = complaint.partition(" - at `$")
    path = place.rstrip("`").lstrip(".")
    if missing := re.fullmatch(r"Object missing required field `(.+)`", text):
        return f"[{'.'.join(part for part in (path, missing[1]) if part)}] Property is mandatory"
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", text):
        return f"Received not described parameters: ({'.'.join(part for part in (path, unknown[1]) if part)})"
    if wrong := re.fullmatch(r"Expected `([a-z]+)(?: \| null)?`, got `(.+)`", text):
        return f"[{path or 'body'}] Given data ({wrong[2]}) is not valid for type {KINDS.get(wrong[1], wrong[1])}"
    return f"[{path or 'body'}] {text}"
