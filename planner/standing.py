"""The cluster as it stands before anything is placed: its nodes on a board, with the pods that run on them counted.

The least count of a spread is taken over the domains of all nodes that the pod may run on, as kube-scheduler takes it.
New nodes bring domains of their own: those of which it is known by now that they will be ordered are counted too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.board import Board, resources_of
from planner.taints import Taint
from planner.topology import terms_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.bins import Bin
    from planner.kinds import Kinds
    from planner.nodes import Node
    from planner.pods import Pod
    from planner.snapshot import Namespace, Snapshot
    from planner.topology import Term

    _Look = tuple[str, tuple[tuple[str, str], ...], bool]


@dataclass(frozen=True)
class Crowd:
    """The pods that run, as topology looks at them. ``alike`` counts them by (namespace, labels, whether they are
    leaving) and node; ``wary`` are those that keep others off by anti-affinity or host ports."""

    alike: Mapping[_Look, Mapping[str, int]]
    wary: tuple[Pod, ...]

    @classmethod
    def of(cls, pods: Iterable[Pod]) -> Crowd:
        """Of all pods of a snapshot: those that are bound and not finished."""
        alike: dict[_Look, dict[str, int]] = {}
        wary = []
        for pod in pods:
            if not pod.node_name or pod.phase.finished:
                continue
            nodes = alike.setdefault((pod.namespace, pod.labels, pod.deleting), {})
            nodes[pod.node_name] = nodes.get(pod.node_name, 0) + 1
            if pod.needs.anti_affinity or pod.needs.host_ports:
                wary.append(pod)
        return cls(alike, tuple(wary))


def stand(kinds: Kinds, bins: Sequence[Bin], snapshot: Snapshot, crowd: Crowd | None = None) -> Board:
    """The board with existing nodes (``bins``, in order of preference) and the pods counted that run on them."""
    board = Board(kinds, resources_of(kinds))
    board.add(bins)
    if kinds.terms:
        _count_running(board, snapshot, crowd or Crowd.of(snapshot.pods))
    return board


def _count_running(board: Board, snapshot: Snapshot, crowd: Crowd) -> None:
    """Pods on nodes that take no more pods count too: their zones are as full as they are."""
    place = {name: number for number, name in enumerate(board.names)}
    elsewhere = {node.name: node for node in snapshot.nodes if node.name not in place}
    counted: Counter[tuple[str, int]] = Counter()
    held: Counter[tuple[str, int]] = Counter()
    index, number = board.kinds.index, {term: one for one, term in enumerate(board.kinds.terms)}
    for (namespace, labels, leaving), nodes in crowd.alike.items():
        for term in index.matching(namespace, labels):
            if not leaving or board.kinds.terms[term].leaving:
                for node, count in nodes.items():
                    counted[node, term] += count
    for pod in crowd.wary:
        for term in _holding(pod, snapshot.namespaces, number):
            held[pod.node_name, term] += 1
    for name, term, count, holds in _both(counted, held):
        if name in place:
            _count_on(board, place[name], term, count, holds=holds)
        elif name in elsewhere:
            _count_beside(board, elsewhere[name], term, count, holds=holds)


def _holding(pod: Pod, namespaces: Sequence[Namespace], number: Mapping[Term, int]) -> list[int]:
    """The terms by which a running pod keeps others off: its anti-affinity and its host ports."""
    own = terms_of(pod.needs, pod.namespace, dict(pod.labels), namespaces).anti
    return [number[term] for term in own if term in number]


def _both(
    counted: Counter[tuple[str, int]], held: Counter[tuple[str, int]]
) -> Iterable[tuple[str, int, int, bool]]:
    yield from ((name, term, count, False) for (name, term), count in counted.items())
    yield from ((name, term, count, True) for (name, term), count in held.items())


def _count_on(board: Board, node: int, term: int, count: int, *, holds: bool) -> None:
    shape, counts = int(board.shape[node]), board.counts
    domain = node if counts.by_host[term] else int(board.shapes.domains[term, shape])
    if domain >= 0 and (holds or board.shapes.counted[term, shape]):
        _add(board, term, domain, count, holds=holds)


def _count_beside(board: Board, node: Node, term: int, count: int, *, holds: bool) -> None:
    """On a node that is not on the board. By host it bears on nobody, but who is sought there is not the first."""
    if board.counts.by_host[term]:
        if not holds:
            board.counts.totals[term] += count
        return
    value = node.label_map.get(board.kinds.terms[term].key)
    if value is not None and (holds or board.kinds.terms[term].looks_at(node.label_map, state_taints(node))):
        _add(board, term, board.domain(term, value), count, holds=holds)


def _add(board: Board, term: int, domain: int, count: int, *, holds: bool) -> None:
    counts = board.counts
    if holds:
        counts.held[term][domain] += count
        counts.holding[term] += count
    else:
        counts.counts[term][domain] += count
        counts.totals[term] += count


def state_taints(node: Node) -> tuple[Taint, ...]:
    """The taints of a node, those included that its state brings."""
    state = (("unschedulable", node.unschedulable), ("not-ready", not node.ready))
    return (*node.taints, *(Taint(f"node.kubernetes.io/{name}") for name, holds in state if holds))


def set_domains(board: Board, snapshot: Snapshot, possible: Mapping[int, Iterable[str]], coming: Iterable[int]) -> None:
    """Set the domains over which each spread takes its least count.

    Those of nodes that are there, of ``coming`` ones (shapes), and ``possible`` ones: where pods of the kinds with
    the rule could be, by term. A node that takes no pods now is among them, unless taints are to be honoured.
    """
    by_host, shapes = board.counts.by_host, board.shapes
    ruled = sorted({rule.term for kind in board.kinds.kinds for rule in kind.spreads if not by_host[rule.term]})
    if not ruled:
        return
    if shapes.around is None:
        shapes.around = frozenset(shapes.number(node.label_map, state_taints(node)) for node in snapshot.nodes)
    there = shapes.around | {*np.unique(board.shape).tolist(), *coming}
    for term in ruled:
        found = {int(board.shapes.domains[term, shape]) for shape in sorted(there) if board.shapes.counted[term, shape]}
        found |= {board.domain(term, value) for value in possible.get(term, ())}
        domains = np.array(sorted(found - {-1}), np.int64)
        if len(domains):
            board.counts.reserve(term, int(domains.max()) + 1)
        board.counts.domains[term] = domains
