"""Amounts per resource name: cpu in millicores, memory and storage in bytes, everything else in whole units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.quantity import to_milli, to_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CPU: Final = "cpu"
MEMORY: Final = "memory"
STORAGE: Final = "ephemeral-storage"
PODS: Final = "pods"
GPU: Final = "nvidia.com/gpu"
NODES: Final = "nodes"
MOST: Final = 2**50
ATTACHABLE: Final = "attachable-volumes-csi-"  # begins the name of an amount of volumes; the CSI driver ends it
_UNITS: Final = ((1024**3, "Gi"), (1024**2, "Mi"), (1024, "Ki"))


@dataclass(frozen=True, slots=True)
class Resources:
    """An immutable vector of amounts; names that are missing count as zero. Items are sorted by name."""

    items: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, amounts: Mapping[str, int]) -> Resources:
        """From name → amount; zero amounts are left out, so equal vectors are equal values."""
        return cls(tuple(sorted((name, amount) for name, amount in amounts.items() if amount)))

    @classmethod
    def parse(cls, quantities: Mapping[str, str]) -> Resources:
        """From Kubernetes quantities. Raises ValueRefused."""
        return cls.of({name: parse_amount(name, text) for name, text in quantities.items()})

    @classmethod
    def total(cls, many: Iterable[Resources]) -> Resources:
        """The sum of many vectors."""
        sums: dict[str, int] = {}
        for one in many:
            for name, amount in one.items:
                sums[name] = sums.get(name, 0) + amount
        return cls.of(sums)

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self.items)

    def get(self, name: str) -> int:
        return next((amount for key, amount in self.items if key == name), 0)

    def plus(self, other: Resources) -> Resources:
        return Resources.total((self, other))

    def minus(self, other: Resources) -> Resources:
        """The difference; amounts may become negative (an over-committed node), they are kept as they are."""
        return Resources.total((self, Resources(tuple((name, -amount) for name, amount in other.items))))

    def times(self, count: int) -> Resources:
        return Resources.of({name: amount * count for name, amount in self.items})

    def at_least(self, other: Resources) -> Resources:
        """The larger of both, name by name."""
        merged = dict(self.items)
        for name, amount in other.items:
            merged[name] = max(merged.get(name, 0), amount)
        return Resources.of(merged)

    def fits_in(self, free: Resources) -> bool:
        """Whether every amount is at most what is free; a request of zero always fits, as in kube-scheduler."""
        return not self.shortfall(free)

    def shortfall(self, free: Resources) -> tuple[tuple[str, int], ...]:
        """What is missing, by name, where this does not fit into ``free``."""
        have = dict(free.items)
        missing = ((name, amount - have.get(name, 0)) for name, amount in self.items if amount > 0)
        return tuple((name, amount) for name, amount in missing if amount > 0)


def parse_amount(name: str, text: str) -> int:
    """One quantity in the unit of its resource. Raises ValueRefused.

    What is more than MOST is taken as MOST, which no machine has: so thousands of them add up without overflow.
    """
    return min(MOST, to_milli(text) if name == CPU else to_whole(text))


def format_amount(name: str, amount: int) -> str:
    """An amount as Kubernetes writes it, in the largest unit that keeps it exact."""
    if name == CPU:
        return f"{amount // 1000}" if amount % 1000 == 0 else f"{amount}m"
    if name in (MEMORY, STORAGE):
        for power, suffix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
            if amount and amount % 1024**power == 0:
                return f"{amount // 1024**power}{suffix}"
    return str(amount)


def describe_amount(name: str, amount: int) -> str:
    """An amount for people: bytes as Gi, Mi or Ki with one decimal, cpu in millicores, or in cores from ten on."""
    if name == CPU and amount >= 10_000:
        return f"{amount // 1000}.{amount % 1000:03d}".rstrip("0").rstrip(".")
    if name not in (MEMORY, STORAGE):
        return format_amount(name, amount)
    unit, suffix = next((one for one in _UNITS if amount >= one[0]), (1, ""))
    whole, tenth = divmod((amount * 10 + unit // 2) // unit, 10)
    return f"{whole}.{tenth}{suffix}" if tenth else f"{whole}{suffix}"
