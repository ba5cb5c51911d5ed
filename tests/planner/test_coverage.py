"""What a NodePool names in vain."""

from __future__ import annotations

import pytest

from planner import labels as known
from planner.catalog import Catalog, Flavor, Region
from planner.coverage import find_gaps
from planner.policy import NodePool, Policy
from planner.requirements import Requirement

REGION = Region("PAR", ("par-a", "par-b"))
CATALOG = Catalog(
    currency="EUR", source="", regions=(REGION,),
    flavors=(
        Flavor(name="b3-16", vcpus=4, ram_gb=16, disk_gb=100, hourly=2, unavailable=("PAR",)),
        Flavor(name="b3-8", vcpus=2, ram_gb=8, disk_gb=50, hourly=1),
    ),
)  # fmt: skip
Written = tuple[str, str, list[str]]


def flavors(*names: str) -> Written:
    return (known.INSTANCE_TYPE, "In", list(names))


@pytest.mark.parametrize(("requirements", "said"), [
    ([], []),
    ([flavors("b3-8")], []),
    ([(known.INSTANCE_TYPE, "NotIn", ["b9-8"])], []),
    ([flavors("b3-8", "b9-8", "a1-2")], ["lists a1-2, b9-8, which the catalog does not know"]),
    ([flavors("b3-8", "b3-16")], ["lists b3-16, which PAR does not sell"]),
    ([flavors("b3-16")], [
        "lists b3-16, which PAR does not sell", "nothing can be ordered under it: PAR sells none of its flavors",
    ]),
    ([flavors("b9-8")], [
        "lists b9-8, which the catalog does not know",
        f"! nothing can be ordered under it: no flavor of the catalog has {known.INSTANCE_TYPE} In [b9-8]",
    ]),
    ([(known.ZONE, "In", ["par-a", "par-z"])], ["lists the zone par-z; PAR has par-a, par-b"]),
    ([(known.ZONE, "In", ["par-z"])], [
        "lists the zone par-z; PAR has par-a, par-b",
        "! nothing can be ordered under it: PAR has the zones par-a, par-b, and none of them is allowed",
    ]),
    ([(known.ARCH, "In", ["arm64"])], [
        f"! nothing can be ordered under it: no flavor of the catalog has {known.ARCH} In [arm64]",
    ]),
    ([flavors("b3-8"), (known.INSTANCE_CPU, "Gt", ["2"])], [
        "! nothing can be ordered under it: no flavor of the catalog meets all of its requirements in PAR",
    ]),
    ([("team", "In", ["web"])], []),
])  # fmt: skip
def test_a_gap_is_a_clause(requirements: list[Written], said: list[str]) -> None:
    made = tuple(Requirement.parse(key, operator, values) for key, operator, values in requirements)
    one, two = NodePool(name="one", node_class="x", requirements=made), NodePool(name="two", node_class="x")
    gaps = find_gaps(Policy((one, two)), CATALOG, REGION)
    assert [("! " if gap.total else "") + gap.text for gap in gaps] == said
    assert {gap.node_pool for gap in gaps} <= {"one"}
