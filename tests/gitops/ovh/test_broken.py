"""Which nodes of a pool will never be any, and that nobody is asked where all is well."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gitops.ovh.answers import ProviderNode
from gitops.ovh.broken import NEVER_JOINED, with_broken
from planner.nodes import Node
from planner.pools import PoolSet, ProviderState
from tests.gitops.plans import pool

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Client:
    """Gives nodes, and counts how often it was asked."""

    def __init__(self, *nodes: ProviderNode) -> None:
        self.given, self.asked = nodes, 0

    def nodes(self, _: str) -> tuple[ProviderNode, ...]:
        self.asked += 1
        return self.given


def machine(name: str, status: str = "READY", *, created: str = "2026-03-01T09:00:00Z", deployed: str | None = None) -> ProviderNode:
    return ProviderNode(id=name, name=name, status=status, created_at=created, deployed_at=deployed)


def node(name: str) -> Node:
    return Node(name=name, labels=(("nodepool", "karpenter-b3-8-a"),))


@pytest.mark.parametrize(("available", "machines", "there", "broken"), [
    (2, (machine("n1", deployed="2026-03-01T09:05:00Z"), machine("n2", deployed="2026-03-01T09:05:00Z")), ("n1", "n2"), ()),
    (1, (machine("n1"), machine("n2", "FLAVOR_OUT_OF_STOCK_ERROR")), ("n1",), (("n2", "FLAVOR_OUT_OF_STOCK_ERROR"),)),
    (1, (machine("n1"), machine("n2", "ERROR")), ("n1", "n2"), ()),
    (1, (machine("n1"), machine("n2", "DELETING")), ("n1",), ()),
    (1, (machine("n1"), machine("n2", "INSTALLING", created="2026-03-01T10:30:01Z")), ("n1",), ()),
    (1, (machine("n1"), machine("n2", "INSTALLING", created="2026-03-01T10:30:00Z")), ("n1",),
     (("n2", "INSTALLING for more than 90 minutes"),)),
    (2, (machine("n1"), machine("n2", deployed="2026-03-01T11:30:00Z")), ("n1",), (("n2", NEVER_JOINED),)),
    (2, (machine("n1"), machine("n2", deployed="2026-03-01T11:30:01Z")), ("n1",), ()),
    (2, (machine("n1"), machine("n2", deployed="nonsense")), ("n1",), ()),
    (2, (machine("n1", deployed="2026-03-01T09:00:00Z"),), (), ()),
    (1, (machine("n2", "USER_QUOTA_ERROR"), machine("n1")), None, (("n2", "USER_QUOTA_ERROR"),)),
    (2, (machine("n2", deployed="2026-03-01T09:00:00Z"),), None, ()),
], ids=range(12))  # fmt: skip
def test_broken_nodes(available: int, machines: tuple[ProviderNode, ...], there: Any, broken: Any) -> None:
    observed = PoolSet.of([pool(desired=2, state=ProviderState(id="1", current_nodes=2, available_nodes=available))])
    nodes = None if there is None else tuple(node(name) for name in there)
    client: Any = Client(*machines)
    (found,) = with_broken(observed, client, nodes, NOW)
    assert found.state is not None
    assert found.state.broken == broken
    well = available == 2 and (not there or len(there) == 2)
    assert client.asked == (0 if well else 1)
