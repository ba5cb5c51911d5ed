"""NodePool and OVHNodeClass manifests → the planner's policy, with every fault of them found at once.

What Karpenter's own schema would refuse is refused here with its place; a field that is not known is a warning. What
a policy means for pods is the planner's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gitops.cluster import policy_wire as wire
from gitops.cluster.disruption import read_disruption, seconds_or_never
from gitops.cluster.fields import at, modern, pairs, resources
from gitops.cluster.items import precisely
from gitops.cluster.nodes import read_taints
from gitops.cluster.older import modernised
from gitops.cluster.placeholders import filled
from gitops.cluster.wire import Quantity, Wire
from gitops.decoding import Misfit, path_text
from gitops.errors import InputError, Place
from planner import labels as known
from planner.policy import NodeClass, NodePool
from planner.quantity import parse_duration
from planner.requirements import OPERATORS, Requirement
from planner.resources import NODES, Resources
from planner.taints import Taint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gitops.cluster.items import Item
    from gitops.decoding import Step

T = TypeVar("T")
GROUP = "karpenter.ovhcloud.sh"
KIND = "OVHNodeClass"
_NEVER_WRITTEN = (known.NODEPOOL, known.HOSTNAME)
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_PROJECT = re.compile(r"[0-9a-f]{32}")
_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_SPEC: tuple[Step, ...] = ("spec", "template", "spec")


@dataclass
class Findings:
    """What was wrong with one manifest, and what was not understood."""

    item: Item
    errors: list[InputError] = field(default_factory=list)
    warnings: list[tuple[Place, str]] = field(default_factory=list)

    def attempt(self, read: Callable[[], T], default: T) -> T:
        """What ``read`` gives; a Misfit is noted, and the default stands in so that more faults can be found."""
        try:
            return read()
        except Misfit as misfit:
            self.errors.append(self.item.refused(misfit))
            return default

    def warn_of_unknown(self, plain: object, kind: type[Wire]) -> None:
        spec = plain.get("spec") if isinstance(plain, dict) else None
        top = [(name,) for name in plain if name not in _TOP] if isinstance(plain, dict) else []
        for path in (*top, *wire.unknown_fields({"spec": spec}, kind)):
            self.warn(path, "is not a field poolplan knows; it changes nothing")

    def warn(self, path: tuple[Step, ...], text: str) -> None:
        place = self.item.body.place(path)
        self.warnings.append((place, f"{place}: {path_text(path)} {text} (in {self.item.name})"))


def read_node_class(item: Item, environment: Mapping[str, str]) -> tuple[NodeClass | None, Findings]:
    """The node class, or None where nothing could be made of it."""
    findings = Findings(item)
    read = findings.attempt(lambda: _decoded(item, environment, wire.NodeClass), None)
    if read is None:
        return None, findings
    plain, manifest = read
    findings.warn_of_unknown(plain, wire.NodeClass)
    spec = manifest.spec
    findings.attempt(lambda: _check_project(spec.service_name), None)
    findings.attempt(lambda: _check_name(manifest.metadata.name), None)
    made = NodeClass(
        name=manifest.metadata.name, service_name=spec.service_name or "", kube_id=spec.kube_id or "",
        region=spec.region or "", monthly_billed=bool(spec.monthly_billed), anti_affinity=bool(spec.anti_affinity),
        tags=pairs(spec.tags),
    )  # fmt: skip
    return made, findings


def read_node_pool(item: Item, environment: Mapping[str, str]) -> tuple[NodePool | None, Findings]:
    """The node pool, or None where nothing could be made of it. That its node class exists is not looked at here."""
    findings = Findings(item)
    read = findings.attempt(lambda: _decoded(item, environment, wire.NodePool), None)
    if read is None:
        return None, findings
    plain, manifest = read
    findings.warn_of_unknown(plain, wire.NodePool)
    findings.attempt(lambda: _check_name(manifest.metadata.name), None)
    findings.attempt(lambda: _check_static(manifest.spec), None)
    return _node_pool(manifest.metadata.name, manifest.spec, findings), findings


def _node_pool(name: str, spec: wire.NodePoolSpec, findings: Findings) -> NodePool:
    node, metadata = spec.template.spec, spec.template.metadata
    written = metadata.labels if metadata else None
    labels = findings.attempt(lambda: _labels(written), pairs(None))
    disruption = read_disruption(spec.disruption, findings)
    attempt = findings.attempt
    return NodePool(
        name=name,
        node_class=attempt(lambda: _node_class(node.node_class_ref), ""),
        weight=attempt(lambda: _between(spec.weight or 0, 0, 100, ("spec", "weight")), 0),
        requirements=_requirements(node.requirements or (), dict(labels), findings),
        labels=labels,
        annotations=pairs(metadata.annotations if metadata else None),
        taints=attempt(lambda: _taints(node.taints, "taints"), ()),
        startup_taints=attempt(lambda: _taints(node.startup_taints, "startupTaints"), ()),
        limits=attempt(lambda: _limits(spec.limits), resources(None)),
        limited=tuple(sorted(spec.limits or ())),
        consolidation=disruption.consolidation,
        consolidate_after=disruption.consolidate_after,
        budgets=disruption.budgets,
        expire_after=attempt(lambda: seconds_or_never(node.expire_after or "720h", (*_SPEC, "expireAfter")), None),
        termination_grace_period=attempt(lambda: _grace(node.termination_grace_period), None),
        replicas=attempt(lambda: _count(spec.replicas), None),
    )


def _decoded(item: Item, environment: Mapping[str, str], kind: type[T]) -> tuple[object, T]:
    plain = item.body.plain()
    if item.api_version.endswith("/v1beta1"):
        plain = modernised(plain)
    plain = filled(plain, environment)
    return plain, precisely(plain, kind)


# Fields


def _check_name(name: str) -> None:
    if len(name) > 63 or not _NAME.fullmatch(name):
        raise Misfit(f"{name!a} is no name; use up to 63 small letters, digits, - and .", ("metadata", "name"))


def _check_project(name: str | None) -> None:
    if name is not None and not _PROJECT.fullmatch(name):
        raise Misfit("is no Public Cloud project id, which is 32 digits and letters a to f", ("spec", "serviceName"))


def _check_static(spec: wire.NodePoolSpec) -> None:
    if spec.replicas is None:
        return
    if spec.weight is not None:
        raise Misfit("has no meaning beside replicas; remove one of them", ("spec", "weight"))
    other = next((name for name in sorted(spec.limits or ()) if name != NODES), None)
    if other is not None:
        raise Misfit("beside replicas only nodes can be limited", ("spec", "limits", other))


def _node_class(ref: wire.NodeClassRef) -> str:
    group, kind = ref.group or GROUP, ref.kind or KIND
    if (group, kind) != (GROUP, KIND):
        named = ascii(f"{kind}.{group}")[1:-1]
        raise Misfit(f"{named} is not supported; poolplan reads {KIND}.{GROUP}", (*_SPEC, "nodeClassRef"))
    return ref.name


def _requirements(
    written: Iterable[wire.Requirement], labels: Mapping[str, str], findings: Findings
) -> tuple[Requirement, ...]:
    """One requirement a key, each with what the template's labels say; sorted by key."""
    merged = {key: Requirement(key, frozenset({value})) for key, value in labels.items()}
    found: dict[str, Requirement] = {}
    for number, one in enumerate(written):
        path = (*_SPEC, "requirements", number)
        read = findings.attempt(partial(_requirement_at, one, path), None)
        if read is None:
            continue
        before = merged.get(read.key)
        merged[read.key] = before.intersect(read) if before else read
        found[read.key] = found[read.key].intersect(read) if read.key in found else read
        if merged[read.key].is_empty():
            clash = f"{before} and {read} exclude every value" if before else f"{read} excludes every value"
            findings.errors.append(findings.item.refused(Misfit(clash, path)))
            merged[read.key] = read
    return tuple(found[key] for key in sorted(found))


