"""What is kept between plans is used for what is equal only."""

from __future__ import annotations

from planner.decide import decide
from planner.memory import Memory
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod


def test_what_was_made_of_the_same_is_not_made_again() -> None:
    memory, made = Memory(), []

    def make() -> int:
        made.append(1)
        return len(made)

    pods = ("a", "b")
    assert [memory.recall("bins", (pods, 1), make) for _ in range(3)] == [1, 1, 1]
    assert memory.recall("other", (pods, 1), make) == 2
    assert memory.recall("bins", ((*pods, "c"), 1), make) == 3
    assert memory.recall("bins", (pods, 1), make) == 4


def test_plans_of_one_memory_are_plans_without_one() -> None:
    """Pods come, are placed, and go; a node joins; the policy changes: each plan is as if it were the first."""
    policy = [node_class(), node_pool()]
    waiting = [pod(f"p{number}", cpu="1") for number in range(4)]
    running = [pod("r", cpu="1", on="n1"), pod("s", cpu="1", on="n2")]
    nodes = [node("n1", pool="karpenter-a"), node("n2", pool="karpenter-a")]
    steps = (
        [*policy, *nodes, *running],
        [*policy, *nodes, *running, *waiting],
        [*policy, *nodes, *running, *waiting[1:]],
        [*policy, *nodes, running[0], *waiting[1:]],
        [*policy, *nodes, node("n3", pool="karpenter-a"), running[0], *waiting[1:]],
        [node_class(), node_pool(flavors=("b3-16",)), *nodes, running[0], *waiting[1:]],
        [*policy, *nodes, *running, *waiting],
    )
    memory = Memory()
    for objects in steps:
        inputs = inputs_of(objects)
        assert decide(inputs, now=NOW, memory=memory) == decide(inputs, now=NOW)
