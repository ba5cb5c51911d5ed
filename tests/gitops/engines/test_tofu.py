"""tofu-controller's plans: compared before they are approved, and approved by their whole id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from gitops.engines.base import EngineChange, EnginePlan, EngineResource
from gitops.engines.delegate_status import plan_id
from gitops.engines.pool_values import values_of
from gitops.engines.tofu import differences
from gitops.errors import Refused
from gitops.git.base import BranchName
from planner.pools import ProviderState
from renderer.layout import pools_folder
from tests.contracts.engines import OWNER, DelegateBench, tofu_bench
from tests.gitops.enginevalues import engine_plan
from tests.gitops.plans import plan_of, pool
from tests.gitops.standin import TofuStandIn

LIVE, APPROVALS = BranchName("poolplan/paris/live"), BranchName("poolplan/paris/approvals")
BEFORE, AFTER = (pool("grows", 1), pool("goes", 0)), (pool("grows", 2), pool("new", 1))
OURS = frozenset({"grows", "goes", "new"})


@pytest.fixture
def bench() -> Iterator[DelegateBench]:
    with ExitStack() as stack:
        yield tofu_bench(stack)


def tofu(bench: DelegateBench) -> TofuStandIn:
    assert isinstance(bench.standin, TofuStandIn)
    return bench.standin


def go(bench: DelegateBench, *pools: Any) -> None:
    engine = bench.engine(OURS)
    engine.apply(engine.plan(bench.goal(*pools)), lambda _progress: None)


def test_only_the_whole_id_of_the_plan_that_was_read_is_ever_approved(bench: DelegateBench) -> None:
    go(bench, *BEFORE)
    first = bench.repository.head(LIVE)
    go(bench, *AFTER)
    second = bench.repository.head(LIVE)

    assert first is not None
    assert second is not None
    assert tofu(bench).approvals == [plan_id(LIVE, first), plan_id(LIVE, second)]


def test_its_branch_holds_terraform_files_and_the_other_one_the_object(bench: DelegateBench) -> None:
    go(bench, pool("grows", 1))

    live, approvals = bench.repository.head(LIVE), bench.repository.head(APPROVALS)
    assert live is not None
    assert approvals is not None
    folder = bench.repository.read(live, pools_folder("paris"))
    assert [str(path) for path, _ in folder if path.name.startswith("pool-")] == ["terraform/pool-grows.tf"]
    assert {path.parts[0] for path, _ in folder} == {"terraform"}


def twisted(change: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**change, "change": {**change["change"], "after": {**change["change"]["after"], **fields}}}


@pytest.mark.parametrize(("twist", "reason"), [
    (lambda plan: {**plan, "resource_changes": []}, "grows: it would do nothing"),
    (lambda plan: {**plan, "resource_changes": [twisted(plan["resource_changes"][0], desired_nodes=9)]},
     "grows: after it, desired is another"),
    (lambda plan: {**plan, "resource_changes": [twisted(plan["resource_changes"][0], kube_id="other")]},
     "grows: it is of another kube_id"),
    (lambda plan: {**plan, "complete": False}, "it puts part of the work off"),
    (lambda plan: {**plan, "resource_changes": [*plan["resource_changes"], {
        "address": "null_resource.x", "type": "null_resource", "name": "x",
        "change": {"actions": ["create"], "before": None, "after": {}},
    }]}, "null_resource.x: it would create it"),
])  # fmt: skip
def test_a_plan_that_does_something_else_is_not_approved(bench: DelegateBench, twist: Any, reason: str) -> None:
    tofu(bench).twist = twist

    with pytest.raises(Refused, match=r"would not do exactly what was approved; plan-.* was not approved") as no:
        go(bench, pool("grows", 1))

    assert no.value.reasons == (reason,)
    assert tofu(bench).approvals == []
    assert [one.name for one in tofu(bench).client.pools()] == ["by-hand"]


def test_a_plan_that_was_made_anew_meanwhile_is_not_the_one_that_was_named(bench: DelegateBench) -> None:
    engine = bench.engine(OURS)
    found = engine.plan(bench.goal(pool("grows", 1)))
    standin = tofu(bench)
    read = standin.read_secret
    standin.read_secret = lambda namespace, name: _renamed(read(namespace, name))  # type: ignore[method-assign]

    with pytest.raises(Refused, match="holds another plan than"):
        engine.apply(found, lambda _progress: None)
    assert standin.approvals == []


def _renamed(answer: Any) -> Any:
    return replace(answer, body=answer.body.replace(b'"savedPlan": "', b'"savedPlan": "x'))


def test_a_faithful_plan_has_no_difference_and_each_field_of_another_one_is_told() -> None:
    ours = engine_plan(plan_of(BEFORE, AFTER), OWNER)
    assert differences(ours, ours) == ()

    (grows,) = [one for one in ours.changes if one.pool_name == "grows"]
    other = replace(grows, before={**values_of(BEFORE[0], OWNER), "id": "other"})
    theirs = _with(ours, other)
    assert differences(ours, theirs) == ("grows: it is another pool of that name",)
    assert differences(ours, _with(ours, replace(grows, actions=("delete", "create")))) == (
        "grows: it would delete and create it, not update",
    )
    assert differences(ours, _with(ours, replace(grows, import_id="a/b/c"))) != ()
    assert differences(ours, _with(ours, replace(grows, replace_paths=("flavor_name",)))) != ()


def taken(one: EngineResource, **fields: Any) -> EngineChange:
    """What a controller says of a pool that it takes in."""
    return replace(EngineChange(
        address=one.address, resource_type=one.resource_type, pool_name=one.pool_name, actions=("no-op",),
        before=one.values, after=one.values, import_id=f"{OWNER.service_name}/{OWNER.kube_id}/{one.values['id']}",
    ), **fields)  # fmt: skip


def test_taking_in_what_is_there_and_forgetting_what_is_let_go_of_is_no_difference() -> None:
    state = ProviderState(id="id-1")
    ours = engine_plan(plan_of((pool("there", 1, state=state),), (pool("there", 1, state=state),)), OWNER)
    (there,) = ours.settled
    gone = taken(there, pool_name="gone", actions=("forget",), after=None, import_id="")

    assert differences(ours, replace(ours, changes=(taken(there), gone))) == ()
    for wrong in (
        taken(there, import_id="a/b/c"), taken(there, after={**there.values, "desired_nodes": 2}),
        taken(there, actions=("update",)), taken(there, previous_address="x"), taken(there, actions=("forget",)),
        taken(there, pool_name="gone"), replace(gone, actions=("delete",)),
    ):  # fmt: skip
        assert differences(ours, replace(ours, changes=(wrong,))) != ()


def _with(plan: EnginePlan, change: Any) -> EnginePlan:
    return replace(plan, changes=tuple(change if one.pool_name == change.pool_name else one for one in plan.changes))
