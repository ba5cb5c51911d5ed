"""The fields of NodePool (karpenter.sh/v1) and OVHNodeClass as manifests have them, and which ones are not known."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from gitops.cluster.wire import Metadata, Quantities, Taint, Texts, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.decoding import Step


class NodeClassRef(Wire):
    name: str
    group: str | None = None
    kind: str | None = None


class Requirement(Wire):
    key: str
    operator: str
    values: list[str] | None = None
    min_values: int | None = None


class TimedTaint(Taint):
    time_added: str | None = None


class NodeTemplateMetadata(Wire):
    labels: Texts = None
    annotations: Texts = None


class NodeTemplateSpec(Wire):
    node_class_ref: NodeClassRef
    requirements: list[Requirement] | None = None
    taints: list[TimedTaint] | None = None
    startup_taints: list[TimedTaint] | None = None
    expire_after: str | None = None
    termination_grace_period: str | None = None


class NodeTemplate(Wire):
    spec: NodeTemplateSpec
    metadata: NodeTemplateMetadata | None = None


class Budget(Wire):
    nodes: str | int = "10%"
    schedule: str | None = None
    duration: str | None = None
    reasons: list[str] | None = None


class Disruption(Wire):
    consolidation_policy: str | None = None
    consolidate_after: str | None = None
    budgets: list[Budget] | None = None


class NodePoolSpec(Wire):
    template: NodeTemplate
    disruption: Disruption | None = None
    limits: Quantities = None
    weight: int | None = None
    replicas: int | None = None


class NodePool(Wire):
    metadata: Metadata
    spec: NodePoolSpec


class SecretRef(Wire):
    """Known, and not used: poolplan takes its credentials from its own environment."""

    name: str | None = None
    namespace: str | None = None


class NodeClassSpec(Wire):
    service_name: str | None = None
    kube_id: str | None = None
    region: str | None = None
    credentials_secret_ref: SecretRef | None = None
    monthly_billed: bool | None = None
    anti_affinity: bool | None = None
    tags: Texts = None


class NodeClass(Wire):
    metadata: Metadata
    spec: NodeClassSpec


def unknown_fields(value: object, kind: type[Wire], path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Paths of the fields below ``path`` that ``kind`` does not have, in the order they are written."""
    yield from _unknown(value, _type_of(kind), path)


#: A kind's fields are found out once: that takes longer than reading a policy.
_type_of = cache(msgspec.inspect.type_info)


def _unknown(value: object, info: msgspec.inspect.Type, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if isinstance(info, msgspec.inspect.UnionType):
        for each in info.types:
            yield from _unknown(value, each, path)
    elif isinstance(info, msgspec.inspect.ListType) and isinstance(value, list):
        for number, one in enumerate(value):
            yield from _unknown(one, info.item_type, (*path, number))
    elif isinstance(info, msgspec.inspect.DictType) and isinstance(value, dict):
        for name, one in value.items():
            yield from _unknown(one, info.value_type, (*path, name))
    elif isinstance(info, msgspec.inspect.StructType) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in info.fields}
        for name, one in value.items():
            if name not in fields:
                yield (*path, name)
            else:
                yield from _unknown(one, fields[name], (*path, name))
