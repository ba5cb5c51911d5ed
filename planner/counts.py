"""How many pods each topology domain holds, in columns of numbers by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.kinds import Rule
    from planner.topology import Term

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass
class Counts:
    """Pods by term and domain, and those that keep others off by it. By host for terms of host names.

    ``domains`` lists, per term, the domains over which the least count of a spread is taken.
    """

    by_host: tuple[bool, ...]
    counts: list[Ints]
    held: list[Ints]
    totals: list[int]
    holding: list[int]
    domains: list[Ints]

    @classmethod
    def empty(cls, terms: Sequence[Term], size: int) -> Counts:
        hosts = tuple(term.key == known.HOSTNAME for term in terms)
        sizes = [size if one else 4 for one in hosts]
        return cls(
            hosts, [np.zeros(one, np.int64) for one in sizes], [np.zeros(one, np.int64) for one in sizes],
            [0] * len(hosts), [0] * len(hosts), [np.zeros(0, np.int64) for _ in hosts],
        )  # fmt: skip

    def copy(self) -> Counts:
        return Counts(
            self.by_host, [one.copy() for one in self.counts], [one.copy() for one in self.held], list(self.totals),
            list(self.holding), list(self.domains),
        )  # fmt: skip

    def reserve(self, term: int, size: int) -> None:
        """Make room for so many domains (or hosts)."""
        for arrays in (self.counts, self.held):
            if len(arrays[term]) < size:
                arrays[term] = np.concatenate((arrays[term], np.zeros(max(size, 16) * 2 - len(arrays[term]), np.int64)))

    def lowest(self, rule: Rule) -> int:
        """The least count of a spread: zero while there are fewer domains than ``minDomains``, or where none are set.

        By host none are, unless somebody sets the nodes over which it is to be taken.
        """
        domains = self.domains[rule.term]
        if not len(domains) or len(domains) < rule.min_domains:
            return 0
        here: list[int] = self.counts[rule.term][domains].tolist()
        return min(here)  # of a handful it is quicker so
