"""The cloud says no: what failed is remembered, tried again in its time, and led around by what is merged after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gitops.apply.hands import Applied
from gitops.apply.shortages import Short, Shortage
from gitops.errors import Stalled, Waiting
from gitops.git.base import CommitId
from gitops.loop.claims import Turn
from gitops.loop.delivering import Delivery
from gitops.loop.history import fold
from gitops.loop.joining import joined
from gitops.loop.records import read_record, record_text
from gitops.loop.retries import next_try, unavailable
from gitops.review.rules import ReviewRules, Rule
from gitops.review.windows import Window
from planner.guardrails import Guardrails
from planner.plan import Action, Plan
from planner.pools import Pool, PoolSet, ProviderState
from renderer.history import Outcome
from tests.gitops.loop.town import ADA, Town, nodes
from tests.gitops.plans import plan_of, pool

A, B, C = "karpenter-b3-8-a", "karpenter-b3-8-b", "karpenter-c3-4-a"
MINUTE = timedelta(minutes=1)


def out_of_stock(name: str = A, flavor: str = "b3-8", zone: str = "eu-west-par-a") -> Shortage:
    return Shortage(pool=name, lack="out-of-stock", flavor=flavor, zone=zone, what=f"{flavor} is out of stock in {zone}")


class Cloud(Town):
    """A town whose engine lacks what it is told to lack. ``gives`` is what the provider has."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lacks: list[Exception] = []

    def carry(self, turn: Turn) -> Applied:
        self.engine.append((turn.link.commit.id, turn.plan))
        if self.lacks:
            raise self.lacks.pop(0)
        return Applied(changed=len(turn.plan.changes))


@pytest.fixture
def town() -> Cloud:
    return Cloud()


def merge(town: Town, *pools: Pool, approve: bool = True) -> int:
    """These pools are proposed, approved and merged."""
    town.propose(town.plan(*pools))
    number = town.request().number
    if approve:
        town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    return number


def short(*shortages: Shortage) -> Short:
    return Short("not all that was ordered came", shortages or (out_of_stock(),))


def failed(town: Cloud, *shortages: Shortage) -> None:
    town.lacks.append(short(*shortages))
    with pytest.raises(Short):
        town.apply()


def test_what_failed_for_want_of_stock_is_recorded_and_told_once(town: Cloud) -> None:
    number = merge(town, nodes(3))
    failed(town)
    record = town.ledger.records[-1]
    assert [(one.key, one.until) for one in record.shortages] == [
        (("out-of-stock", "b3-8", "eu-west-par-a"), "2026-03-01T12:30:00Z"),
    ]
    assert read_record(record_text(record), file="one") == record
    said = town.said(number)
    for part in ("out of stock in eu-west-par-a", "allow another flavor or zone", "unavailable until `2026-03-01T12:30:00Z`",
                 "goes around", "not tried before `2026-03-01T12:30:00Z`"):  # fmt: skip
        assert part in said
    assert len(town.server.kept(number).comments) == 1
    (state, text, _), = [said for (commit, _), said in town.server.statuses.items() if commit == town.main]
    assert (state.value, text[:11]) == ("failure", "not applied")


