"""What a node of a flavor has and gives: as live nodes of it show, else as OVHcloud publishes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from planner.resources import ATTACHABLE, GPU, MEMORY, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planner.catalog import Flavor
    from planner.nodes import Node

ANY_FLAVOR: Final = "*"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a node of a flavor has and gives, and who says so."""

    capacity: Resources
    allocatable: Resources
    source: str


def figures_of(flavor: Flavor, measured: Mapping[str, Figures]) -> Figures:
    """What live nodes of the flavor show, where there are any, else what OVHcloud publishes."""
    formula = Figures(capacity=flavor.capacity(), allocatable=flavor.allocatable(), source="formula")
    found = _with_devices(measured.get(flavor.name) or formula, flavor)
    common = measured.get(ANY_FLAVOR)
    if common is None or flavor.name in measured:
        return found
    return replace(found, allocatable=found.allocatable.plus(common.allocatable))


def calibrate(nodes: Iterable[Node]) -> dict[str, Figures]:
    """What live nodes really give, by flavor: the least of all Ready nodes, since the next one may be like it.

    Under ``ANY_FLAVOR`` is what every node has whatever its flavor: room for volumes, the least there is.
    """
    found: dict[str, Figures] = {}
    volumes: dict[str, dict[str, int]] = {}
    for node in sorted(nodes, key=lambda one: one.name):
        for flavor in (node.flavor, ANY_FLAVOR):
            _note_least(volumes.setdefault(flavor, {}), node.allocatable)
        if not node.flavor or not node.ready or not node.allocatable.get(MEMORY):
            continue
        seen = found.get(node.flavor)
        if seen is None or node.allocatable.get(MEMORY) < seen.allocatable.get(MEMORY):
            found[node.flavor] = Figures(
                capacity=node.capacity, allocatable=node.allocatable, source=f"node {node.name}"
            )
    with_least = {
        flavor: replace(one, allocatable=Resources.of({**dict(one.allocatable.items), **volumes[flavor]}))
        for flavor, one in found.items()
    }
    common = Resources.of(volumes.get(ANY_FLAVOR, {}))
    return with_least | {ANY_FLAVOR: Figures(capacity=Resources(), allocatable=common, source="all nodes")}


def _note_least(least: dict[str, int], allocatable: Resources) -> None:
    for name, amount in allocatable:
        if name.startswith(ATTACHABLE):
            least[name] = min(amount, least.get(name, amount))


def _with_devices(figures: Figures, flavor: Flavor) -> Figures:
    """A live GPU node without its device plugin shows no GPUs yet: the flavor knows better."""
    if not flavor.gpus or figures.allocatable.get(GPU):
        return figures
    gpus = Resources.of({GPU: flavor.gpus})
    return replace(figures, capacity=figures.capacity.plus(gpus), allocatable=figures.allocatable.plus(gpus))
