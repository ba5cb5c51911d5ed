"""The fields of ``spec.review``, ``spec.windows`` and ``spec.guardrails`` in cluster.yaml as written.

``gitops.settings_review`` and ``gitops.settings_guardrails`` judge them.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from gitops.cluster.wire import Wire

Money: TypeAlias = str | int | float | None


class Voters(Wire):
    users: list[str] | None = None
    teams: list[str] | None = None
    code_owners: bool | None = None


class UpTo(Wire):
    nodes: int | None = None
    pools: int | None = None
    hourly: Money = None
    monthly: Money = None


class Default(Wire):
    approvals: int | None = None
    from_: Voters | None = msgspec.field(default=None, name="from")
    deny: str | None = None


class Rule(Wire):
    name: str
    classes: list[str] | None = None
    up_to: UpTo | None = None
    priority_above: int | None = None
    within: list[str] | None = None
    outside: list[str] | None = None
    approvals: int | None = None
    from_: Voters | None = msgspec.field(default=None, name="from")
    deny: str | None = None


class Review(Wire):
    merge: str | None = None
    default: str | Default | None = None
    protected_branch: bool | None = None
    signed_by: list[str] | None = None
    rules: list[Rule] | None = None


class Window(Wire):
    name: str
    time_zone: str
    from_: str = msgspec.field(name="from")
    to: str
    days: list[str] | None = None


class PerDay(Wire):
    nodes_added: int | None = None
    nodes_removed: int | None = None
    hourly_added: Money = None


class PerNodePool(Wire):
    max_nodes: int | None = None
    max_hourly: Money = None


class Guardrails(Wire):
    max_nodes_added: int | None = None
    max_nodes_removed: int | None = None
    max_hourly_added: Money = None
    max_pools_deleted: int | None = None
    max_growth_percent: int | None = None
    max_shrink_percent: int | None = None
    max_pools: int | None = None
    max_nodes: int | None = None
    max_hourly: Money = None
    per_day: PerDay | None = None
    node_pools: dict[str, PerNodePool] | None = None