def test_it_is_not_tried_again_before_its_time_on_any_machine(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    for holder in ("one", "another"):
        town.holder = holder
        delivery = town.apply()
        assert "the next try is not before 2026-03-01T12:30:00Z" in delivery.waits
    assert len(town.engine) == 1
    assert town.events[-2:] == ["claimed", "failed"], "waiting leaves no trace in the ledger"
    town.clock.at += 31 * MINUTE
    assert len(town.apply().applied) == 1


def test_a_person_may_have_it_tried_at_once(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    town.asked = True
    assert len(town.apply().applied) == 1
    assert unavailable(town.ledger, town.clock.now()) == (), "it came, so it is there"


def test_each_time_it_waits_twice_as_long(town: Cloud) -> None:
    merge(town, nodes(3))
    waits, attempts = [], []
    for _ in range(4):
        failed(town)
        retry = next_try(town.ledger, town.main)
        assert retry is not None
        waits.append((retry.at - town.clock.now()) // MINUTE)
        town.clock.at = retry.at
        attempts.append(retry.attempts)
    assert (waits, attempts) == ([30, 60, 120, 240], [1, 2, 3, 4])


def test_other_failures_are_tried_again_at_once_and_then_ever_later(town: Cloud) -> None:
    merge(town, nodes(3))
    waits = []
    for _ in range(11):
        town.lacks.append(Stalled("the keys are wrong"))
        with pytest.raises(Stalled):
            town.apply()
        retry = next_try(town.ledger, town.main)
        assert retry is not None
        waits.append((retry.at - town.clock.now()) // MINUTE)
        town.clock.at = retry.at + timedelta(seconds=1)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_what_is_merged_after_it_and_leads_around_is_applied_with_it_as_one(town: Cloud) -> None:
    first = merge(town, nodes(3))
    failed(town)
    second = merge(town, nodes(3, B))
    (turn, _), = town.apply().applied
    assert {one.pool: one.action for one in turn.plan.changes} == {B: Action.CREATE}
    assert turn.plan.declared == PoolSet()
    assert turn.approval.by == (ADA,)
    assert [one.number for one in turn.requests] == [first, second]
    assert "Applied" in town.said(first)
    assert "Applied" in town.said(second)
    assert town.apply() == Delivery()
    outcomes = [one.outcome for one in fold(town.ledger.records)]
    assert outcomes == [Outcome.COVERED, Outcome.APPLIED]


def test_two_shortages_in_a_row_are_both_led_around(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3, B))
    failed(town, out_of_stock(B, zone="eu-west-par-b"))
    lacking = [one.zone for one in unavailable(town.ledger, town.clock.now())]
    assert lacking == ["eu-west-par-a", "eu-west-par-b"]
    assert town.apply().waits
    merge(town, nodes(3, C))
    (turn, _), = town.apply().applied
    assert {one.pool for one in turn.plan.changes} == {C}
    assert [len(one.commits) for one in (turn,)] == [3]


def test_what_goes_back_to_what_was_applied_is_applied_all_the_same(town: Cloud) -> None:
    """Some of what failed may be there."""
    merge(town, nodes(1))
    town.apply()
    merge(town, nodes(1), nodes(2, B))
    failed(town, out_of_stock(B))
    town.propose(town.plan(nodes(1)))
    number = max(one.number for one in town.server.requests())
    town.server.approve(ADA, number)
    town.server.merge(ADA, number)
    (turn, _), = town.apply().applied
    assert turn.plans[-1].changes[0].action is Action.DELETE
    assert town.apply() == Delivery()


def test_one_without_approval_does_not_go_along(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3, B), approve=False)
    assert "the next try is not before" in town.apply().waits
    town.clock.at += 31 * MINUTE
    (turn, _), *_ = town.apply().applied
    assert turn.earlier == ()


def test_main_that_went_back_without_approval_keeps_it_from_being_tried(town: Cloud) -> None:
    merge(town, nodes(1))
    town.apply()
    merge(town, nodes(1), nodes(2, B))
    failed(town, out_of_stock(B))
    before = town.repository.show(town.main).parents[0]
    town.edit({str(path): text for path, text in town.repository.read(before, town.settings.folder)}, whole=True)
    town.clock.at += 31 * MINUTE
    delivery = town.apply()
    assert delivery.withheld is not None
    assert len(town.engine) == 2


def test_guardrails_hold_for_all_of_it_together(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3), nodes(3, B))
    town.settings = replace(town.settings, guardrails=Guardrails(max_nodes_added=5))
    delivery = town.apply()
    assert delivery.withheld is not None
    assert "maxNodesAdded" in delivery.withheld.reasons[0]


def kill(town: Cloud, *, after: timedelta = timedelta(0)) -> None:
    """An apply ends as its process does, so long after it began to carry out."""

    class Killed(BaseException):
        pass

    def dying(_: Turn) -> Applied:
        town.clock.at += after
        raise Killed

    whole = town.carry
    town.carry = dying  # type: ignore[assignment, method-assign]
    with pytest.raises(Killed):
        town.apply()
    town.carry = whole  # type: ignore[method-assign]


def test_killed_in_between_it_goes_on_with_all_of_it(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3, B))

    kill(town)
    town.holder = "another"
    with pytest.raises(Waiting):
        town.apply()
    town.holder = "one"
    (turn, _), = town.apply().applied
    assert len(turn.commits) == 2
    assert town.events.count("claimed") == 2


def test_what_was_begun_as_one_is_ended_after_its_window_has_closed(town: Cloud) -> None:
    noon = Window(name="noon", zone="UTC", days=tuple(range(7)), start=12 * 60, end=13 * 60)
    rule = Rule(name="at noon", outside=(noon,), deny="only at noon")
    town.settings = replace(town.settings, review=ReviewRules(rules=(rule,)))
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3, B))

    kill(town, after=timedelta(hours=1))
    (turn, _), = town.apply().applied
    assert len(turn.commits) == 2


