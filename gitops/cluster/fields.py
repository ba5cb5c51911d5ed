"""Small readings that every kind shares: labels, amounts, times, and the path to a field that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from gitops.decoding import Misfit
from planner.errors import ValueRefused
from planner.labels import ALIASES
from planner.resources import Resources, parse_amount

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from gitops.cluster.wire import Quantity
    from gitops.decoding import Step

W = TypeVar("W")
T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]
#: Annotations that decide something begin with one of these; all others are left out.
_TELLING = ("karpenter.sh/", "poolplan.dev/", "cluster-autoscaler.kubernetes.io/", "kubernetes.io/config.mirror")


class at:  # noqa: N801 - reads as a preposition: with at("spec", "taints", 3)
    """Puts the path to a field in front of whatever is refused inside."""

    __slots__ = ("_path",)

    def __init__(self, *path: Step) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Misfit):
            raise Misfit(error.message, (*self._path, *error.path)) from None
        if isinstance(error, ValueRefused):
            raise Misfit(str(error), self._path) from None


def pairs(texts: dict[str, str] | None) -> Pairs:
    """Sorted pairs."""
    return tuple(sorted(texts.items())) if texts else ()


def telling(annotations: dict[str, str] | None) -> Pairs:
    """The annotations that decide something, as sorted pairs."""
    if not annotations:
        return ()
    return tuple(sorted((key, value) for key, value in annotations.items() if key.startswith(_TELLING)))


def with_modern_names(labels: dict[str, str] | None) -> dict[str, str]:
    """A node's labels, with the modern name of every old one (``beta.kubernetes.io/arch``) beside it."""
    known = labels or {}
    return {**{ALIASES[key]: value for key, value in known.items() if key in ALIASES}, **known}


def modern(key: str) -> str:
    """A label key of a node by its modern name."""
    return ALIASES.get(key, key)


def resources(quantities: dict[str, Quantity] | None) -> Resources:
    """Amounts of Kubernetes quantities. Raises Misfit that ends in the resource's name."""
    amounts: dict[str, int] = {}
    for name, quantity in (quantities or {}).items():
        try:
            amounts[name] = _amount(name, str(quantity))
        except ValueRefused as refused:
            raise Misfit(str(refused), (name,)) from None
    return Resources.of(amounts)


@lru_cache(maxsize=10_000)
def _amount(name: str, text: str) -> int:
    return parse_amount(name, text)


def utc(time: datetime | None) -> datetime | None:
    """A time in UTC; one without a zone is UTC already."""
    if time is None:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def whole_number(value: int | None, default: int) -> int:
    """A count of things. Raises Misfit when it is negative."""
    if value is not None and value < 0:
        raise Misfit(f"{value} is negative; a count is zero or more")
    return default if value is None else value


def listed(values: Sequence[W] | None, name: str, read: Callable[[W], T]) -> tuple[T, ...]:
    """Each value of a list read, with its place put in front of what is wrong."""
    if not values:
        return ()
    made: list[T] = []
    for number, value in enumerate(values):
        with at(name, number):
            made.append(read(value))
    return tuple(made)
