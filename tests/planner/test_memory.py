"""What is kept between plans is used for what is equal only."""

from __future__ import annotations

from planner.memory import Memory


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
