"""The engine over the OVH API on the sandbox: what it refuses, and how it ends where something fails on the way."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.engines.base import Progress, Stage
from gitops.engines.ovh_api import OvhApiEngine
from gitops.errors import Refused, Stalled, Waiting
from gitops.ovh.client import OvhClient
from gitops.ovh.failures import QuotaLacking
from gitops.sandbox.server import RunningSandbox, start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, Quota, SandboxOptions, Timing
from planner.pools import PoolSet
from tests.contracts.engines import OWNER, HandClock, NotingCaller, goal
from tests.gitops.plans import pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planner.pools import Pool

TIMING = Timing(join_after=timedelta(seconds=90), settle_after=timedelta(seconds=20))


class Place:
    """A sandbox, a client of it, and what the engine told."""

    def __init__(self, sandbox: RunningSandbox, clock: HandClock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.calls: list[str] = []
        caller = NotingCaller(sandbox.url, clock, self.calls.append)
        self.client = OvhClient(caller, service_name=PROJECT, kube_id=CLUSTER)
        self.told: list[Progress] = []

    def engine(self, *owned: str) -> OvhApiEngine:
        return OvhApiEngine(self.client, self.clock, owner=OWNER, owns=lambda one: one.name in owned)

    def fail(self, **failure: object) -> None:
        self.sandbox.model.failures.add(json.dumps(failure).encode())

    def go(self, *pools: Pool, owned: tuple[str, ...] = ()) -> None:
        engine = self.engine(*owned)
        engine.apply(engine.plan(goal("", *pools)), self.told.append)

    def sizes(self) -> dict[str, int]:
        return {one.name: one.desired for one in self.client.pools()}

    def stages(self, name: str) -> list[Stage]:
        return [one.stage for one in self.told if one.pool_name == name and one.stage is not Stage.RUNNING]


@pytest.fixture
def place() -> Iterator[Place]:
    clock = HandClock()
    with ExitStack() as stack:
        quota = Quota(cores=20)
        yield Place(stack.enter_context(start_sandbox(SandboxOptions(timing=TIMING, quota=quota), clock)), clock)


def test_another_flavor_is_no_change_of_a_pool(place: Place) -> None:
    place.go(pool("a", 1), pool("b", 1))
    engine = place.engine()
    plan = engine.plan(goal("", replace(pool("a", 1), flavor="b3-16"), pool("b", 2)))
    assert [(one.pool_name, one.actions, one.replace_paths) for one in plan.changes] == [
        ("a", ("delete", "create"), ("flavor_name",)), ("b", ("update",), ()),
    ]  # fmt: skip
    with pytest.raises(Refused, match="cannot make a pool into another; nothing was changed") as refused:
        engine.apply(plan, place.told.append)
    assert refused.value.reasons == ("a: flavor cannot change: add a pool under a new name and remove this one",)
    assert not refused.value.changed
    assert place.sizes() == {"a": 1, "b": 1}


def test_a_pool_that_changed_since_the_plan_is_left_alone(place: Place) -> None:
    place.go(pool("a", 1), pool("b", 1))
    engine = place.engine()
    plan = engine.plan(goal("", pool("a", 2), pool("b", 2)))
    there = place.client.pools().get("b")
    assert there is not None
    place.client.update_pool(there, there.resized(3))
    place.clock.sleep(timedelta(minutes=3))
    with pytest.raises(Refused, match=r"^pool b is not as it was planned with any more; plan again \(done: update a\)$") as refused:
        engine.apply(plan, place.told.append)
    assert refused.value.changed
    assert place.sizes() == {"a": 2, "b": 3}


def test_a_name_that_is_still_taken_by_a_pool_that_leaves_is_waited_for(place: Place) -> None:
    place.go(pool("a", 1))
    old = place.client.pools().get("a")
    assert old is not None
    assert old.state is not None
    place.client.delete_pool(old.state.id)
    engine = place.engine()
    plan = engine.plan(goal("", pool("a", 2)))
    assert [one.actions for one in plan.changes] == [("create",)]
    engine.apply(plan, place.told.append)
    new = place.client.pools().get("a")
    assert new is not None
    assert new.state is not None
    assert (new.desired, new.state.id != old.state.id) == (2, True)


def test_a_deletion_that_is_under_way_is_waited_for(place: Place) -> None:
    place.go(pool("a", 1))
    old = place.client.pools().get("a")
    assert old is not None
    assert old.state is not None
    place.client.delete_pool(old.state.id)
    place.calls.clear()
    place.go(owned=("a",))
    assert place.sizes() == {}
    assert "before DELETE" not in place.calls


def test_a_lacking_quota_is_told_once_the_others_are_there(place: Place) -> None:
    with pytest.raises(QuotaLacking, match=r"quota of vCPUs is too small.*\(done: create a\)$"):
        place.go(pool("a", 1), pool("b", 20), pool("c", 1))
    assert place.sizes() == {"a": 1}
    assert place.calls.count("before POST") == 2, "a lacking quota is not asked for again, and nothing comes after it"
    assert (place.stages("a"), place.stages("b")) == ([Stage.STARTED, Stage.COMPLETE], [Stage.STARTED, Stage.FAILED])
    place.go(pool("a", 1), pool("c", 1))
    assert place.sizes() == {"a": 1, "c": 1}, "the next run goes on"


def test_a_pool_that_fails_is_told_once_the_others_are_there(place: Place) -> None:
    place.fail(scenario="pool-quota-error")
    with pytest.raises(Stalled) as stalled:
        place.go(pool("a", 1), pool("b", 1))
    assert str(stalled.value) == (
        "OVH put pool a into USER_QUOTA_ERROR while it was awaited; raise the project's quota, or plan smaller "
        "(done: create b)"
    )
    assert (place.stages("a"), place.stages("b")) == ([Stage.STARTED, Stage.FAILED], [Stage.STARTED, Stage.COMPLETE])


def test_a_pool_that_never_comes_is_waited_for_an_hour() -> None:
    clock = HandClock()
    with start_sandbox(SandboxOptions(timing=Timing(join_after=timedelta(days=1))), clock) as sandbox:
        place = Place(sandbox, clock)
        with pytest.raises(Waiting, match=r"not at rest after an hour: a; apply again"):
            place.go(pool("a", 1))
    assert timedelta(hours=1) <= clock.now() - HandClock().now() < timedelta(minutes=61)


def test_waiting_takes_one_call_for_all_pools(place: Place) -> None:
    place.go(*(pool(name, 1) for name in "abcdef"))
    waiting = place.calls[len(place.calls) - place.calls[::-1].index("before POST") :]
    assert waiting.count("before GET") < 20, "two minutes, looked at ever less often"


@pytest.mark.parametrize("scenario", ["not-found-after-create", "server-error", "rate-limited"])
def test_an_api_with_its_quirks_gets_each_pool_once(place: Place, scenario: str) -> None:
    order = {"not-found-after-create": {}}.get(scenario, {"method": "POST", "path": "*/nodepool"})
    place.fail(scenario=scenario, **order)
    place.go(pool("a", 1), pool("b", 2))
    assert place.sizes() == {"a": 1, "b": 2}


def test_a_deleted_pool_that_still_says_ready_is_waited_for(place: Place) -> None:
    place.go(pool("a", 1))
    place.fail(scenario="ready-after-delete")
    place.go(owned=("a",))
    assert place.client.pools() == PoolSet()
