"""Drift for people: each difference as a sentence, all of them as a table. Names and values are data, and escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from planner.drift import DriftKind
from planner.pools import Pool
from renderer.document import FIELDS
from renderer.text import columns, count, one_line, pad

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.drift import Drift, Treatment

_HEAD: Final = ("POOL", "KIND", "FIELD", "GIT", "PROVIDER", "POLICY")
_LONGEST: Final = 40
"""Columns of a value in the table; the JSON has it whole."""


def drift_text(one: Drift) -> str:
    """``karpenter-a: desiredNodes is 3 at the provider, 2 in Git``."""
    return f"{one_line(one.pool)}: {sentence(one)}"


def sentence(one: Drift) -> str:
    """The same without the pool."""
    return one_line(_sentence(one))


def drift_table(found: Sequence[Drift], policy: Mapping[Drift, Treatment]) -> str:
    """The differences in columns, with a newline at the end; empty where there are none.

    ``policy`` says what becomes of each that one settles.
    """
    if not found:
        return ""
    rows = [_HEAD, *(_row(one, policy) for one in found)]
    widths = [max(columns(row[place]) for row in rows) for place in range(len(_HEAD))]
    lines = ["  ".join(pad(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def field_name(one: Drift) -> str:
    """The field as documents spell it."""
    return FIELDS.get(one.field, one.field)


def _row(one: Drift, policy: Mapping[Drift, Treatment]) -> tuple[str, ...]:
    believed = " (state)" if one.kind is DriftKind.ENGINE and one.declared is not None else ""
    sides = (f"{_cell(one.declared)}{believed}", _cell(_state(one) if one.kind is DriftKind.STATE else one.observed))
    wanted = policy[one].value if one in policy else "-"
    return (one_line(one.pool), one.kind.value, field_name(one) or "-", *sides, wanted)


def _cell(value: object) -> str:
    text = one_line(_brief(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _brief(value: object) -> str:
    if value is None:
        return "-"
    return count(value.desired, "node") if isinstance(value, Pool) else value_text(value)


def _state(one: Drift) -> str:
    """``UPSCALING, 1 of 2 nodes there``."""
    pool = one.observed
    if not isinstance(pool, Pool) or pool.state is None:
        return "unknown"
    return f"{pool.state.status}, {pool.state.available_nodes} of {count(pool.desired, 'node')} there"


def _sentence(one: Drift) -> str:
    if one.kind is DriftKind.ENGINE:
        return _of_engine(one)
    if one.field:
        return f"{field_name(one)} is {value_text(one.observed)} at the provider, {value_text(one.declared)} in Git"
    if one.kind is DriftKind.STATE:
        return f"it is in state {_state(one)}"
    if isinstance(one.declared, Pool):
        return f"Git declares it with {count(one.declared.desired, 'node')}, the provider has no such pool"
    if one.kind is DriftKind.FOREIGN:
        return f"it is not poolplan's ({_brief(one.observed)}), and is left alone"
    return f"the provider has it with {_brief(one.observed)}, Git does not declare it"


def _of_engine(one: Drift) -> str:
    if one.field:
        name = "its id" if one.field == "id" else field_name(one)
        return f"{name} is {value_text(one.declared)} in the engine's state, {value_text(one.observed)} at the provider"
    if one.observed is None:
        return "the engine's state holds it, the provider has no such pool"
    return "Git declares it and the provider has it, and the engine's state does not know it"


def value_text(value: object) -> str:
    """One field of a pool for people: ``true``, ``[a, b]``, ``[team=web]``."""
    if isinstance(value, tuple):
        return f"[{', '.join(_items(value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _items(values: Iterable[object]) -> list[str]:
    return ["=".join(one) if isinstance(one, tuple) else str(one) for one in values]
