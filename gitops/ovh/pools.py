"""Node pools between the OVH API's JSON and the planner's ``PoolSet``, in both directions; pure but for reading a file.

What may be asked of the API is decided by the plan; here only what the API cannot express is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec

from gitops.decoding import Misfit, convert, json_place, parse_json, path_text, read_input
from gitops.errors import InputError, Refused
from planner.errors import ValueRefused
from planner.pools import NODES_PER_ANTI_AFFINITY_POOL, NODES_PER_POOL, Pool, PoolName, PoolSet, ProviderState
from planner.taints import Taint

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, object]
Count = Annotated[int, msgspec.Meta(ge=0)]
#: Of nodes: a pool holds a hundred, and what is counted is held in memory, node by node.
Size = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
FILE_LIMIT_MB = 20
#: NodePoolUpdate of the OVH API knows none of these: a change of one needs another pool.
FIXED_AT_CREATION = ("name", "flavor", "zones", "monthly_billed", "anti_affinity")


class TaintEntry(msgspec.Struct):
    """A taint of the template; the API fills in an empty value."""

    key: str
    effect: str
    value: str | None = None


class MetadataEntry(msgspec.Struct):
    """Null and absent mean empty."""

    annotations: dict[str, str] | None = None
    finalizers: Sequence[str] | None = None
    labels: dict[str, str] | None = None


class SpecEntry(msgspec.Struct):
    """Null and absent mean empty and false."""

    taints: Sequence[TaintEntry] | None = None
    unschedulable: bool | None = None


class TemplateEntry(msgspec.Struct):
    """What the provider writes on each node."""

    metadata: MetadataEntry | None = None
    spec: SpecEntry | None = None


class PoolEntry(msgspec.Struct, rename="camel"):
    """A NodePool as the API answers it, as far as a ``Pool`` holds it."""

    name: Text
    flavor: Text
    desired_nodes: Size
    id: str = ""
    status: str = "READY"
    min_nodes: Count | None = None
    max_nodes: Count | None = None
    current_nodes: Size | None = None
    available_nodes: Size | None = None
    anti_affinity: bool | None = None
    autoscale: bool | None = None
    monthly_billed: bool | None = None
    availability_zones: Sequence[str] | None = None
    template: TemplateEntry | None = None


def read_pools(path: Path) -> PoolSet:
    """From a file with the API's own answer to ``GET …/nodepool``. Raises InputError with line and column."""
    text = read_input(path, "a list of pools", megabytes=FILE_LIMIT_MB)
    value = parse_json(text, str(path))
    try:
        return pools_of(value)
    except Misfit as misfit:
        place = json_place(text, str(path), misfit.path)
        raise InputError(misfit.message, place=place, path=path_text(misfit.path)) from None


def pools_of(value: object) -> PoolSet:
    """From the API's list of pools. Unknown fields are ignored; raises Misfit for anything amiss."""
    entries = convert(value, list[PoolEntry])
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if entry.name in first:
            raise Misfit(f"pool {entry.name} is listed twice, first at [{first[entry.name]}]", (index, "name"))
        first[entry.name] = index
    return PoolSet.of(_pool(entry, (index,)) for index, entry in enumerate(entries))


def pool_of(value: object) -> Pool:
    """One pool from the API's object. Raises Misfit."""
    return _pool(convert(value, PoolEntry), ())


def _pool(entry: PoolEntry, path: tuple[int, ...]) -> Pool:
    anti_affinity = bool(entry.anti_affinity)
    largest = NODES_PER_ANTI_AFFINITY_POOL if anti_affinity else NODES_PER_POOL
    template = entry.template or TemplateEntry()
    metadata, spec = template.metadata or MetadataEntry(), template.spec or SpecEntry()
    return Pool(
        name=PoolName(entry.name),
        flavor=entry.flavor,
        zones=tuple(entry.availability_zones or ()),
        desired=entry.desired_nodes,
        minimum=entry.min_nodes or 0,
        maximum=largest if entry.max_nodes is None else entry.max_nodes,
        monthly_billed=bool(entry.monthly_billed),
        anti_affinity=anti_affinity,
        autoscale=bool(entry.autoscale),
        labels=_pairs(metadata.labels),
        annotations=_pairs(metadata.annotations),
        taints=_taints(spec.taints or (), path),
        finalizers=tuple(sorted(metadata.finalizers or ())),
        unschedulable=bool(spec.unschedulable),
        state=ProviderState(
            id=entry.id, status=entry.status, current_nodes=entry.current_nodes or 0,
            available_nodes=entry.available_nodes or 0,
        ),
    )  # fmt: skip


def _taints(entries: Sequence[TaintEntry], path: tuple[int, ...]) -> tuple[Taint, ...]:
    taints = []
    for index, entry in enumerate(entries):
        try:
            taints.append(Taint(entry.key, entry.value or "", entry.effect))
        except ValueRefused as refused:
            raise Misfit(str(refused), (*path, "template", "spec", "taints", index, "effect")) from None
    return tuple(sorted(taints))


def _pairs(entries: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((entries or {}).items()))


def encode_creation(pool: Pool) -> Json:
    """The body of ``POST …/nodepool``. ``availabilityZones`` is always in it: some API versions refuse without."""
    return {
        "name": pool.name, "flavorName": pool.flavor, "availabilityZones": list(pool.zones),
        "antiAffinity": pool.anti_affinity, "monthlyBilled": pool.monthly_billed,
        **_sizes(pool), "template": encode_template(pool),
    }  # fmt: skip


def encode_update(before: Pool, after: Pool, nodes_to_remove: Sequence[str] = ()) -> Json:
    """The body of ``PUT …/nodepool/{id}``: only what changes, the template whole or not at all.

    ``nodes_to_remove`` are node ids of the API; they go with a size that is lowered by at least as many, since nobody
    has said what OVHcloud does otherwise. Raises Refused for a change that the API cannot make.
    """
    fixed = [name for name in FIXED_AT_CREATION if getattr(before, name) != getattr(after, name)]
    if fixed:
        fields = " and ".join(fixed).replace("_", " ")
        raise Refused(f"pool {before.name}: {fields} cannot change after creation; the pool must be replaced")
    if len(nodes_to_remove) > max(0, before.desired - after.desired):
        raise Refused(
            f"pool {before.name}: nodes named for removal: {len(nodes_to_remove)}, "
            f"but its size goes from {before.desired} to {after.desired}"
        )
    old, body = _sizes(before), _sizes(after)
    changed = {name: value for name, value in body.items() if value != old[name]}
    if before.template != after.template:
        changed["template"] = encode_template(after)
    if nodes_to_remove:
        changed["nodesToRemove"] = list(nodes_to_remove)
    return changed


def encode_template(pool: Pool) -> Json:
    """The template with all of its members: the API refuses one that lacks any of them."""
    taints = [{"effect": taint.effect, "key": taint.key, "value": taint.value} for taint in pool.taints]
    return {
        "metadata": {
            "annotations": dict(pool.annotations), "finalizers": list(pool.finalizers), "labels": dict(pool.labels),
        },
        "spec": {"taints": taints, "unschedulable": pool.unschedulable},
    }  # fmt: skip


def _sizes(pool: Pool) -> Json:
    return {
        "autoscale": pool.autoscale, "desiredNodes": pool.desired, "minNodes": pool.minimum, "maxNodes": pool.maximum,
    }  # fmt: skip
