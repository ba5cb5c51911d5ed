"""A pool as the in-cluster object ``kube.cloud.ovh.com/v1alpha1 NodePool``, which Argo CD and Flux apply, and back.

The object's fields are spelt as its CRD spells them, which is not always as the API does. An existing file is edited
in place, so that comments a person added stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from planner.pools import NODES_PER_POOL, Pool, PoolName
from renderer import yamltext
from renderer.delegated import protected
from renderer.errors import TextRefused
from renderer.layout import checked_name, manifest_file
from renderer.wire import NO_TEMPLATE, Count, Misfit, Template, Wire, fit, met, pairs, taints_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from renderer.delegated import Delegate

API_VERSION: Final = "kube.cloud.ovh.com/v1alpha1"
KIND: Final = "NodePool"
HEADER: Final = "# poolplan owns this file. A size may be changed here by hand; all else follows from the policy.\n"


class _Named(Wire, frozen=True):
    name: str
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _PoolSpec(Wire, frozen=True, rename="camel"):
    flavor: str
    desired_nodes: Count
    min_nodes: Count | None = 0
    max_nodes: Count | None = NODES_PER_POOL
    availability_zones: list[str] | None = None
    monthly_billed: bool | None = False
    anti_affinity: bool | None = False
    autoscale: bool | None = False
    template: Template | None = None


@met
class _Manifest(Wire, frozen=True, rename="camel"):
    """The whole object. Labels and annotations of the object itself are the reader's own; the pool has none."""

    api_version: Literal["kube.cloud.ovh.com/v1alpha1"]
    kind: Literal["NodePool"]
    metadata: _Named
    spec: _PoolSpec


def manifest(pool: Pool, existing: str | None = None, *, delegate: Delegate | None = None) -> str:
    """The file of one pool. With an existing text, only what differs is changed in it; comments and order stay.

    A text that is no longer YAML, or no longer an object of this kind, is replaced. The object has the annotations that
    the delegate must find; without a delegate it has none but people's.
    Raises ValueRefused for a pool name that is none.
    """
    wanted = _document(pool)
    if existing is None:
        return HEADER + yamltext.dump(_annotated(wanted, {}, delegate))
    file = str(manifest_file(pool.name))
    try:
        same = read_manifest(existing, file=file) == pool
        document = yamltext.load(existing, file=file)
    except TextRefused:
        return manifest(pool, delegate=delegate)
    there = document["metadata"].get("annotations") or {}
    if same and (delegate is None or protected(there, delegate) == there):
        return existing
    _merge(document, _annotated(wanted, there, delegate), keep=("labels", "annotations"))
    return yamltext.dump(document)


def read_manifest(text: str, *, file: str) -> Pool:
    """The pool that the file declares. Raises TextRefused with the place of what is wrong."""
    document = yamltext.load(text, file=file)
    try:
        return _pool(fit(document, _Manifest))
    except Misfit as misfit:
        line, column = _place(document, misfit.path)
        what = f"{misfit.path}: {misfit.reason}" if misfit.path else misfit.reason
        raise TextRefused(what, file=file, line=line, column=column) from None


def kustomization(pools: Iterable[Pool]) -> str:
    """The list of manifests beside it, sorted by name."""
    names = sorted(manifest_file(pool.name).name for pool in pools)
    return "# poolplan owns this file: it lists the pools of this folder.\n" + yamltext.dump({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [yamltext.scalar(name) for name in names],
    })  # fmt: skip


def _document(pool: Pool) -> dict[str, Any]:
    """The object as plain maps. Empty zones and an empty template are left out, as the controller reports them."""
    spec: dict[str, Any] = {"flavor": yamltext.scalar(pool.flavor)}
    if pool.zones:
        spec["availabilityZones"] = [yamltext.scalar(zone) for zone in pool.zones]
    spec |= {
        "desiredNodes": pool.desired, "minNodes": pool.minimum, "maxNodes": pool.maximum, "autoscale": pool.autoscale,
        "monthlyBilled": pool.monthly_billed, "antiAffinity": pool.anti_affinity,
    }  # fmt: skip
    if any(pool.template):
        spec["template"] = _template(pool)
    name = yamltext.scalar(checked_name(pool.name))
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": spec}


def _annotated(document: dict[str, Any], there: Mapping[str, str], delegate: Delegate | None) -> dict[str, Any]:
    """The object with the annotations for the delegate beside those that are there."""
    wanted = protected(there, delegate) if delegate is not None else {}
    if not wanted:
        return document
    texts = {yamltext.scalar(key): yamltext.scalar(value) for key, value in sorted(wanted.items())}
    return {**document, "metadata": {**document["metadata"], "annotations": texts}}


def _template(pool: Pool) -> dict[str, Any]:
    """All five parts: the CRD requires each of them once there is a template."""
    return {
        "metadata": {
            "annotations": _texts(pool.annotations), "finalizers": [yamltext.scalar(one) for one in pool.finalizers],
            "labels": _texts(pool.labels),
        },
        "spec": {
            "taints": [
                {"key": yamltext.scalar(one.key), "value": yamltext.scalar(one.value), "effect": one.effect}
                for one in pool.taints
            ],
            "unschedulable": pool.unschedulable,
        },
    }  # fmt: skip


def _texts(mapping: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {yamltext.scalar(key): yamltext.scalar(value) for key, value in mapping}


def _merge(target: Any, wanted: dict[str, Any], *, keep: tuple[str, ...] = ()) -> None:
    """Makes ``target`` say what ``wanted`` says, touching only what differs."""
    for key in [key for key in target if key not in wanted and key not in keep]:
        del target[key]
    for key, value in wanted.items():
        if isinstance(value, dict) and value and isinstance(target.get(key), dict) and target[key]:
            _merge(target[key], value, keep=keep if key == "metadata" else ())
        elif target.get(key) != value:
            target[key] = value


def _pool(entry: _Manifest) -> Pool:
    spec = entry.spec
    template = spec.template or NO_TEMPLATE
    return Pool(
        name=PoolName(entry.metadata.name), flavor=spec.flavor, zones=tuple(spec.availability_zones or ()),
        desired=spec.desired_nodes, minimum=spec.min_nodes or 0,
        maximum=NODES_PER_POOL if spec.max_nodes is None else spec.max_nodes,
        monthly_billed=bool(spec.monthly_billed), anti_affinity=bool(spec.anti_affinity),
        autoscale=bool(spec.autoscale),
        labels=pairs(template.metadata.labels), annotations=pairs(template.metadata.annotations),
        finalizers=tuple(template.metadata.finalizers), taints=taints_of(template.spec.taints),
        unschedulable=template.spec.unschedulable,
    )  # fmt: skip


def _place(document: Any, path: str) -> tuple[int, int]:
    """Line and column of the deepest part of the path that the file has, from 1."""
    line, column = 1, 1
    for step in path.replace("[", ".").replace("]", "").split("."):
        key: str | int = int(step) if step.isdigit() else step
        try:
            position = document.lc.data[key]
            document = document[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        line, column = position[0] + 1, position[1] + 1
    return line, column
