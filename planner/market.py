"""What could be ordered for the kinds of a demand, as columns: room and price of each variant, and who it takes.

A variant is a candidate with the offered labels decided that some pods select. Variants are in the order of their keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from planner.candidates import choice_for, choices_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.board import Board, Flags, Ints
    from planner.candidates import Candidate
    from planner.kinds import Kind, Kinds
    from planner.shapes import Shapes


@dataclass(frozen=True)
class Market:
    """``free`` is variants × resources, ``takes`` admissions × variants (room is looked at apart)."""

    variants: tuple[Candidate, ...]
    resources: tuple[str, ...]
    free: Ints
    price: Ints
    takes: Flags
    zones: tuple[str, ...]
    _options: dict[tuple[int, str, bytes], Flags] = field(default_factory=dict)
    _asked: dict[tuple[int, str, int], tuple[Ints, Flags]] = field(default_factory=dict)
    _cheapest: dict[int, tuple[Flags, Ints]] = field(default_factory=dict)
    _open: dict[tuple[int, str], Flags] = field(default_factory=dict)
    _offers: dict[bytes, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    _values: dict[tuple[bytes, str], tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, kinds: Kinds, candidates: Sequence[Candidate], resources: tuple[str, ...]) -> Market:
        """Every candidate with every choice of offered labels that some kind needs."""
        variants, as_they_are = _variants(kinds, candidates)
        takes = [
            [one.key in plain or (bool(one.chosen) and choice_for(needs, one) == ()) for one in variants]
            for needs, plain in zip(kinds.admissions, as_they_are, strict=True)
        ]
        given = [dict(one.free.items) for one in variants]
        free = [[one.get(name, 0) for name in resources] for one in given]
        return cls(
            variants, resources, np.array(free, np.int64).reshape(len(variants), len(resources)),
            np.array([one.hourly for one in variants], np.int64),
            np.array(takes, np.bool_).reshape(len(kinds.admissions), len(variants)),
            tuple(one.zone for one in variants),
        )  # fmt: skip

    def only(self, kept: Flags) -> Market:
        """The same market with some variants closed: their positions stay. The very same where that closes nothing."""
        if bool(np.all(kept)) or not bool((self.takes & ~kept).any()):
            return self
        return Market(self.variants, self.resources, self.free, self.price, self.takes & kept, self.zones)

    def options(self, kind: Kind, request: Ints, zone: str = "") -> Flags:
        """The variants of which an empty node takes a pod of the kind; in one zone, if one is named."""
        asked = self._asked.get((kind.admission, zone, id(request)))
        if asked is not None:
            return asked[1]
        key = (kind.admission, zone, request.tobytes())
        found = self._options.get(key)
        if found is None:
            found = self.open_to(kind, zone) & ((self.free >= request) | (request == 0)).all(axis=1)
            self._options[key] = found
        if not request.flags.writeable:  # kept beside, so that its identity stays its own
            self._asked[kind.admission, zone, id(request)] = (request, found)
        return found

    def cheapest(self, options: Flags) -> Ints:
        """The positions of these variants, the cheapest first."""
        found = self._cheapest.get(id(options))
        if found is None:
            possible = np.flatnonzero(options)
            found = (options, possible[np.argsort(self.price[possible], kind="stable")])
            self._cheapest[id(options)] = found
        return found[1]

    def open_to(self, kind: Kind, zone: str = "") -> Flags:
        """The variants that would take a pod of the kind if they were large enough."""
        key = (kind.admission, zone)
        found = self._open.get(key)
        if found is None:
            found = self.takes[kind.admission]
            if zone:
                found = found & np.array([one == zone for one in self.zones], np.bool_)
            self._open[key] = found
        return found

    def offers(self, options: Flags) -> Mapping[str, Mapping[str, str]]:
        """The zones of these variants, with the labels that all of them have there."""
        key = options.tobytes()
        if key not in self._offers:
            found: dict[str, dict[str, str]] = {}
            for position in np.flatnonzero(options).tolist():
                labels = self.variants[position].labels
                common = found.setdefault(self.zones[position], dict(labels))
                for name in [name for name, value in common.items() if labels.get(name) != value]:
                    del common[name]
            self._offers[key] = found
        return self._offers[key]

    def values(self, options: Flags, label: str) -> tuple[str, ...]:
        """The values of a label among these variants, sorted."""
        key = (options.tobytes(), label)
        if key not in self._values:
            labels = (self.variants[one].labels.get(label) for one in np.flatnonzero(options).tolist())
            self._values[key] = tuple(sorted({value for value in labels if value is not None}))
        return self._values[key]

    def allocatable(self, positions: Sequence[int]) -> Ints:
        """What nodes of these variants give to all pods together, resources × nodes."""
        given = [self.variants[one].figures.allocatable for one in positions]
        return np.array([[one.get(name) for one in given] for name in self.resources], np.int64)

    def shapes(self, shapes: Shapes) -> Ints:
        """The shape of each variant's nodes."""
        return np.array([shapes.number(one.labels, one.taints) for one in self.variants], np.int64)


def request_of(board: Board, kind: Kind) -> Ints:
    """What a pod of the kind asks for, in the order of the board's resources. Equal requests are one array."""
    return board.columns_of(kind)


def _variants(
    kinds: Kinds, candidates: Iterable[Candidate]
) -> tuple[tuple[Candidate, ...], list[set[tuple[str, ...]]]]:
    """All variants, and by admission the keys of those that are candidates as they are and take its pods."""
    found: dict[tuple[str, ...], Candidate] = {}
    plain: list[set[tuple[str, ...]]] = [set() for _ in kinds.admissions]
    for one in candidates:
        for needs, mine in zip(kinds.admissions, plain, strict=True):
            choices = choices_for(needs, one)
            if choices[:1] == ((),):
                mine.add(one.key)
            for chosen in choices:
                variant = one.choosing(chosen) if chosen else one
                found.setdefault(variant.key, variant)
    return tuple(found[key] for key in sorted(found)), plain
