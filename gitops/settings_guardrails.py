"""The ``guardrails`` section of cluster.yaml → the limits on every plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.decoding import Misfit
from planner.guardrails import EACH, Guardrails, PerDay, PerNodePool
from planner.quantity import parse_money

if TYPE_CHECKING:
    from gitops import settings_review_wire as wire
    from gitops.decoding import Step
    from gitops.settings_faults import Faults

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def read_guardrails(written: wire.Guardrails, faults: Faults) -> Guardrails:
    """What is written; every fault is noted in ``faults``."""
    return limits_from(written, faults, ("spec",))


def limits_from(written: wire.Guardrails, faults: Faults, section: tuple[Step, ...]) -> Guardrails:
    """The ``guardrails`` of a section."""
    at = (*section, "guardrails")
    read = Limits(faults, at)
    day, per_day = Limits(faults, (*at, "perDay")), written.per_day
    return Guardrails(
        max_nodes_added=read.count("maxNodesAdded", written.max_nodes_added),
        max_nodes_removed=read.count("maxNodesRemoved", written.max_nodes_removed),
        max_hourly_added=read.money("maxHourlyAdded", written.max_hourly_added),
        max_pools_deleted=read.count("maxPoolsDeleted", written.max_pools_deleted),
        max_growth_percent=read.count("maxGrowthPercent", written.max_growth_percent),
        max_shrink_percent=read.count("maxShrinkPercent", written.max_shrink_percent),
        max_pools=read.count("maxPools", written.max_pools),
        max_nodes=read.count("maxNodes", written.max_nodes),
        max_hourly=read.money("maxHourly", written.max_hourly),
        per_day=None if per_day is None else PerDay(
            nodes_added=day.count("nodesAdded", per_day.nodes_added),
            nodes_removed=day.count("nodesRemoved", per_day.nodes_removed),
            hourly_added=day.money("hourlyAdded", per_day.hourly_added),
        ),
        node_pools=tuple(
            (name, _node_pool(name, limits, faults, at)) for name, limits in sorted((written.node_pools or {}).items())
        ),
    )  # fmt: skip


class Limits:
    """Reads the limits below one place; a fault is noted, and no limit stands in."""

    def __init__(self, faults: Faults, at: tuple[Step, ...]) -> None:
        self._faults = faults
        self._at = at

    def count(self, name: str, value: int | None) -> int | None:
        """A whole number from zero on."""
        return self._faults.attempt((*self._at, name), lambda: not_negative(value), None)

    def money(self, name: str, value: wire.Money) -> int | None:
        """Micro-units of a decimal in quotes."""
        return self._faults.attempt((*self._at, name), lambda: _money(value), None)


def not_negative(value: int | None) -> int | None:
    """The limit. Raises Misfit."""
    if value is not None and value < 0:
        raise Misfit(f"is {value}; a limit is zero or more")
    return value


def _money(value: wire.Money) -> int | None:
    if isinstance(value, int | float):
        raise Misfit('must be in quotes, like "12.50": a number may be rounded')
    return None if value is None else parse_money(value)


def _node_pool(name: str, written: wire.PerNodePool, faults: Faults, section: tuple[Step, ...]) -> PerNodePool:
    at = (*section, "nodePools", name)
    faults.attempt(at, lambda: _node_pool_name(name), None)
    read = Limits(faults, at)
    return PerNodePool(
        max_nodes=read.count("maxNodes", written.max_nodes), max_hourly=read.money("maxHourly", written.max_hourly)
    )


def _node_pool_name(name: str) -> None:
    if name != EACH and not _NAME.fullmatch(name):
        raise Misfit(f'{name[:60]!a} is no name of a NodePool; "{EACH}" stands for each of them')
