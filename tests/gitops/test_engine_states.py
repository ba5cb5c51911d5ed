"""Terraform's state is looked at seldom, and after each application; what cannot be looked at is no difference."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gitops import engine_states
from gitops.delivery import Place
from gitops.engine_states import OFTEN, EngineStates
from gitops.errors import Waiting
from gitops.settings import Engine
from planner.pools import Pool, PoolSet, ProviderState
from tests.gitops.loop.town import Town, nodes

if TYPE_CHECKING:
    from gitops.fleet import Fleet
    from gitops.gather import Surroundings

POOL = nodes(2)
THERE = PoolSet.of([replace(POOL, state=ProviderState(id="7"))])


@dataclass
class Bench:
    """A town where one pool was applied, and a state that holds what it is told to."""

    town: Town = field(default_factory=Town)
    states: EngineStates = field(default_factory=lambda: EngineStates(place=Place(work=Path("nowhere"))))
    held: tuple[tuple[Pool, str], ...] = ((POOL, "7"),)
    away: bool = False
    looks: int = 0
    said: list[str] = field(default_factory=list)
    engine: Engine = Engine.TERRAFORM

    def applied(self) -> None:
        """Something is merged and applied."""
        self.town.propose(self.town.plan(POOL.resized(2 + len(self.town.engine))))
        self.town.accept()
        assert len(self.town.apply().applied) == 1

    @property
    def fleet(self) -> Fleet:
        settings = replace(self.town.settings, engine=self.engine)
        return cast("Fleet", SimpleNamespace(
            settings=settings, repository=self.town.repository, declared=PoolSet.of([POOL]),
        ))  # fmt: skip

    def read(self, *_: object) -> tuple[tuple[Pool, str], ...]:
        self.looks += 1
        if self.away:
            raise Waiting("the state cannot be reached")
        return self.held

    def look(self) -> None:
        self.states.look(self.fleet, cast("Surroundings", SimpleNamespace(clock=self.town.clock, remark=self.said.append)))

    def told(self) -> list[str] | None:
        found = self.states.drift(self.fleet, THERE)
        return None if found is None else [one.field for one in found]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    made.applied()
    monkeypatch.setattr(engine_states, "state_pools", made.read)
    return made


def test_it_is_looked_at_once_in_a_while(bench: Bench) -> None:
    assert bench.told() is None, "nobody looked"
    for _ in range(3):
        bench.look()
    assert (bench.looks, bench.told()) == (1, [])
    bench.held = ((POOL, "another"),)
    bench.town.clock.sleep(OFTEN - timedelta(seconds=1))
    bench.look()
    assert bench.told() == []
    bench.town.clock.sleep(timedelta(seconds=1))
    bench.look()
    assert (bench.looks, bench.told()) == (2, ["id"])


def test_what_was_seen_before_an_application_says_nothing_after_it(bench: Bench) -> None:
    bench.look()
    bench.applied()
    assert bench.told() is None
    bench.look()
    assert (bench.looks, bench.told()) == (2, [])


def test_a_state_that_cannot_be_looked_at_is_said_and_no_difference(bench: Bench) -> None:
    bench.away = True
    bench.look()
    assert bench.told() is None
    assert bench.said == ["prod: Terraform's state could not be looked at: the state cannot be reached"]
    bench.look()
    assert bench.looks == 1, "not again at once"


def test_where_the_provider_s_list_was_not_read_nothing_is_compared(bench: Bench) -> None:
    bench.look()
    assert bench.states.drift(bench.fleet, PoolSet()) is None


@pytest.mark.parametrize("change", [{"engine": Engine.OVH_API}, {"town": Town()}], ids=["no state", "nothing applied"])
def test_where_there_is_nothing_to_look_at_nobody_looks(bench: Bench, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(bench, name, value)
    bench.look()
    assert bench.looks == 0
