"""When main approves a plan, and what is said when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops.approval import Approval, Withheld, differences, judge
from gitops.git.base import BranchName, CommitId
from gitops.git.facts import MergeFacts
from planner.plan import Plan
from planner.pools import Pool, PoolSet, ProviderState
from planner.taints import Taint
from tests.gitops.plans import plan_of, pool

HEAD, MERGED, TOUCHED = (CommitId(digit * 40) for digit in "abc")
NAME = "karpenter-b3-8-a"


@pytest.fixture
def plan() -> Plan:
    return plan_of((pool(desired=1),), (pool(desired=2),))


def facts_of(plan: Plan, /, **changes: object) -> MergeFacts:
    """What main says right after the plan was merged."""
    merged = MergeFacts(
        branch=BranchName("main"), head=HEAD, plan=plan, declared=plan.desired, merged=MERGED, touched=TOUCHED
    )  # fmt: skip
    return replace(merged, **changes)  # type: ignore[arg-type]


def test_a_merged_plan_is_approved(plan: Plan) -> None:
    assert judge(facts_of(plan), plan) == Approval(digest=plan.digest, head=HEAD, brought_by=MERGED)


def test_a_squash_that_lost_the_trailer_approves_too(plan: Plan) -> None:
    assert judge(facts_of(plan, merged=None), plan) == Approval(digest=plan.digest, head=HEAD, brought_by=TOUCHED)


def test_what_only_the_provider_says_does_not_matter(plan: Plan) -> None:
    seen = tuple(replace(one, state=ProviderState(id="x", current_nodes=7)) for one in plan.desired)
    assert isinstance(judge(facts_of(plan, declared=PoolSet(seen)), plan), Approval)


def test_reasons_and_prices_may_differ_from_what_was_approved(plan: Plan) -> None:
    later = replace(plan, warnings=("dearer now",), cost=replace(plan.cost, currency="USD"))
    assert isinstance(judge(facts_of(later), plan), Approval)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"head": None}, "there is no branch main"),
        (
            {"plan": None, "plan_problem": "there is no clusters/prod/plan.json"},
            "main holds no approved plan: there is no clusters/prod/plan.json",
        ),
        ({"plan": None}, "main holds no approved plan: nothing is known of it"),
        ({"declared": None, "declared_problem": "the pools cannot be read: x"}, "the pools cannot be read: x"),
        ({"declared": None}, "it is not known what main declares"),
        ({"merged": None, "touched": None}, "no commit on main is known that brought the plan"),
        (
            {"declared": PoolSet.of([pool(desired=3)])},
            f"main declares {NAME} with 3 nodes, the plan says 2: a change by hand needs a new plan",
        ),
        ({"declared": PoolSet()}, f"main does not declare {NAME}, the plan does: a change by hand needs a new plan"),
    ],
)
def test_every_missing_fact_withholds_the_approval(plan: Plan, changes: dict[str, object], reason: str) -> None:
    assert judge(facts_of(plan, **changes), plan) == Withheld((reason,))


def test_nothing_known_is_nothing_approved(plan: Plan) -> None:
    assert judge(MergeFacts(branch=BranchName("main")), plan) == Withheld(("there is no branch main",))
    withheld = judge(MergeFacts(branch=BranchName("main"), head=HEAD), plan)
    assert isinstance(withheld, Withheld)
    assert len(withheld.reasons) == 2


def test_another_plan_is_not_approved(plan: Plan) -> None:
    other = plan_of((pool(desired=1),), (pool(desired=5),))
    verdict = judge(facts_of(plan), other)
    told = f"main holds plan {plan.digest[7:19]}, not {other.digest[7:19]}: this plan is not merged"
    assert verdict == Withheld((told,))


def test_one_more_victim_is_another_plan() -> None:
    before, after = (pool(desired=3),), (pool(desired=2),)
    one = plan_of(before, after, victims={NAME: ("node-1",)})
    other = plan_of(before, after, victims={NAME: ("node-2",)})
    assert isinstance(judge(facts_of(one), other), Withheld)


def test_the_same_changes_on_other_pools_are_not_approved() -> None:
    """The digest is of the changes; the pools that stay are compared besides."""
    other = pool("karpenter-c3-4-a", 1)
    merged, wanted = plan_of((), (pool(),)), plan_of((other,), (other, pool()))
    assert merged.digest == wanted.digest
    verdict = judge(facts_of(merged), wanted)
    assert verdict == Withheld((
        "plan.json on main leads to other pools than this plan: make a new plan",
        "main does not declare karpenter-c3-4-a, the plan does: a change by hand needs a new plan",
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"flavor": "b3-16"}, "with flavor b3-16, the plan says b3-8"),
        ({"zones": ()}, "with zones none, the plan says eu-west-par-a"),
        ({"desired": 1}, "with 1 node, the plan says 2"),
        ({"maximum": 9}, "with maxNodes 9, the plan says 100"),
        ({"autoscale": True}, "with autoscale true, the plan says false"),
        ({"labels": (("a", "b"),)}, "with other labels than the plan"),
        ({"taints": (Taint("a", "", "NoSchedule"),)}, "with other taints than the plan"),
    ],
)
def test_a_difference_names_pool_and_field(fields: dict[str, object], words: str) -> None:
    declared = PoolSet.of([replace(pool(desired=2), **fields)])  # type: ignore[arg-type]
    assert differences(declared, PoolSet.of([pool(desired=2)]), branch="main") == (f"main declares {NAME} {words}",)


def test_many_differences_are_counted() -> None:
    many = PoolSet.of(pool(f"karpenter-b3-8-{number}") for number in range(9))
    found = differences(many, PoolSet(), branch="main")
    assert len(found) == 6
    assert found[0] == "main declares karpenter-b3-8-0, the plan does not"
    assert found[-1] == "4 more differences"


def test_equal_pools_do_not_differ() -> None:
    pools: list[Pool] = [pool(), pool("karpenter-b3-8-b")]
    assert differences(PoolSet.of(pools), PoolSet.of(reversed(pools)), branch="main") == ()
