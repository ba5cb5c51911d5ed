"""Reads a pool back from its Terraform file: the attributes that poolplan writes, with literal values, nothing else.

Beside its resource stands at most the ``import`` block of this very pool.

What is not known here would be lost when the file is written again, so it is refused with its line.
"""

from __future__ import annotations

from planner.pools import NODES_PER_POOL, Pool, PoolName
from renderer.errors import TextRefused
from renderer.hcl import Reference
from renderer.hclread import Attribute, Block, parse
from renderer.terraform import KUBE_ID, RESOURCE, SERVICE_NAME, address
from renderer.wire import NO_TEMPLATE, Count, Misfit, Template, Wire, fit, met, pairs, taints_of

_OWNER = {"service_name": SERVICE_NAME, "kube_id": KUBE_ID}
_IMPORT = "import"
#: Blocks that are Terraform's own business: they say nothing of the pool.
_PASSED_OVER = frozenset({"lifecycle", "timeouts"})


@met
class _Resource(Wire, frozen=True):
    """The resource's attributes; what may be left out has the provider's default."""

    name: str
    flavor_name: str
    desired_nodes: Count
    min_nodes: Count = 0
    max_nodes: Count = NODES_PER_POOL
    availability_zones: tuple[str, ...] = ()
    monthly_billed: bool = False
    anti_affinity: bool = False
    autoscale: bool = False
    template: Template = NO_TEMPLATE


def read_pool(text: str, *, file: str) -> Pool:
    """The pool that the file declares. Raises TextRefused with the place of what is wrong."""
    return read_pool_file(text, file=file)[0]


def read_pool_file(text: str, *, file: str) -> tuple[Pool, str]:
    """The pool, and the id by which it is imported; empty where it is not. Raises TextRefused as ``read_pool``."""
    whole = parse(text, file=file)
    resource = _only_resource(whole, file)
    values = _tree(resource, file)
    for name, owner in _OWNER.items():
        if values.pop(name, None) != owner:
            reason = f"{name} must be {owner.path}: a pool file belongs to the cluster of its folder"
            raise _refused(reason, file, _item(resource, name))
    try:
        pool = _pool(fit(_plain(values, ""), _Resource))
    except Misfit as misfit:
        what = f"{misfit.path}: {misfit.reason}" if misfit.path else misfit.reason
        raise _refused(what, file, _item(resource, misfit.path)) from None
    return pool, _imported(whole, pool.name, file)


def _imported(whole: Block, pool: str, file: str) -> str:
    blocks = [one for one in whole.blocks() if one.kind == _IMPORT]
    if not blocks:
        return ""
    values = {one.name: one.value for one in blocks[0].attributes()}
    identity = values.get("id")
    if len(blocks) > 1 or values.get("to") != Reference(address(pool)) or not isinstance(identity, str):
        reason = f"an import block here takes in {address(pool)} by a plain id and nothing else, once"
        raise _refused(reason, file, blocks[-1])
    return identity


def _only_resource(whole: Block, file: str) -> Block:
    wanted = [item for item in whole.body if isinstance(item, Block) and item.labels[:1] == (RESOURCE,)]
    aside = [item for item in whole.blocks() if item.kind == _IMPORT]
    others = [item for item in whole.body if item not in (*wanted, *aside)]
    if others or len(wanted) != 1 or len(wanted[0].labels) != 2:
        reason = f"a pool file holds one resource of type {RESOURCE} and nothing else"
        raise _refused(reason, file, (*others, *reversed(wanted), whole)[0])
    return wanted[0]


def _tree(block: Block, file: str) -> dict[str, object]:
    """Attributes and nested blocks under their names, each once."""
    tree: dict[str, object] = {}
    for item in block.body:
        name = item.name if isinstance(item, Attribute) else item.kind
        if name in tree:
            raise _refused(f"{name} stands here twice", file, item)
        if isinstance(item, Attribute):
            tree[name] = item.value
        elif name not in _PASSED_OVER:
            tree[name] = _tree(item, file)
    return tree


def _plain(value: object, path: str) -> object:
    """The same value; raises Misfit for a reference, whose value only Terraform knows."""
    if isinstance(value, Reference):
        raise Misfit(f"a plain value is expected, found {value.path}", path)
    if isinstance(value, dict):
        return {key: _plain(one, f"{path}.{key}".lstrip(".")) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, path) for one in value]
    return value


def _pool(entry: _Resource) -> Pool:
    metadata, spec = entry.template.metadata, entry.template.spec
    return Pool(
        name=PoolName(entry.name), flavor=entry.flavor_name, zones=entry.availability_zones,
        desired=entry.desired_nodes, minimum=entry.min_nodes, maximum=entry.max_nodes,
        monthly_billed=entry.monthly_billed, anti_affinity=entry.anti_affinity, autoscale=entry.autoscale,
        labels=pairs(metadata.labels), annotations=pairs(metadata.annotations), finalizers=tuple(metadata.finalizers),
        taints=taints_of(spec.taints), unschedulable=spec.unschedulable,
    )  # fmt: skip


def _item(block: Block, path: str) -> Attribute | Block:
    """The deepest part of the path that stands in the file."""
    head, _, rest = path.partition(".")
    for item in block.body:
        if isinstance(item, Block) and item.kind == head:
            return _item(item, rest)
        if isinstance(item, Attribute) and item.name == head.partition("[")[0]:
            return item
    return block


def _refused(reason: str, file: str, item: Attribute | Block) -> TextRefused:
    return TextRefused(reason, file=file, line=item.line, column=item.column)
