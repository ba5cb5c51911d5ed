"""The drift document's structure: ``poolplan.dev/v1alpha1 Drift``. The JSON Schema beside it is made from this module.

A field may be added within a version; one that is taken away or changes its meaning makes a new version.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from renderer.wire import Wire

API_VERSION: Final = "poolplan.dev/v1alpha1"
KIND: Final = "Drift"
KindName = Literal[
    "size", "bounds", "template", "autoscale", "recreated", "gone", "state", "engine-state", "undeclared", "foreign"
]
PolicyName = Literal["adopt", "restore", "ask"]


class DifferenceEntry(Wire, frozen=True, rename="camel"):
    """One difference of one pool.

    With a ``field`` the two values are its, as the [plan document](plan.md) spells them; without, they are the pool as
    a whole, and null where one side has none.
    """

    pool: str
    kind: KindName
    text: str
    field: str | UnsetType = UNSET
    declared: Any = None
    observed: Any = None
    status: str | UnsetType = UNSET
    policy: PolicyName | UnsetType = UNSET


class DriftEntry(Wire, frozen=True, rename="camel"):
    """Declared versus observed: what Git's pools and the provider's differ in, sorted by pool, kind and field."""

    api_version: Literal["poolplan.dev/v1alpha1"]
    kind: Literal["Drift"]
    cluster: str
    commit: str
    drifted: bool
    differences: list[DifferenceEntry]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a drift document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": KIND, **msgspec.json.schema(DriftEntry)}