def test_a_failure_of_another_kind_on_the_way_around_keeps_them_together(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    merge(town, nodes(3, B))
    town.lacks.append(Waiting("the API is away"))
    with pytest.raises(Waiting):
        town.apply()
    (turn, _), = town.apply().applied
    assert len(turn.commits) == 2


def test_in_plain_git_as_well() -> None:
    town = Cloud(plain=True)

    def merge_plain(*pools: Pool) -> None:
        town.propose(town.plan(*pools))
        tip = town.tip()
        assert tip is not None
        town.repository.push(tip, town.repository_main(), expect=town.main)

    merge_plain(nodes(3))
    failed(town)
    town.propose(town.plan(nodes(3)))
    merge_plain(nodes(3, B))
    (turn, _), = town.apply().applied
    assert {one.pool for one in turn.plan.changes} == {B}


def test_broken_nodes_that_stay_do_not_keep_their_flavor_from_being_tried_again(town: Cloud) -> None:
    """A second try that orders nothing says nothing new of the stock."""
    merge(town, nodes(3))
    failed(town)
    town.clock.at += 31 * MINUTE
    town.lacks.append(Short("not all that was ordered came", [out_of_stock()], fresh=False))
    with pytest.raises(Short):
        town.apply()
    assert town.ledger.records[-1].shortages == ()
    assert unavailable(town.ledger, town.clock.now()) == ()
    merge(town, nodes(3, B))
    (turn, _), = town.apply().applied
    assert len(turn.commits) == 2, "it still goes together with what leads around it"


def test_what_nothing_was_recorded_of_is_recorded_though_it_was_ordered_before(town: Cloud) -> None:
    """A process was killed between the order and its record."""
    merge(town, nodes(3))
    town.lacks.append(Short("not all that was ordered came", [out_of_stock()], fresh=False))
    with pytest.raises(Short):
        town.apply()
    assert len(unavailable(town.ledger, town.clock.now())) == 1


# The walk.


def there(one: Pool, desired: int | None = None, ident: str = "id-1") -> Pool:
    state = ProviderState(id=ident, current_nodes=one.desired)
    return replace(one, desired=one.desired if desired is None else desired, state=state)


GROW, BACK = plan_of((pool(A, 1),), (pool(A, 5),)), plan_of((pool(A, 5),), (pool(A, 3),), victims={A: ("n4", "n5")})
MAKE, DROP = plan_of((), (pool(A, 3),)), plan_of((pool(A, 3),), (pool(B, 3),))


@pytest.mark.parametrize(("plans", "observed", "changes"), [
    ((GROW, BACK), (there(pool(A, 1)),), [(A, "update", 1, 3, ())]),
    ((GROW, BACK), (there(pool(A, 5)),), [(A, "update", 5, 3, ("n4", "n5"))]),
    ((GROW, BACK), (there(pool(A, 3)),), []),
    ((GROW, BACK), (there(pool(A, 2)),), [(A, "update", 1, 3, ())]),
    ((GROW, BACK), (), [(A, "update", 1, 3, ())]),
    ((MAKE, DROP), (), [(B, "create", 0, 3, ())]),
    ((MAKE, DROP), (there(pool(A, 3)),), [(A, "delete", 3, 0, ()), (B, "create", 0, 3, ())]),
    ((MAKE, DROP), (there(pool(A, 3)), there(pool(B, 3))), [(A, "delete", 3, 0, ())]),
    ((MAKE, DROP), (there(pool(A, 3, flavor="c3-4")),), [(B, "create", 0, 3, ())]),
], ids=range(9))  # fmt: skip
def test_a_pool_may_stand_anywhere_on_its_way(
    plans: tuple[Plan, ...], observed: tuple[Pool, ...], changes: list[tuple[object, ...]]
) -> None:
    plan = joined(plans, PoolSet.of(observed))
    assert [
        (one.pool, one.action.value, one.before.desired if one.before else 0, one.after.desired if one.after else 0,
         one.victims) for one in plan.changes
    ] == changes  # fmt: skip
    assert plan.desired == plans[-1].desired


def test_the_id_that_a_plan_named_stays_a_precondition() -> None:
    named = plan_of((there(pool(A, 5), ident="id-7"),), (pool(A, 3),), victims={A: ("n4", "n5")})
    plan = joined((GROW, named), PoolSet.of([there(pool(A, 5), ident="id-8")]))
    assert plan.changes[0].before is not None
    assert plan.changes[0].before.state is not None
    assert plan.changes[0].before.state.id == "id-7"


def test_a_commit_that_was_applied_since_has_no_retry(town: Cloud) -> None:
    merge(town, nodes(3))
    failed(town)
    town.asked = True
    town.apply()
    assert next_try(town.ledger, town.main) is None
    assert next_try(town.ledger, CommitId("0" * 40)) is None
