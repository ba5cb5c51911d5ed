"""Delegates that carry plans out: what the live branch says when, and what poolplan says when nothing arrives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

import pytest

from gitops.apply.carrying import apply_plan
from gitops.apply.hands import Applied, Hands
from gitops.engines.delegated import DelegatedEngine
from gitops.engines.delegating import Promotion, delegated_engine
from gitops.engines.live_branch import Cause
from gitops.engines.ovh_api import OvhApiEngine
from gitops.errors import Refused, Stalled, Waiting
from gitops.git.base import BranchName, Commit
from gitops.ovh.client import OvhClient
from planner.plan import Plan
from planner.pools import Pool, PoolSet
from renderer.delegated import Delegate
from renderer.files import FileSet
from renderer.layout import Live, pools_folder
from renderer.terraform_settings import TerraformSettings
from renderer.tree import parse_pools, render_files
from tests.contracts.engines import DELEGATED, OWNER, DelegateBench, Kill, Killed, delegate_bench
from tests.gitops.apply.test_carrying import FakeNodes
from tests.gitops.plans import plan_of, pool

LIVE = BranchName("poolplan/paris/live")
BOTH = [Delegate.ARGO_CD, Delegate.FLUX]
CAUSE = Cause(digest="sha256:1234", main="a" * 40)


@pytest.fixture(params=BOTH, ids=lambda one: one.value)
def bench(request: pytest.FixtureRequest) -> Iterator[DelegateBench]:
    with ExitStack() as stack:
        yield delegate_bench(request.param, stack)


def engine_of(
    bench: DelegateBench, *owns: str, digest: str = CAUSE.digest, client: OvhClient | None = None
) -> DelegatedEngine:
    settings = replace(DELEGATED, delegate=bench.standin.delegate)
    client = client or bench.standin.client
    return delegated_engine(
        settings, Promotion(repository=bench.repository, api=lambda: bench.standin, cause=replace(CAUSE, digest=digest)),
        OvhApiEngine(client, bench.clock, owner=OWNER, owns=lambda one: one.name in owns), client, bench.clock,
    )  # fmt: skip


def files_of(bench: DelegateBench, pools: PoolSet) -> FileSet:
    return render_files(pools, TerraformSettings(), delegate=bench.standin.delegate)


def carry_out(bench: DelegateBench, plan: Plan, kill: Kill | None = None) -> Applied:
    """An apply as ``gitops.delivery`` puts it together."""
    client = bench.client(kill)
    engine = engine_of(bench, *(str(one.name) for one in (*plan.declared, *plan.desired)), client=client)
    return apply_plan(plan, OWNER, Hands(
        engine=engine, client=client, clock=bench.clock, nodes=FakeNodes,  # type: ignore[arg-type]
        report=lambda _progress: None, say=lambda _text: None, files=lambda pools: files_of(bench, pools),
    ))  # fmt: skip


def there(bench: DelegateBench) -> PoolSet:
    return PoolSet.of(one for one in bench.standin.client.pools() if one.name != "by-hand")


def begin(bench: DelegateBench, *pools: Pool) -> PoolSet:
    """The provider has these pools, by way of the delegate."""
    carry_out(bench, plan_of((), pools))
    return there(bench)


def line(bench: DelegateBench) -> list[Commit]:
    """The live branch's commits, oldest first."""
    found, commit = [], bench.repository.head(LIVE)
    while commit is not None:
        found.append(bench.repository.show(commit))
        commit = found[-1].parents[0] if found[-1].parents else None
    return found[::-1]


def declared_at(bench: DelegateBench, commit: Commit) -> dict[str, int]:
    """The sizes that the live branch says at a commit."""
    files = bench.repository.read(commit.id, pools_folder("paris"))
    return {str(one.name): one.desired for one in parse_pools(files, Live.MANIFESTS)}


def nodes_of(bench: DelegateBench, name: str) -> list[str]:
    found = bench.standin.client.pools().get(name)
    assert found is not None
    assert found.state is not None
    return [one.name for one in bench.standin.client.nodes(found.state.id) if not one.leaving]


