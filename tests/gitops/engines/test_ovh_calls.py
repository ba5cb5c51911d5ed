"""Which call is sent again after which failure, and how often, on a provider that fails as it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from gitops.engines.ovh_calls import create_pool, delete_pool, patiently, update_pool
from gitops.errors import PoolplanError, Refused, Waiting
from gitops.ovh.client import OvhClient
from gitops.ovh.failures import Busy, Conflict, NotFound, QuotaLacking, TooManyRequests
from planner.pools import Pool, PoolSet, ProviderState
from tests.contracts.engines import HandClock
from tests.gitops.fakeengine import MemoryProvider
from tests.gitops.plans import pool

CUT = Waiting("the call broke off")
SLOW_DOWN = TooManyRequests("too many requests", retry_after=42)
BUSY = Busy("the pool is UPSCALING", retry_after=15)


@dataclass(frozen=True)
class Fault:
    """``done``: the call is carried out before it fails."""

    error: PoolplanError
    done: bool = False


@dataclass
class Api(MemoryProvider):
    """``faults`` are those of the changing calls, one after the other; ``hidden`` is how long a new pool is."""

    clock: HandClock = field(default_factory=HandClock)
    faults: list[Fault] = field(default_factory=list)
    hidden: timedelta = timedelta(0)
    sent: list[str] = field(default_factory=list)

    def pools(self) -> PoolSet:
        seen = self.clock.now() >= HandClock().now() + self.hidden
        return super().pools() if seen else PoolSet()

    def pool(self, pool_id: str) -> Pool:
        found = [one for one in self.kept.values() if one.state and one.state.id == pool_id]
        if not found:
            raise NotFound("no such pool")
        return found[0]

    def create_pool(self, pool: Pool) -> Pool:
        if pool.name in self.kept:
            self.sent.append("POST")
            raise Conflict("the name is taken")
        made = cast("Callable[[Pool], Pool]", self._sent("POST", super().create_pool))
        return made(pool)

    def update_pool(self, before: Pool, after: Pool, **more: Any) -> None:
        self._sent("PUT", super().update_pool)(before, after, **more)

    def delete_pool(self, pool_id: str) -> None:
        self._sent("DELETE", super().delete_pool)(pool_id)

    def _sent(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*given: Any, **more: Any) -> Any:
            self.sent.append(method)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None and not fault.done:
                raise fault.error
            answer = call(*given, **more)
            if fault is not None:
                raise fault.error
            return answer

        return made

    def be(self, name: str, status: str) -> None:
        found = self.kept[name]
        assert found.state is not None
        self.kept[name] = replace(found, state=replace(found.state, status=status))

    @property
    def client(self) -> OvhClient:
        return cast("OvhClient", self)

    @property
    def waited(self) -> float:
        return (self.clock.now() - HandClock().now()).total_seconds()


def api(*faults: Fault, **more: Any) -> Api:
    made = Api(faults=list(faults), **more)
    made.kept["old"] = pool("old", 1, state=ProviderState(id="id-old"))
    return made


def creating(one: Api) -> Pool:
    return create_pool(one.client, pool("new", 1), one.clock)


def updating(one: Api) -> None:
    before = one.kept["old"]
    update_pool(one.client, before, before.resized(2), one.clock)


def deleting(one: Api) -> None:
    delete_pool(one.client, one.kept["old"], one.clock)


def test_a_creation_that_broke_off_after_it_was_sent_is_not_sent_again() -> None:
    one = api(Fault(CUT, done=True))
    assert creating(one).state == ProviderState(id="id-1")
    assert one.sent == ["POST"]


def test_a_new_pool_that_is_hidden_for_a_while_is_waited_for() -> None:
    one = api(Fault(CUT, done=True), hidden=timedelta(seconds=100))
    creating(one)
    assert one.sent == ["POST"]
    assert 100 <= one.waited <= 130


def test_a_creation_that_never_arrived_is_sent_again_once_that_is_sure() -> None:
    one = api(Fault(CUT))
    creating(one)
    assert one.sent == ["POST", "POST"]
    assert one.waited >= 120, "a new pool may be hidden for two minutes"
    assert sorted(one.kept) == ["new", "old"]


def test_a_pool_that_was_made_by_a_call_that_broke_off_is_no_conflict() -> None:
    one = api(Fault(CUT, done=True), hidden=timedelta(seconds=125))
    assert creating(one).name == "new"
    assert one.sent == ["POST", "POST"]


def test_a_pool_that_somebody_else_made_is_a_conflict() -> None:
    one = api()
    one.kept["new"] = pool("new", 1, state=ProviderState(id="id-other"))
    with pytest.raises(Conflict):
        creating(one)
    assert one.sent == ["POST"]


@pytest.mark.parametrize("error", [QuotaLacking("vCPUs"), Conflict("other state"), Refused("no")])
@pytest.mark.parametrize("change", [creating, updating, deleting])
def test_what_a_person_must_see_to_is_told_at_once(error: PoolplanError, change: Callable[[Api], None]) -> None:
    one = api(Fault(error))
    with pytest.raises(type(error)):
        change(one)
    assert (len(one.sent), one.waited) == (1, 0)


@pytest.mark.parametrize("change", [creating, updating, deleting])
def test_the_server_is_given_the_time_it_asks_for(change: Callable[[Api], None]) -> None:
    one = api(Fault(SLOW_DOWN), Fault(SLOW_DOWN))
    change(one)
    assert len(one.sent) == 3
    assert one.waited >= 84


@pytest.mark.parametrize("change", [creating, updating, deleting])
def test_a_server_that_asks_for_too_much_is_left_alone(change: Callable[[Api], None]) -> None:
    one = api(Fault(TooManyRequests("come back tomorrow", retry_after=3600)))
    with pytest.raises(TooManyRequests):
        change(one)
    assert (len(one.sent), one.waited) == (1, 0)


@pytest.mark.parametrize("change", [creating, updating, deleting])
def test_trying_has_an_end(change: Callable[[Api], None]) -> None:
    one = api(*[Fault(SLOW_DOWN)] * 9)
    with pytest.raises(TooManyRequests):
        change(one)
    assert len(one.sent) == 5


@pytest.mark.parametrize(("change", "calls"), [(updating, ["PUT"]), (deleting, ["DELETE"])])
def test_a_change_that_broke_off_after_it_took_effect_is_not_sent_again(
    change: Callable[[Api], None], calls: list[str]
) -> None:
    one = api(Fault(CUT, done=True))
    change(one)
    assert one.sent == calls


@pytest.mark.parametrize(("change", "calls"), [(updating, ["PUT"] * 2), (deleting, ["DELETE"] * 2)])
def test_a_change_that_broke_off_without_effect_is_sent_again(change: Callable[[Api], None], calls: list[str]) -> None:
    one = api(Fault(CUT))
    change(one)
    assert one.sent == calls


@pytest.mark.parametrize(("change", "calls"), [(updating, ["PUT"] * 2), (deleting, ["DELETE"])])
def test_a_busy_pool_is_waited_for(change: Callable[[Api], None], calls: list[str]) -> None:
    one = api(Fault(BUSY)) if change is updating else api()
    one.be("old", "UPSCALING")
    sleep = one.clock.sleep

    def resting(duration: timedelta) -> None:
        sleep(duration)
        if one.waited > 60 and "old" in one.kept:
            one.be("old", "READY")

    one.clock.sleep = resting  # type: ignore[method-assign]
    change(one)
    assert one.sent == calls
    assert one.waited > 60


def test_a_pool_that_somebody_else_changed_meanwhile_is_left_alone() -> None:
    one = api(Fault(CUT))
    before = one.kept["old"]
    sleep = one.clock.sleep

    def meddling(duration: timedelta) -> None:
        sleep(duration)
        one.kept["old"] = before.resized(7)

    one.clock.sleep = meddling  # type: ignore[method-assign]
    with pytest.raises(Refused, match="changed by somebody else"):
        updating(one)
    assert one.sent == ["PUT"]


@pytest.mark.parametrize("status", ["DELETING", "DELETED"])
def test_a_pool_that_leaves_already_is_not_deleted_again(status: str) -> None:
    one = api()
    one.be("old", status)
    deleting(one)
    assert one.sent == []


def test_a_question_is_asked_again_while_the_api_is_away() -> None:
    clock, left = HandClock(), [CUT, SLOW_DOWN]

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "pools"

    assert patiently(ask, clock) == "pools"
    assert (clock.now() - HandClock().now()).total_seconds() == 10 + 42
