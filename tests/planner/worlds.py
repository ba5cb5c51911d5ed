"""Small clusters made of values: nodes, pods that run and pods that wait, on the board that the solver fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner import labels as known
from planner.bins import node_bins
from planner.demand import PodGroup
from planner.kinds import make_kinds
from planner.nodes import Node
from planner.pods import AffinityTerm, Needs, Owner, Phase, Pod, Spread
from planner.requirements import Requirements
from planner.resources import PODS, Resources
from planner.snapshot import Snapshot
from planner.standing import set_domains, stand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planner.board import Board
    from planner.kinds import Kind

WEB = Requirements.from_labels({"app": "web"})


def here(name: str, zone: str = "", cpu: int = 10**6, **fields: Any) -> Node:
    """A node; ``labels`` are more of them."""
    labels = {known.HOSTNAME: name, **({known.ZONE: zone} if zone else {}), **fields.pop("labels", {})}
    amounts = Resources.of({"cpu": cpu, "memory": 2**40, PODS: 10_000})
    return Node(name=name, labels=tuple(sorted(labels.items())), allocatable=amounts, **fields)


def group(app: str, count: int = 1, cpu: int = 0, labels: Mapping[str, str] | None = None, **needs: Any) -> PodGroup:
    """Pods that wait. They are labelled ``app`` unless other labels are given, and spread by these by default."""
    mine = {"app": app} if labels is None else labels
    spread_by = Requirements.from_labels(mine) if mine and not needs.get("spreads") else None
    return PodGroup(
        namespace="default", owner=Owner("ReplicaSet", "default", app), labels=tuple(sorted(mine.items())),
        needs=Needs(requests=Resources.of({"cpu": cpu}), **needs),
        pods=tuple(f"default/{app}-{number:03d}" for number in range(count)), spread_by=spread_by,
    )  # fmt: skip


def running(app: str, on: str, number: int = 0, **fields: Any) -> Pod:
    """A pod that runs on a node."""
    fields = {"phase": Phase.RUNNING, "labels": (("app", app),), **fields}
    return Pod(namespace="default", name=f"{app}-on-{on}-{number}", node_name=on, **fields)


def spread(key: str = known.ZONE, **fields: Any) -> dict[str, Any]:
    """A spread over pods labelled app=web, as a field of needs."""
    return {"spreads": (Spread(**{"topology_key": key, "selector": WEB, **fields}),)}


def apart(key: str = known.HOSTNAME, app: str = "web") -> dict[str, Any]:
    return {"anti_affinity": (AffinityTerm(topology_key=key, selector=Requirements.from_labels({"app": app})),)}


def beside(key: str = known.ZONE, app: str = "web") -> dict[str, Any]:
    return {"affinity": (AffinityTerm(topology_key=key, selector=Requirements.from_labels({"app": app})),)}


@dataclass(frozen=True)
class World:
    """A board with its snapshot."""

    board: Board
    snapshot: Snapshot

    @classmethod
    def of(
        cls, groups: Sequence[PodGroup], nodes: Sequence[Node], pods: Sequence[Pod] = (), *,
        possible: Mapping[str, Sequence[str]] | None = None,
    ) -> World:  # fmt: skip
        """``possible`` are values of a label that new nodes could have. Cordoned nodes are not on the board."""
        snapshot = Snapshot(nodes=tuple(nodes), pods=tuple(pods))
        kinds = make_kinds(groups, pods, ())
        bins = node_bins([one for one in nodes if not one.unschedulable], pods, (), passing=frozenset())
        board = stand(kinds, bins, snapshot)
        values = possible or {}
        set_domains(board, snapshot, {term: values.get(one.key, ()) for term, one in enumerate(kinds.terms)}, ())
        return cls(board, snapshot)

    def kind(self, app: str) -> Kind:
        return next(one for one in self.board.kinds.kinds if f"default/{app}-000" in one.pods())

    def put(self, app: str, on: str, count: int = 1) -> None:
        self.board.bind(self.kind(app), self.board.names.index(on), count)

    def rooms(self, app: str) -> list[int]:
        """How many more pods each node takes, in order of the nodes' names."""
        found: list[int] = self.board.rooms(self.kind(app)).tolist()
        return found
