"""Over which nodes spreads over host names take their least count, as kube-scheduler's PodTopologySpread does.

Every node counts that a spread looks at, whether or not it takes pods now: one that is cordoned and has none of the
pods keeps all others from having more than maxSkew of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner import labels as known
from planner.standing import state_taints
from planner.topology import Term

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.board import Board, Flags
    from planner.pods import Needs, Spread
    from planner.snapshot import Snapshot


def hosts_of(board: Board, snapshot: Snapshot) -> dict[int, tuple[Flags, ...]]:
    """By term of a spread over host names: the nodes of the board that it looks at, by kind; different ones only.

    None where it also looks at a node of the cluster that is not on the board: that counts as one without any of the
    pods.
    """
    found: dict[int, dict[bytes, Flags]] = {}
    absent: list[int] | None = None
    for kind in board.kinds.kinds:
        required = [one for one in kind.needs.spreads if one.required]
        for rule, one in zip(kind.spreads, required, strict=True):
            if board.counts.by_host[rule.term]:
                absent = _absent(board, snapshot) if absent is None else absent
                looked = looked_at(board, kind.needs, one, [each.topology_key for each in required])
                flags = looked[board.shape] & ~looked[absent].any()
                found.setdefault(rule.term, {})[flags.tobytes()] = flags
    return {term: tuple(flags.values()) for term, flags in found.items()}


def _absent(board: Board, snapshot: Snapshot) -> list[int]:
    """The shapes of nodes that are not on the board."""
    names = frozenset(board.names)
    gone = (node for node in snapshot.nodes if node.name not in names)
    return sorted({board.shapes.number(node.label_map, state_taints(node)) for node in gone})


def looked_at(board: Board, needs: Needs, one: Spread, keys: Iterable[str]) -> Flags:
    """The shapes of nodes on which a spread counts pods: ``matchNodeInclusionPolicies``, and the labels of all
    constraints that are looked at together."""
    looker = Term("", (), None, needs.looked_at if one.honor_affinity else (),
                  needs.tolerations if one.honor_taints else None)  # fmt: skip
    asked = [key for key in keys if key != known.HOSTNAME]
    table = [
        looker.looks_at(shape.labels, shape.taints) and all(key in shape.labels for key in asked)
        for shape in board.shapes.all
    ]
    return np.array(table, np.bool_)
