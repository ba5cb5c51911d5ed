"""Taints and tolerations, matched as ``k8s.io/component-helpers`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_SCHEDULE: Final = "NoSchedule"
NO_EXECUTE: Final = "NoExecute"
PREFER_NO_SCHEDULE: Final = "PreferNoSchedule"
EFFECTS: Final = (NO_EXECUTE, NO_SCHEDULE, PREFER_NO_SCHEDULE)


@dataclass(frozen=True, slots=True, order=True)
class Taint:
    key: str
    value: str = ""
    effect: str = NO_SCHEDULE

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise ValueRefused(f"taint effect {self.effect!r} is unknown; it is one of {', '.join(EFFECTS)}")

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True, order=True)
class Toleration:
    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def __post_init__(self) -> None:
        if self.operator not in ("Equal", "Exists"):
            raise ValueRefused(f"toleration operator {self.operator!r} is unknown; it is Equal or Exists")

    def tolerates(self, taint: Taint) -> bool:
        """An empty key with Exists tolerates everything; an empty effect tolerates every effect."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return bool(self.key) and self.value == taint.value


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> tuple[Taint, ...]:
    """The taints that keep a pod off a node: PreferNoSchedule never does."""
    known = tuple(tolerations)
    return tuple(
        taint for taint in taints
        if taint.effect != PREFER_NO_SCHEDULE and not any(one.tolerates(taint) for one in known)
    )  # fmt: skip


def avoided(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> tuple[Taint, ...]:
    """The PreferNoSchedule taints that a pod does not tolerate: kube-scheduler puts it elsewhere where it can."""
    known = tuple(tolerations)
    return tuple(
        taint for taint in taints
        if taint.effect == PREFER_NO_SCHEDULE and not any(one.tolerates(taint) for one in known)
    )  # fmt: skip
