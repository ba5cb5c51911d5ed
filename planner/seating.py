"""Pods by name: which of a kind's pods are on which node, once it is settled how many are where."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from planner.problem import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from planner.cycle import Arrival
    from planner.demand import PodGroup
    from planner.kinds import Kinds
    from planner.loading import Load
    from planner.market import Market
    from planner.settling import Settled

    Onto = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass
class Queue:
    """The pods of each kind that have no place yet, in the order in which they are taken."""

    waiting: dict[int, Iterator[tuple[PodGroup, str]]]

    @classmethod
    def of(cls, kinds: Kinds) -> Queue:
        return cls({
            kind.index: ((group, pod) for group in kind.members for pod in group.pods) for kind in kinds.kinds
        })  # fmt: skip

    def take(self, kind: int, count: int) -> list[str]:
        """The next pods of a kind."""
        return [pod for _, pod in islice(self.waiting[kind], count)]

    def left(self) -> list[tuple[PodGroup, list[str]]]:
        """What nobody took, by group, in order of the groups' keys."""
        found: dict[str, tuple[PodGroup, list[str]]] = {}
        for members in self.waiting.values():
            for group, pod in members:
                found.setdefault(group.key, (group, []))[1].append(pod)
        return [found[key] for key in sorted(found)]


def on_paper(queue: Queue, names: Sequence[str], settled: Settled, new: Load) -> tuple[Onto, tuple[Opened, ...]]:
    """The pods on existing nodes, which have these names, and the new nodes with theirs."""
    onto: dict[str, list[str]] = {}
    for kind, taken in settled.onto.items():
        for node, count in taken.items():
            onto.setdefault(names[node], []).extend(queue.take(kind, count))
    opened = []
    for variant, held in zip(new.variant, new.contents, strict=True):
        pods = [pod for kind, count in sorted(held.items()) for pod in queue.take(kind, count)]
        if pods:
            opened.append(Opened(candidate=new.market.variants[variant], pods=tuple(sorted(pods))))
    return tuple((name, tuple(sorted(pods))) for name, pods in sorted(onto.items())), tuple(opened)


def as_replayed(
    arrivals: Sequence[Arrival], placed: Mapping[tuple[int, int], int], names: Sequence[str], market: Market,
    counts: Sequence[int],
) -> tuple[Onto, tuple[Opened, ...], list[tuple[PodGroup, list[str]]]]:  # fmt: skip
    """The same as a replay bound them, (node, arrival) → how many, and what is left. New nodes come last."""
    waiting = [iter(one.group.pods) for one in arrivals]
    pods: dict[int, list[str]] = {}
    for (node, place), count in placed.items():
        pods.setdefault(node, []).extend(islice(waiting[place], count))
    onto = sorted((names[node], tuple(sorted(mine))) for node, mine in pods.items() if node < len(names))
    variants = [one for one, count in enumerate(counts) for _ in range(count)]
    opened = (
        Opened(candidate=market.variants[one], pods=tuple(sorted(pods.get(number, ()))))
        for number, one in enumerate(variants, len(names))
    )  # fmt: skip
    left = [(one.group, names) for one, rest in zip(arrivals, waiting, strict=True) if (names := list(rest))]
    return tuple(onto), tuple(opened), left
