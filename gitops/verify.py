"""Declared versus observed: what differs between the pools Git wants and those the provider has. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.diff import changed_fields
from planner.ownership import is_managed

if TYPE_CHECKING:
    from planner.pools import Pool, PoolSet


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One difference, as a sentence about one pool."""

    pool: str
    text: str

    def __str__(self) -> str:
        return f"{self.pool}: {self.text}"


def find_drift(
    declared: PoolSet, observed: PoolSet, *, released: frozenset[str] = frozenset()
) -> tuple[Drift, ...]:  # fmt: skip
    """Everything in which the provider's managed pools differ from the declared ones, by pool.

    ``released`` pools are nobody's business, whatever they are named.
    """
    found: list[Drift] = []
    for pool in declared:
        there = observed.get(pool.name)
        if there is None:
            text = f"Git declares it with {_nodes(pool.desired)}, the provider has no such pool"
            found.append(Drift(pool.name, text))
            continue
        found += [Drift(pool.name, text) for text in _differences(pool, there)]
    found += [
        Drift(pool.name, f"the provider has it with {_nodes(pool.desired)}, Git does not declare it")
        for pool in observed
        if declared.get(pool.name) is None and is_managed(pool) and pool.name not in released
    ]
    return tuple(sorted(found))


def _differences(declared: Pool, observed: Pool) -> list[str]:
    found = [
        f"{name} is {_shown(getattr(observed, name))} at the provider, {_shown(getattr(declared, name))} in Git"
        for name in changed_fields(declared, observed)
    ]
    state = observed.state
    if state is not None and state.status != "READY":
        found.append(f"it is in state {state.status}, {state.available_nodes} of {_nodes(observed.desired)} there")
    return found


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join("=".join(one) if isinstance(one, tuple) else str(one) for one in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
