"""Which pools the engine has to take up first, and which it must not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitops.apply.untracked import names_untracked, untracked
from planner.between import NOTHING, Given
from planner.catalog import Catalog
from planner.handover import import_plan, release_plan
from planner.pools import PoolSet, ProviderState
from tests.gitops.enginevalues import engine_plan
from tests.gitops.plans import plan_of, pool

if TYPE_CHECKING:
    from gitops.engines.base import EnginePlan
    from planner.plan import Plan
    from planner.pools import Pool


def there(name: str, desired: int = 1, *, pool_id: str = "", status: str = "READY", **fields: object) -> Pool:
    return pool(name, desired, state=ProviderState(id=pool_id or f"id-{name}", status=status), **fields)


DECLARED = (there("goes"), there("grows"), there("stays"))
GIVEN = Given(
    catalog=Catalog(currency="EUR", source="", regions=(), flavors=()), policy=NOTHING, now="2026-03-01T12:00:00Z"
)  # fmt: skip
PLAN = plan_of(DECLARED, (there("grows", 2), there("stays"), pool("new")))


def knowing(plan: Plan, *names: str) -> EnginePlan:
    """What an engine shows whose state has these pools and no others."""
    found = engine_plan(plan)
    return replace(found, settled=tuple(one for one in found.settled if one.pool_name in names))


def test_what_the_state_has_is_no_question() -> None:
    assert names_untracked(PLAN, knowing(PLAN, "goes", "grows", "stays")) == {"new"}
    assert untracked(PLAN, knowing(PLAN, "goes", "grows", "stays"), PoolSet.of(DECLARED)) == (PoolSet(), ())


def test_a_lost_state_takes_up_what_is_declared_and_what_goes() -> None:
    assert untracked(PLAN, knowing(PLAN), PoolSet.of(DECLARED)) == (PoolSet.of(DECLARED), ())


def test_what_an_earlier_try_made_is_taken_up() -> None:
    observed = PoolSet.of((*DECLARED, there("new")))
    pools, reasons = untracked(PLAN, knowing(PLAN, "goes", "grows", "stays"), observed)
    assert (pools.names(), reasons) == ({"new"}, ())


def test_a_foreign_pool_of_a_name_that_is_to_be_new_is_left_alone() -> None:
    observed = PoolSet.of((*DECLARED, there("new", 3, labels=(("team", "other"),))))
    pools, reasons = untracked(PLAN, knowing(PLAN, "goes", "grows", "stays"), observed)
    assert pools == PoolSet()
    assert reasons == ("new: the provider has a pool of that name already, with another desired, labels",)


def test_another_pool_of_the_same_name_is_left_alone() -> None:
    observed = PoolSet.of((there("grows", pool_id="id-other"), there("goes", pool_id="id-third"), there("stays")))
    pools, reasons = untracked(PLAN, knowing(PLAN), observed)
    assert pools.names() == {"stays"}
    assert reasons == (
        "goes: it is another pool than the plan saw: id id-third, not id-goes",
        "grows: it is another pool than the plan saw: id id-other, not id-grows",
    )


@pytest.mark.parametrize("status", ["DELETING", "DELETED"])
def test_what_leaves_is_not_taken_up(status: str) -> None:
    observed = PoolSet.of((there("goes", status=status), there("grows"), there("stays")))
    pools, _ = untracked(PLAN, knowing(PLAN, "grows", "stays"), observed)
    assert pools == PoolSet()


def test_pools_that_no_plan_knows_are_none_of_its_business() -> None:
    observed = PoolSet.of((*DECLARED, there("by-hand")))
    pools, reasons = untracked(PLAN, knowing(PLAN), observed)
    assert "by-hand" not in pools.names()
    assert reasons == ()


def test_what_the_engine_moves_in_its_state_is_known_to_it() -> None:
    shown = knowing(PLAN, "goes", "stays")
    moving = tuple(replace(one, previous_address="old") if one.pool_name == "grows" else one for one in shown.changes)
    assert names_untracked(PLAN, replace(shown, changes=moving)) == {"new"}


def test_what_the_files_import_without_a_plan_saying_so_was_in_a_state_that_is_lost() -> None:
    shown = knowing(PLAN, "goes", "grows", "stays")
    importing = tuple(replace(one, import_id="a/b/c") if one.pool_name == "grows" else one for one in shown.changes)
    assert names_untracked(PLAN, replace(shown, changes=importing)) == {"grows", "new"}


def test_what_the_plan_imports_is_left_to_the_engine_and_what_it_releases_is_left_alone() -> None:
    taking = import_plan(PoolSet(), DECLARED, GIVEN)
    assert names_untracked(taking, engine_plan(taking)) == set()
    freeing = release_plan(PoolSet.of(DECLARED), DECLARED[:1], GIVEN)
    assert names_untracked(freeing, knowing(freeing, "grows", "stays")) == set()
