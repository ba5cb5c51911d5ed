"""The plan as an RFC 6902 patch: it leads from the declared pools to the desired ones, and applies to nothing else."""

from __future__ import annotations

import jsonpatch
import pytest
from hypothesis import given

from planner.plan import Plan
from planner.pools import PoolSet
from renderer.patch import apply_patch, plan_patch, pools_document
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, plans


@few_examples
@given(plans())
def test_the_patch_leads_from_declared_to_desired(plan: Plan) -> None:
    declared = pools_document(plan.declared)

    assert apply_patch(declared, plan_patch(plan)) == pools_document(plan.desired)
    assert declared == pools_document(plan.declared)


def test_the_patch_does_not_apply_to_pools_that_have_moved_on() -> None:
    plan = load_case("mixed")
    moved = PoolSet.of(pool.resized(pool.desired + 1) for pool in plan.declared)

    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        apply_patch(pools_document(moved), plan_patch(plan))


def test_no_change_is_an_empty_patch() -> None:
    assert plan_patch(load_case("nothing-to-do")) == []
