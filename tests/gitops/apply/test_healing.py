"""A pool that was left failed and empty is deleted once, and no other ever is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from gitops.apply.hands import Hands
from gitops.apply.healing import heal
from gitops.apply.journal import BEGUN, DONE, FAILED, Entry, MemoryJournal
from gitops.apply.steps import Act, Step
from gitops.errors import Stalled
from gitops.ovh.answers import ProviderNode
from gitops.ovh.client import OvhClient
from planner.pools import Pool, PoolSet, ProviderState
from renderer.files import FileSet
from tests.contracts.engines import HandClock
from tests.gitops.enginevalues import OWNER
from tests.gitops.fakeengine import FakeEngine, MemoryProvider
from tests.gitops.plans import plan_of, pool

PLAN = plan_of((), (pool("new", 2),))
TRIED = Step(Act.GROW, ("new",))


@dataclass
class Api(MemoryProvider):
    """``machines`` are the instance ids of the nodes of every pool; ``asked`` counts questions."""

    machines: tuple[str | None, ...] = (None, None)
    asked: int = 0

    def pools(self) -> PoolSet:
        self.asked += 1
        return super().pools()

    def pool(self, pool_id: str) -> Pool:
        return next(one for one in self.kept.values() if one.state and one.state.id == pool_id)

    def nodes(self, pool_id: str) -> tuple[ProviderNode, ...]:
        return tuple(
            ProviderNode(id=f"{pool_id}-{number}", name=f"new-{number}", status="ERROR", instance_id=machine)
            for number, machine in enumerate(self.machines)
        )


@dataclass
class Bench:
    api: Api = field(default_factory=Api)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    said: list[str] = field(default_factory=list)

    def left(self, status: str, **fields: object) -> None:
        """What the provider has of the pool."""
        self.api.kept["new"] = pool("new", 2, **{"state": ProviderState(id="id-new", status=status), **fields})

    def noted(self, step: Step, state: str, digest: str = PLAN.digest) -> None:
        self.journal.add(Entry(at="2026-03-01T12:00:00Z", digest=digest, step=step, state=state))

    def heal(self) -> None:
        heal(PLAN, Hands(
            engine=FakeEngine(self.api, OWNER), client=cast("OvhClient", self.api), clock=HandClock(),
            nodes=lambda: pytest.fail("no node is touched"), files=lambda _pools: FileSet(),
            report=lambda _progress: None, say=self.said.append, journal=self.journal,
        ))  # fmt: skip


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.left("USER_QUOTA_ERROR")
    return made


@pytest.mark.parametrize("state", [BEGUN, FAILED])
@pytest.mark.parametrize("status", ["ERROR", "USER_QUOTA_ERROR"])
def test_what_an_earlier_try_left_is_deleted_and_said(bench: Bench, status: str, state: str) -> None:
    bench.left(status)
    bench.noted(TRIED, state)
    bench.heal()
    assert bench.api.kept == {}
    assert bench.said == [f"new was left in state {status} without a node: deleting it to make it anew"]
    assert [(one.step, one.state) for one in bench.journal.kept[1:]] == [
        (Step(Act.HEAL, ("new",)), BEGUN), (Step(Act.HEAL, ("new",)), DONE),
    ]  # fmt: skip


def test_it_is_done_once(bench: Bench) -> None:
    bench.noted(TRIED, FAILED)
    bench.noted(Step(Act.HEAL, ("new",)), DONE)
    with pytest.raises(Stalled, match="in state USER_QUOTA_ERROR again, after it was deleted and made anew once"):
        bench.heal()
    assert "new" in bench.api.kept


def test_a_deletion_that_was_killed_is_done_again(bench: Bench) -> None:
    bench.noted(TRIED, FAILED)
    bench.noted(Step(Act.HEAL, ("new",)), BEGUN)
    bench.heal()
    assert bench.api.kept == {}


def test_a_first_try_asks_nothing(bench: Bench) -> None:
    bench.noted(TRIED, FAILED, digest="sha256:another")
    bench.heal()
    assert (bench.api.asked, "new" in bench.api.kept) == (0, True)


def test_a_pool_with_a_machine_is_kept(bench: Bench) -> None:
    bench.api.machines = ("an-instance", None)
    bench.noted(TRIED, FAILED)
    bench.heal()
    assert "new" in bench.api.kept
    assert bench.said == ["new is in state USER_QUOTA_ERROR and has 1 node, so it is kept"]


@pytest.mark.parametrize("fields", [{"labels": (("team", "other"),)}, {"flavor": "b3-16"}, {"desired": 3}])
def test_a_pool_that_is_not_the_plan_s_is_kept(bench: Bench, fields: dict[str, object]) -> None:
    found = bench.api.kept["new"]
    bench.api.kept["new"] = replace(found, **fields)  # type: ignore[arg-type]
    bench.noted(TRIED, FAILED)
    bench.heal()
    assert "new" in bench.api.kept


@pytest.mark.parametrize("status", ["READY", "INSTALLING", "DELETING"])
def test_a_pool_that_did_not_fail_is_kept(bench: Bench, status: str) -> None:
    bench.left(status)
    bench.noted(TRIED, FAILED)
    bench.heal()
    assert "new" in bench.api.kept
