"""Every way in which an engine may do something else than was approved, and the law that nothing else passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.agreement import RESOURCE, disagreements, pool_of
from gitops.engines.base import EngineChange, EnginePlan
from planner.between import NOTHING, Given
from planner.catalog import Catalog
from planner.diff import changed_fields
from planner.handover import import_plan, release_plan
from planner.plan import Plan
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.taints import EFFECTS, Taint
from tests.gitops.enginevalues import OWNER, engine_plan, resource, values
from tests.gitops.plans import plan_of, pool

FILE = Path(__file__).parents[1] / "data" / "commands" / "agreement.yaml"
CASES: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text("utf-8"))


GIVEN = Given(
    catalog=Catalog(currency="EUR", source="", regions=(), flavors=()), policy=NOTHING, now="2026-03-01T12:00:00Z"
)  # fmt: skip


def known(name: str, desired: int = 1, **fields: Any) -> Pool:
    return pool(name, desired, state=ProviderState(id=f"id-{name}"), **fields)


def approved(kind: str) -> Plan:
    one, other = known("a"), known("c")
    if kind == "none":
        return plan_of((one,), (one,))
    if kind == "replace":
        return plan_of((one,), (pool("a", 1, flavor="b3-16"),))
    if kind == "import":
        return import_plan(PoolSet(), [one], GIVEN)
    if kind == "release":
        return release_plan(PoolSet.of([one]), [one], GIVEN)
    made = pool("b", 1, labels=(("team", "web"),), taints=(Taint("gpu"),))
    return plan_of((one, other), (one.resized(2), made))


def edited(found: EnginePlan, edit: dict[str, Any], plan: Plan) -> EnginePlan:
    """The engine's plan with one edit of a case made."""
    if "complete" in edit:
        return replace(found, complete=edit["complete"])
    if "other" in edit:
        return replace(found, other_changes=(engine_change(edit["other"]),))
    if "add" in edit:
        return replace(found, changes=(*found.changes, added(edit["add"], found)))
    if "drop" in edit:
        return replace(found, changes=tuple(one for one in found.changes if one.pool_name != edit["drop"]))
    if "gone" in edit or "there" in edit:
        name = edit.get("gone") or edit["there"]
        kept = tuple(one for one in found.settled if one.pool_name != name)
        if "gone" in edit:
            return replace(found, settled=kept)
        there = resource(plan.declared.get(name) or plan.desired.get(name))  # type: ignore[arg-type]
        return replace(found, settled=(*kept, replace(there, values={**there.values, **edit["set"]})))
    changes = [changed(one, edit) if one.pool_name == edit["pool"] else one for one in found.changes]
    assert changes != list(found.changes) or edit.get("set") == {}, "an edit must change something"
    return replace(found, changes=tuple(changes))


def engine_change(fields: dict[str, Any]) -> EngineChange:
    return EngineChange(**{"before": None, "after": None, **fields, "actions": tuple(fields["actions"])})


def added(fields: dict[str, Any], found: EnginePlan) -> EngineChange:
    name = fields["pool_name"]
    if "same" in fields:
        same = next(one for one in found.changes if one.pool_name == fields["same"])
        return replace(same, address=fields["address"])
    usual = values(known(name))
    sides = {side: {**usual, **fields[side]} for side in ("before", "after") if side in fields}
    if fields["actions"] == ["create"]:
        sides["after"] = usual
    return engine_change({"address": f"{RESOURCE}.{name}", "resource_type": RESOURCE, **fields, **sides})


def changed(one: EngineChange, edit: dict[str, Any]) -> EngineChange:
    if "fields" in edit:
        fields = {key: tuple(value) if isinstance(value, list) else value for key, value in edit["fields"].items()}
        return replace(one, **fields)
    side = edit["side"]
    return replace(one, **{side: {**getattr(one, side), **edit["set"]}})


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_differs_is_said_in_whole_sentences(name: str) -> None:
    case = CASES[name]
    plan = approved(case.get("plan", "usual"))
    found = engine_plan(plan)
    for edit in case["edit"]:
        found = edited(found, edit, plan)
    assert [str(one) for one in disagreements(plan, found, owner=OWNER)] == case["says"]


def test_a_resource_read_back_is_the_pool_it_was_made_from() -> None:
    one = known("a", 3, labels=(("a", "b"),), taints=(Taint("x", "y", "NoExecute"),), finalizers=("f",))
    assert changed_fields(one, pool_of(values(one))) == ()


# --- laws

