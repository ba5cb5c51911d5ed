"""What is left of a quota, by the planner's names and units."""

from __future__ import annotations

import pytest

from gitops.ovh.answers import InstanceQuota, Quota
from planner.resources import MOST


@pytest.mark.parametrize(("cores", "memory", "instances", "left"), [
    ((10, 4), (20_000, 8_000), (5, 2), {"cpu": 6000, "memory": 12 * 10**9, "nodes": 3}),
    ((10, 12), (20_000, 20_000), (5, 5), {"cpu": 0, "memory": 0, "nodes": 0}),
    ((-1, 12), (-1, 20_000), (-1, 5), {"cpu": MOST, "memory": MOST, "nodes": MOST}),
])  # fmt: skip
def test_what_is_left(
    cores: tuple[int, int], memory: tuple[int, int], instances: tuple[int, int], left: dict[str, int]
) -> None:
    one = InstanceQuota(
        max_cores=cores[0], used_cores=cores[1], max_ram_mb=memory[0], used_ram_mb=memory[1],
        max_instances=instances[0], used_instances=instances[1],
    )  # fmt: skip
    assert Quota(region="GRA11", instance=one).left == left


def test_an_api_that_does_not_tell_leaves_it_open() -> None:
    assert Quota(region="GRA11").left is None