def test_growth_is_one_commit_with_its_cause_and_the_delegate_alone_makes_the_pools(bench: DelegateBench) -> None:
    begin(bench, pool("a", 2), pool("b", 1))

    (commit,) = line(bench)
    assert commit.trailers("Poolplan-Digest") == ("sha256:1234",)
    assert commit.trailers("Poolplan-Main") == ("a" * 40,)
    assert declared_at(bench, commit) == {"a": 2, "b": 1}
    assert bench.standin.deeds == ["create a 2", "create b 1"]


def test_the_live_branch_holds_the_manifests_and_nothing_else(bench: DelegateBench) -> None:
    begin(bench, pool("a", 1))

    (commit,) = line(bench)
    folder = "clusters/paris/pools/manifests"
    everything = bench.repository.read(commit.id, PurePosixPath())
    assert list(map(str, everything.paths())) == [
        f"{folder}/a.yaml", f"{folder}/kustomization.yaml", "clusters/paris/promoted.txt"
    ]
    assert everything.get(PurePosixPath("clusters/paris/promoted.txt")) == (
        f"Poolplan-Digest: sha256:1234\nPoolplan-Main: {'a' * 40}\n"
    )


def test_nodes_leave_by_name_while_the_delegate_lets_the_pool_be(bench: DelegateBench) -> None:
    before = begin(bench, pool("a", 3), pool("b", 1))
    victim, *staying = nodes_of(bench, "a")
    bench.standin.deeds.clear()
    wanted = [one.resized(2) if one.name == "a" else one for one in before]

    applied = carry_out(bench, plan_of(tuple(before), tuple(wanted), victims={"a": (victim,)}))

    assert applied.removed == (victim,)
    assert nodes_of(bench, "a") == staying
    assert [declared_at(bench, one) for one in line(bench)] == [{"a": 3, "b": 1}, {"b": 1}, {"a": 2, "b": 1}]
    bench.clock.sleep(timedelta(minutes=30))
    assert bench.standin.deeds == [], "it put nothing back, and lowered nothing"
    assert nodes_of(bench, "a") == staying


class Effects(Kill):
    """Ends the process before or after an effect alone: reads change nothing."""

    def note(self, moment: str) -> None:
        if not moment.endswith("GET"):
            super().note(moment)


def test_killed_at_any_effect_of_a_removal_it_ends_with_the_same_nodes() -> None:
    """With Flux, which puts back whatever its branch says, every time."""
    moment, reached = 1, True
    while reached:
        with ExitStack() as stack:
            bench = delegate_bench(Delegate.FLUX, stack)
            before = begin(bench, pool("a", 3))
            victim, *staying = nodes_of(bench, "a")
            plan = plan_of(tuple(before), (pool("a", 2), pool("b", 1)), victims={"a": (victim,)})
            kill = Effects(moment)
            with suppress(Killed):
                carry_out(bench, plan, kill)
            reached = len(kill.moments) >= moment
            bench.clock.sleep(timedelta(minutes=15))
            carry_out(bench, plan)
            bench.clock.sleep(timedelta(minutes=15))
            assert nodes_of(bench, "a") == staying, f"killed at {kill.moments}"
            assert [(one.name, one.desired) for one in there(bench)] == [("a", 2), ("b", 1)]
            assert declared_at(bench, line(bench)[-1]) == {"a": 2, "b": 1}
        moment += 1
    assert moment > 8, "before and after three pushes and one removal"


def test_a_pool_is_deleted_by_poolplan_once_the_delegate_has_let_go_of_it(bench: DelegateBench) -> None:
    before = begin(bench, pool("a", 1), pool("b", 1))
    victims = tuple(nodes_of(bench, "b"))
    bench.standin.deeds.clear()

    carry_out(bench, plan_of(tuple(before), (pool("a", 1),), victims={"b": victims}))

    bench.clock.sleep(timedelta(minutes=30))
    assert [str(one.name) for one in there(bench)] == ["a"]
    assert bench.standin.deeds == []