def _requirement_at(one: wire.Requirement, path: tuple[Step, ...]) -> Requirement:
    with at(*path):
        return _requirement(one)


def _requirement(one: wire.Requirement) -> Requirement:
    if one.operator not in OPERATORS:
        raise Misfit(f"{one.operator!a} is unknown; it is one of {', '.join(OPERATORS)}", ("operator",))
    with at("key"):
        _check_label(one.key)
    for number, value in enumerate(one.values or ()):
        with at("values", number):
            _check_value(value)
    fewest = _between(one.min_values, 1, 50, ("minValues",)) if one.min_values is not None else 0
    if one.operator == "In" and fewest > len(set(one.values or ())):
        raise Misfit(f"is {fewest}, more than the values listed", ("minValues",))
    with at():
        return Requirement.parse(modern(one.key), one.operator, one.values or (), min_values=fewest)


def _labels(written: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    for key, value in (written or {}).items():
        with at("spec", "template", "metadata", "labels", key):
            _check_label(key)
            _check_value(value)
    return pairs({modern(key): value for key, value in (written or {}).items()})


def _check_key(key: str) -> None:
    if len(key) > 316 or not _KEY.fullmatch(key):
        raise Misfit(f"{key!a} is no label key")


def _check_label(key: str) -> None:
    _check_key(key)
    if key in _NEVER_WRITTEN:
        raise Misfit(f"{key} is set on each node by itself and cannot be chosen here")


def _check_value(value: str) -> None:
    if len(value) > 63 or not _VALUE.fullmatch(value):
        raise Misfit(f"{value!a} is no label value; use up to 63 letters, digits, -, _ and .")


def _taints(taints: list[wire.TimedTaint] | None, name: str) -> tuple[Taint, ...]:
    for number, one in enumerate(taints or ()):
        with at(*_SPEC, name, number):
            with at("key"):
                _check_key(one.key)
            with at("value"):
                _check_value(one.value or "")
    with at(*_SPEC):
        return read_taints(taints or (), name)


def _grace(text: str | None) -> int | None:
    with at(*_SPEC, "terminationGracePeriod"):
        return None if text is None else parse_duration(text)


def _count(replicas: int | None) -> int | None:
    return None if replicas is None else _between(replicas, 0, 10**6, ("spec", "replicas"))


def _between(value: int, low: int, high: int, path: tuple[Step, ...]) -> int:
    if not low <= value <= high:
        raise Misfit(f"is {value}, and must be between {low} and {high}", path)
    return value


def _limits(written: dict[str, Quantity] | None) -> Resources:
    with at("spec", "limits"):
        return resources(written)
