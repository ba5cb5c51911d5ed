"""The known word that a misspelt one was probably meant to be, by edit distance."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 128  # longer words are not compared: label keys and values that people write are shorter


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The nearest of the known words; None where none is near enough to be meant, or two are equally near.

    Near enough is one edit in four characters, at least one and at most three.
    """
    return _nearest(word, frozenset(known))


@lru_cache(maxsize=4096)
def _nearest(word: str, known: frozenset[str]) -> str | None:
    allowed = max(1, min(3, len(word) // 4))
    others = (one for one in known - {word} if abs(len(one) - len(word)) <= allowed and len(one) <= LONGEST)
    apart = ((distance(word.lower(), one.lower()), one) for one in others)
    best = sorted(one for one in apart if one[0] <= allowed)[:2]
    alone = len(best) == 1 or (len(best) == 2 and best[0][0] < best[1][0])
    return best[0][1] if alone else None


def distance(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that make one word of the other."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, mine in enumerate(left, start=1):
        before, last, row = row, before, [i]
        for j, other in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != other))
            if last and i > 1 and j > 1 and mine == right[j - 2] and left[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