def test_a_delegate_that_cannot_be_seen_lets_no_node_go(bench: DelegateBench) -> None:
    before = begin(bench, pool("a", 2))
    victim, _ = nodes_of(bench, "a")
    hidden = replace(bench.standin.following, cluster="elsewhere")
    bench.standin.following, bench.standin.asleep = hidden, True

    with pytest.raises(Refused, match=r"lets the pools be, and .* cannot be seen; nothing was removed") as refused:
        carry_out(bench, plan_of(tuple(before), (pool("a", 1),), victims={"a": (victim,)}))

    assert re.fullmatch(r"there is no \w+ [a-z-]+/poolplan-paris; make it from what `.*` writes", *refused.value.reasons)
    assert len(nodes_of(bench, "a")) == 2
    assert len(line(bench)) == 1, "the branch still speaks of the pool"


def test_a_size_that_was_not_lowered_by_name_is_never_promoted(bench: DelegateBench) -> None:
    before = begin(bench, pool("a", 2))
    engine = engine_of(bench)
    lower = PoolSet.of(one.resized(1) for one in before)

    engine_plan = engine.plan(bench.goal(*lower))
    with pytest.raises(Refused) as refused:
        engine.apply(engine_plan, lambda _progress: None)

    assert refused.value.reasons == ("a has 2 nodes, 1 are wanted",)
    assert len(line(bench)) == 1


def test_what_does_not_arrive_is_told_with_who_and_since_when_and_waited_for_again(bench: DelegateBench) -> None:
    bench.standin.asleep = True
    plan = plan_of((), (pool("a", 1),))
    who = {Delegate.ARGO_CD: "Argo CD", Delegate.FLUX: "Flux"}[bench.standin.delegate]

    with pytest.raises(Waiting) as late:
        carry_out(bench, plan)
    (commit,) = line(bench)
    since = commit.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert str(late.value) == (
        f"merged and promoted, but did not arrive: {who} has not applied {commit.id[:12]} since {since}: "
        "it has not looked at the branch yet (a is not there)"
    )

    bench.standin.asleep = False
    assert carry_out(bench, plan) == Applied(changed=1)
    assert len(line(bench)) == 1, "the same goal is the same commit"


def test_a_sync_that_failed_for_good_is_not_waited_for() -> None:
    with ExitStack() as stack:
        bench = delegate_bench(Delegate.ARGO_CD, stack)
        bench.standin.broken = "one or more objects failed to apply"
        with pytest.raises(Stalled, match=r"Argo CD does not apply .*: its sync failed: one or more objects"):
            carry_out(bench, plan_of((), (pool("a", 1),)))


def test_what_was_changed_at_the_provider_is_put_back_by_a_commit_of_its_own(bench: DelegateBench) -> None:
    """Argo CD would not sync the same commit a second time."""
    begin(bench, pool("a", 2))
    old = bench.standin.client.pools().get("a")
    assert old is not None
    bench.standin.asleep = True
    bench.standin.client.update_pool(old, old.resized(1))
    bench.clock.sleep(timedelta(minutes=5))
    bench.standin.asleep = False
    engine = engine_of(bench, digest="sha256:5678")

    engine.apply(engine.plan(bench.goal(pool("a", 2))), lambda _progress: None)

    assert [str(one.name) for one in there(bench) if one.desired == 2] == ["a"]
    assert [declared_at(bench, one) for one in line(bench)] == [{"a": 2}, {"a": 2}]


def test_somebody_elses_push_is_not_lost_and_not_obeyed(bench: DelegateBench) -> None:
    begin(bench, pool("a", 1))
    engine = engine_of(bench)
    goal = bench.goal(*(one.resized(2) for one in there(bench)))
    engine_plan = engine.plan(goal)
    other = engine_of(bench)._parts.live
    other.promote(FileSet(), what="Somebody was here", at=bench.clock.now())

    engine.apply(engine_plan, lambda _progress: None)

    assert [declared_at(bench, one) for one in line(bench)] == [{"a": 1}, {}, {"a": 2}]


def test_what_the_api_server_sends_is_read_and_nothing_else_counts(bench: DelegateBench) -> None:
    begin(bench, pool("a", 1))
    head = line(bench)[-1].id
    look = engine_of(bench)._parts.sight.look

    assert look(head).applied
    assert not look(line(bench)[0].tree).applied  # type: ignore[arg-type] # an id that no commit has
    assert json.loads(bench.standin.read_object("", "", "applications", "poolplan-paris").body)