words = st.sampled_from(["a", "b", "gpu"])
quick = settings(max_examples=40)
pairs = st.dictionaries(words, words, max_size=2).map(lambda found: tuple(sorted(found.items())))
pools = st.builds(
    Pool, name=st.sampled_from("abcd").map(PoolName), flavor=st.sampled_from(["b3-8", "b3-16"]),
    zones=st.sampled_from([(), ("eu-west-par-a",), ("eu-west-par-b",)]), desired=st.integers(0, 5),
    minimum=st.integers(0, 1), maximum=st.integers(5, 100), monthly_billed=st.booleans(), anti_affinity=st.booleans(),
    autoscale=st.booleans(), labels=pairs, annotations=pairs, unschedulable=st.booleans(),
    taints=st.sets(st.builds(Taint, words, words, st.sampled_from(EFFECTS)), max_size=2).map(sorted).map(tuple),
    finalizers=st.lists(words, max_size=2, unique=True).map(tuple),
    state=st.builds(ProviderState, id=st.sampled_from(["", "id-1", "id-2"])),
)  # fmt: skip
sets = st.lists(pools, max_size=4, unique_by=lambda one: one.name)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    before, after = draw(sets), draw(sets)
    stays = draw(st.sets(st.sampled_from("abcd")))
    kept = [one for one in before if one.name in stays]
    return plan_of(tuple(before), (*(one for one in after if one.name not in stays), *kept))


@quick
@given(plans())
def test_a_plan_that_is_rendered_faithfully_agrees(plan: Plan) -> None:
    assert disagreements(plan, engine_plan(plan), owner=OWNER) == ()


@quick
@given(plans())
def test_a_plan_in_effect_agrees_with_nothing_to_do(plan: Plan) -> None:
    done = replace(engine_plan(plan), changes=(), settled=tuple(resource(one) for one in plan.desired))
    assert disagreements(plan, done, owner=OWNER) == ()


@quick
@given(plans(), st.data())
def test_a_plan_half_in_effect_agrees(plan: Plan, data: st.DataObject) -> None:
    done = {str(one.pool) for one in plan.changes if data.draw(st.booleans())}
    found = engine_plan(plan)
    settled = [one for one in found.settled if one.pool_name not in done]
    settled += [resource(one) for one in plan.desired if one.name in done]
    half = replace(
        found, changes=tuple(one for one in found.changes if one.pool_name not in done), settled=tuple(settled)
    )
    assert disagreements(plan, half, owner=OWNER) == ()


@quick
@given(plans(), st.data())
def test_any_other_value_disagrees(plan: Plan, data: st.DataObject) -> None:
    found = engine_plan(plan)
    setting = [number for number, one in enumerate(found.changes) if one.after is not None]
    assume(setting)
    number = data.draw(st.sampled_from(setting))
    wanted = plan.changes[number].after
    assert wanted is not None
    other = replace(data.draw(pools), name=wanted.name, state=wanted.state)
    assume(changed_fields(wanted, other))
    one = replace(found.changes[number], after={**values(other), "id": (found.changes[number].after or {})["id"]})
    wrong = replace(found, changes=(*found.changes[:number], one, *found.changes[number + 1 :]))
    said = disagreements(plan, wrong, owner=OWNER)
    assert {each.subject for each in said} == {str(wanted.name)}


@quick
@given(plans(), st.data())
def test_a_change_more_or_fewer_disagrees(plan: Plan, data: st.DataObject) -> None:
    found = engine_plan(plan)
    assume(found.changes)
    number = data.draw(st.integers(0, len(found.changes) - 1))
    others = (*found.changes[:number], *found.changes[number + 1 :])
    name = found.changes[number].pool_name
    fewer = disagreements(plan, replace(found, changes=others), owner=OWNER)
    assert {each.subject for each in fewer} == {name}
    kept = tuple(one for one in plan.changes if str(one.pool) != name)
    more = disagreements(replace(plan, changes=kept), found, owner=OWNER)
    assert {each.subject for each in more} == {name}


@quick
@given(plans())
def test_a_plan_for_another_cluster_disagrees_in_every_change(plan: Plan) -> None:
    other = replace(OWNER, kube_id="other")
    said = {each.subject for each in disagreements(plan, engine_plan(plan, other), owner=OWNER)}
    assert said == {str(one.pool) for one in plan.changes}


def test_pools_of_other_resource_types_are_not_taken_for_pools_in_effect() -> None:
    plan = plan_of((), (pool("a"),))
    impostor = replace(resource(pool("a")), resource_type="ovh_cloud_project_instance")
    found = replace(engine_plan(plan), changes=(), settled=(impostor,))
    assert [str(one) for one in disagreements(plan, found, owner=OWNER)] == [
        "a: terraform would not create it, and its state has no such pool"
    ]
    assert PoolSet.of([pool("a")]) == plan.desired
