"""Sets of label values, closed under intersection: every Kubernetes and Karpenter operator becomes one of them.

The semantics are those of kube-scheduler's node affinity: NotIn and DoesNotExist also match a node without the
label; In, Exists, Gt and Lt do not. Gte and Lte are Karpenter's additions. Gt and friends compare integers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte")
_LISTED = 20  # values that are named to people
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Which values a label may have. ``complement`` turns ``values`` into the values it may *not* have.

    ``absent`` says whether a node without the label is acceptable; bounds are inclusive.
    """

    key: str
    values: frozenset[str] = frozenset()
    complement: bool = False
    absent: bool = False
    minimum: int | None = None
    maximum: int | None = None
    min_values: int = 0

    @classmethod
    def parse(cls, key: str, operator: str, values: Sequence[str] = (), *, min_values: int = 0) -> Requirement:
        """From a node selector term's parts. Raises ValueRefused for what the Kubernetes API would refuse."""
        _check_values(key, operator, values)
        match operator:
            case "In":
                return cls(key, frozenset(values), min_values=min_values)
            case "NotIn":
                return cls(key, frozenset(values), complement=True, absent=True)
            case "Exists":
                return cls(key, complement=True, min_values=min_values)
            case "DoesNotExist":
                return cls(key, absent=True)
        bound = int(values[0])
        low = {"Gt": bound + 1, "Gte": bound}.get(operator)
        high = {"Lt": bound - 1, "Lte": bound}.get(operator)
        return cls(key, complement=True, minimum=low, maximum=high, min_values=min_values)

    def allows(self, value: str | None) -> bool:
        """Whether a node with this label value (None: without the label) satisfies the requirement."""
        if value is None:
            return self.absent
        if (value in self.values) is self.complement:
            return False
        if not self._bounded:
            return True
        return _INTEGER.fullmatch(value) is not None and self._within(int(value))

    def intersect(self, other: Requirement) -> Requirement:
        """The values that satisfy both; a Clash where nothing does, although something satisfies each."""
        if isinstance(self, Clash) or isinstance(other, Clash):
            return self if isinstance(self, Clash) else other
        merged = self._intersected(other)
        clashing = merged.is_empty() and not self.is_empty() and not other.is_empty()
        return Clash(self.key, between=(self, other)) if clashing else merged

    def _intersected(self, other: Requirement) -> Requirement:
        low = max((bound for bound in (self.minimum, other.minimum) if bound is not None), default=None)
        high = min((bound for bound in (self.maximum, other.maximum) if bound is not None), default=None)
        absent, floor = self.absent and other.absent, max(self.min_values, other.min_values)
        if self.complement and other.complement:
            return Requirement(self.key, self.values | other.values, True, absent, low, high, floor)
        if self.complement or other.complement:
            listed, rest = (other, self) if self.complement else (self, other)
            values = listed.values - rest.values
        else:
            values = self.values & other.values
        merged = Requirement(self.key, values, False, absent, low, high, floor)
        return Requirement(self.key, frozenset(v for v in values if merged.allows(v)), False, absent, None, None, floor)

    def is_empty(self) -> bool:
        """Whether nothing at all, not even a missing label, satisfies the requirement."""
        if self.absent:
            return False
        if not self.complement:
            return not any(self.allows(value) for value in self.values)
        return self.minimum is not None and self.maximum is not None and self.minimum > self.maximum

    def choices(self) -> tuple[str, ...]:
        """The listed values in order, smallest first; empty where the set is open."""
        return () if self.complement else tuple(sorted(value for value in self.values if self.allows(value)))

    def __str__(self) -> str:
        values = sorted(self.values)
        more = [f"{len(values) - _LISTED} more"] if len(values) > _LISTED + 1 else []
        listed = ", ".join((*values[: _LISTED if more else None], *more))
        if not self.complement:
            return f"{self.key} DoesNotExist" if self.absent else f"{self.key} In [{listed}]"
        parts = [f"{self.key} NotIn [{listed}]"] if self.values else []
        parts += [f"{self.key} Exists"] if self.values and not self.absent and not self._bounded else []
        parts += [f"{self.key} >= {self.minimum}"] if self.minimum is not None else []
        parts += [f"{self.key} <= {self.maximum}"] if self.maximum is not None else []
        return " and ".join(parts) or (f"{self.key} Exists" if not self.absent else f"{self.key} any")

    @property
    def _bounded(self) -> bool:
        return self.minimum is not None or self.maximum is not None

    def _within(self, number: int) -> bool:
        low, high = self.minimum, self.maximum
        return (low is None or number >= low) and (high is None or number <= high)


@dataclass(frozen=True, slots=True)
class Clash(Requirement):
    """Two requirements on one key that nothing satisfies together: an empty set that still says what it was made of."""

    between: tuple[Requirement, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{' and '.join(str(one) for one in self.between)} at once"


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements on different keys that must all hold; at most one a key, sorted by key."""

    items: tuple[Requirement, ...] = ()

    @classmethod
    def of(cls, requirements: Iterable[Requirement]) -> Requirements:
        """All of them at once: requirements on one key are intersected."""
        merged: dict[str, Requirement] = {}
        for one in requirements:
            merged[one.key] = merged[one.key].intersect(one) if one.key in merged else one
        return cls(tuple(merged[key] for key in sorted(merged)))

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> Requirements:
        """What a nodeSelector asks: each label with exactly this value."""
        return cls.of(Requirement(key, frozenset({value})) for key, value in labels.items())

    def get(self, key: str) -> Requirement | None:
        return next((one for one in self.items if one.key == key), None)

    def intersect(self, other: Requirements) -> Requirements:
        return Requirements.of((*self.items, *other.items))

    def failing(self, labels: Mapping[str, str]) -> tuple[Requirement, ...]:
        """The requirements that a node with exactly these labels does not satisfy."""
        return tuple(one for one in self.items if not one.allows(labels.get(one.key)))

    def allow(self, labels: Mapping[str, str]) -> bool:
        return not self.failing(labels)

    def empty_keys(self) -> tuple[str, ...]:
        """Keys for which nothing is left."""
        return tuple(one.key for one in self.items if one.is_empty())


def _check_values(key: str, operator: str, values: Sequence[str]) -> None:
    if operator not in OPERATORS:
        raise ValueRefused(f"operator {operator!r} is unknown; it is one of {', '.join(OPERATORS)}")
    if operator in ("In", "NotIn") and not values:
        raise ValueRefused(f"operator {operator} on {key} needs at least one value")
    if operator in ("Exists", "DoesNotExist") and values:
        raise ValueRefused(f"operator {operator} on {key} takes no values")
    if operator in ("Gt", "Lt", "Gte", "Lte") and (len(values) != 1 or not _INTEGER.fullmatch(values[0])):
        raise ValueRefused(f"operator {operator} on {key} takes exactly one whole number")
