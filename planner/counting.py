"""Which topology terms count a pod: an index, so that 100,000 running pods need not be held against every term.

A term selects pods of some namespaces by labels. Nearly every selector asks for at least one label with one exact
value; such terms are found by the one that fewest terms ask for, and only what is left is looked through one by one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.topology import Term

    _Labels = tuple[tuple[str, str], ...]


@dataclass
class TermIndex:
    """Terms by position, and the positions that count a pod. Answers are kept, as many pods are alike."""

    terms: tuple[Term, ...]
    _by_label: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    _by_space: dict[str, list[int]] = field(default_factory=dict)
    _known: dict[tuple[str, _Labels], tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, terms: Iterable[Term]) -> TermIndex:
        found = cls(tuple(dict.fromkeys(terms)))
        exact = [_exact(term) for term in found.terms]
        often = Counter(label for labels in exact for label in labels)
        for position, (term, labels) in enumerate(zip(found.terms, exact, strict=True)):
            if term.selector is not None:
                found._add(position, term, min(labels, key=often.__getitem__, default=None))
        return found

    def matching(self, namespace: str, labels: _Labels) -> tuple[int, ...]:
        """The positions of the terms that count a pod of this namespace with these (sorted) labels, in order."""
        key = (namespace, labels)
        seen = self._known.get(key)
        if seen is None:
            seen = self._known[key] = self._look(namespace, labels)
        return seen

    def _add(self, position: int, term: Term, label: tuple[str, str] | None) -> None:
        for namespace in term.namespaces:
            if label is None:
                self._by_space.setdefault(namespace, []).append(position)
            else:
                self._by_label.setdefault((namespace, *label), []).append(position)

    def _look(self, namespace: str, labels: _Labels) -> tuple[int, ...]:
        possible = list(self._by_space.get(namespace, ()))
        for key, value in labels:
            possible += self._by_label.get((namespace, key, value), ())
        if not possible:
            return ()
        have = dict(labels)
        return tuple(one for one in sorted(set(possible)) if self.terms[one].matches(namespace, have))


def _exact(term: Term) -> _Labels:
    """The labels of which a term asks for one exact value."""
    return tuple(
        (one.key, next(iter(one.values))) for one in (term.selector.items if term.selector else ())
        if len(one.values) == 1 and not one.complement and not one.absent
    )  # fmt: skip
