"""The engines that the contract suite runs over, each on a provider of its own, and what happens at that provider.

A new engine joins by adding its maker to ``MAKERS``. ``make`` gets a folder of the test's own and an ExitStack for
whatever has to be stopped afterwards; it gives a bench whose provider has the pools of ``FOREIGN`` and no others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from gitops.agreement import Owner
from gitops.clock import SystemClock
from gitops.engines.base import Engine, Goal
from gitops.engines.delegating import Promotion, delegated_engine, following_of
from gitops.engines.ovh_api import OvhApiEngine
from gitops.engines.terraform import TerraformEngine, TerraformSettings
from gitops.git.base import BranchName, CommitId
from gitops.git.memory import MemoryRepository
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.ovh.transport import Transport
from gitops.process import find_program
from gitops.sandbox.model import SandboxModel
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from gitops.settings import Engine as EngineKind
from gitops.settings import OvhSettings, Settings
from planner.pools import Pool, PoolSet
from renderer.delegated import Delegate
from renderer.terraform_settings import TerraformSettings as Rendered
from renderer.tree import render_files
from tests.gitops.fakeengine import FakeEngine, MemoryProvider, Provider
from tests.gitops.plans import pool
from tests.gitops.standin import StandIn, TofuStandIn

OWNER = Owner(service_name=PROJECT, kube_id=CLUSTER)
FOREIGN = pool("by-hand", 1, labels=(("team", "other"),))
DELEGATED = Settings(
    name="paris", ovh=OvhSettings(service_name=PROJECT, kube_id=CLUSTER), engine=EngineKind.DELEGATED,
    delegate=Delegate.ARGO_CD,
)  # fmt: skip
KEYS = dict.fromkeys(("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"), "sandbox")


class Killed(BaseException):
    """The process ends here."""


@dataclass
class HandClock:
    time: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, duration: timedelta) -> None:
        self.time += duration


@dataclass
class Kill:
    """Counts moments, and ends the process at the one that was chosen."""

    at: int | None = None
    moments: list[str] = field(default_factory=list)
    end: Callable[[], None] = lambda: None

    def note(self, moment: str) -> None:
        self.moments.append(moment)
        if len(self.moments) == self.at:
            self.end()
            raise Killed


class Bench(Protocol):
    """An engine and its provider. ``engine`` gives one as a new process would make it, which ``kill`` may end.

    ``owns``: which pools that the goal does not declare it deletes, where the engine keeps no state of its own.
    """

    provider: Provider

    def engine(self, owns: frozenset[str] = frozenset(), kill: Kill | None = None) -> Engine: ...
    def goal(self, *pools: Pool) -> Goal: ...


@dataclass
class MemoryBench:
    """The fake engine on a provider in memory."""

    provider: Provider

    def engine(self, owns: frozenset[str] = frozenset(), kill: Kill | None = None) -> Engine:
        assert isinstance(self.provider, MemoryProvider)
        self.provider.note = kill.note if kill else lambda _call: None
        return FakeEngine(self.provider, OWNER, owns=lambda one: one.name in owns)

    def goal(self, *pools: Pool) -> Goal:
        return goal("", *pools)


@dataclass
class NotingCaller:
    """The API, with a moment before and after every call. It signs anew once the sandbox's time was set forward."""

    url: str
    clock: HandClock
    note: Callable[[str], None]
    inner: Transport | None = None
    since: datetime | None = None

    def call(self, method: str, path: str, *, body: Any = None, signed: bool = True) -> object:
        self.note(f"before {method}")
        if self.inner is None or self.since != self.clock.now():
            self.inner = Transport(credentials_from({"OVH_ENDPOINT": self.url, **KEYS}), self.clock)
            self.since = self.clock.now()
        answer = self.inner.call(method, path, body=body, signed=signed)
        self.note(f"after {method}")
        return answer


@dataclass
class ApiBench:
    """The engine over the OVH API, on the sandbox."""

    provider: Provider
    url: str
    clock: HandClock

    def engine(self, owns: frozenset[str] = frozenset(), kill: Kill | None = None) -> Engine:
        client = _client(self.url, self.clock, kill.note if kill else lambda _moment: None)
        return OvhApiEngine(client, self.clock, owner=OWNER, owns=lambda one: one.name in owns)

    def goal(self, *pools: Pool) -> Goal:
        return goal("", *pools)


@dataclass
class NotingRepository(MemoryRepository):
    """A repository, with a moment before and after every push."""

    note: Callable[[str], None] = lambda _moment: None

    def __post_init__(self) -> None:
        super().__init__()

    def push(self, commit: CommitId, branch: BranchName, *, expect: CommitId | None) -> None:
        self.note("before push")
        super().push(commit, branch, expect=expect)
        self.note("after push")


@dataclass
class DelegateBench:
    """A delegated engine on the sandbox, with a stand-in for the delegate that wakes while the engine sleeps."""

    provider: Provider
    url: str
    clock: WakingClock
    repository: NotingRepository
    standin: StandIn | TofuStandIn

    def client(self, kill: Kill | None = None) -> OvhClient:
        """The API, and the repository too, with moments that ``kill`` may end the process at."""
        note = kill.note if kill else lambda _moment: None
        self.repository.note = note
        return _client(self.url, self.clock, note)

    def engine(self, owns: frozenset[str] = frozenset(), kill: Kill | None = None) -> Engine:
        client = self.client(kill)
        settings = replace(DELEGATED, delegate=self.standin.delegate)
        return delegated_engine(
            settings, Promotion(repository=self.repository, api=lambda: self.standin),
            OvhApiEngine(client, self.clock, owner=OWNER, owns=lambda one: one.name in owns), client, self.clock,
        )  # fmt: skip

    def goal(self, *pools: Pool) -> Goal:
        return goal("", *pools)


@dataclass
class WakingClock(HandClock):
    """A clock whose passing wakes somebody."""

    wake: Callable[[], None] = lambda: None

    def sleep(self, duration: timedelta) -> None:
        super().sleep(duration)
        self.wake()


@dataclass
class TerraformBench:
    """Terraform with the stand-in provider, on the sandbox, which kills it when it is told to."""

    provider: Provider
    url: str
    model: SandboxModel
    folder: Path
    program: str
    cli_config: Path

    def engine(self, owns: frozenset[str] = frozenset(), kill: Kill | None = None) -> Engine:
        del owns  # its state tells
        for call in ("create_pool", "update_pool", "delete_pool"):
            setattr(self.model, call, _noting(getattr(SandboxModel, call), self.model, call, kill))
        return TerraformEngine(TerraformSettings(
            directory=self.folder / "files", work=self.folder / "work", program=self.program,
            cli_config=self.cli_config, variables={"OVH_ENDPOINT": self.url, **KEYS},
        ))  # fmt: skip

    def goal(self, *pools: Pool) -> Goal:
        return goal(self.url, *pools)


@dataclass(frozen=True)
class Maker:
    """An engine by name. ``stride``: only each so manieth moment is tried, where one takes long."""

    name: str
    make: Callable[[Path, ExitStack], Bench]
    stride: int = 1

    def __str__(self) -> str:
        return self.name


def goal(url: str, *pools: Pool) -> Goal:
    wanted = PoolSet.of(pools)
    settings = Rendered(service_name=PROJECT, kube_id=CLUSTER, endpoint=url or "ovh-eu")
    return Goal(pools=wanted, files=render_files(wanted, settings))


def _client(url: str, clock: HandClock, note: Callable[[str], None] = lambda _moment: None) -> OvhClient:
    return OvhClient(NotingCaller(url, clock, note), service_name=PROJECT, kube_id=CLUSTER)


def _noting(call: Any, model: SandboxModel, name: str, kill: Kill | None) -> Callable[..., object]:
    def noting(*arguments: object) -> object:
        answer: object = call(model, *arguments)
        if kill is not None:
            kill.end = kill_children
            kill.note(f"after {name}")
        return answer

    return noting


def kill_children() -> None:
    """End the Terraform that this process started, and the provider that it started, at once."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = stat.read_text()
            parents[int(stat.parent.name)] = int(text.rpartition(")")[2].split()[1])
    family = [os.getpid()]
    for one in family:
        family += [child for child, parent in sorted(parents.items()) if parent == one]
    for one in family[1:]:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _memory(_folder: Path, _stack: ExitStack) -> Bench:
    provider = MemoryProvider()
    provider.create_pool(FOREIGN)
    return MemoryBench(provider)


def _api(_folder: Path, stack: ExitStack) -> Bench:
    clock = HandClock()
    timing = Timing(join_after=timedelta(seconds=90), settle_after=timedelta(seconds=20))
    sandbox = stack.enter_context(start_sandbox(SandboxOptions(timing=timing), clock))
    client = _client(sandbox.url, clock)
    client.create_pool(FOREIGN)
    clock.sleep(timedelta(minutes=5))
    return ApiBench(client, sandbox.url, clock)


def delegate_bench(delegate: Delegate, stack: ExitStack) -> DelegateBench:
    """A delegated engine, and nothing on the live branch yet."""
    clock = WakingClock()
    timing = Timing(join_after=timedelta(seconds=90), settle_after=timedelta(seconds=20))
    sandbox = stack.enter_context(start_sandbox(SandboxOptions(timing=timing), clock))
    client = _client(sandbox.url, clock)
    client.create_pool(FOREIGN)
    clock.sleep(timedelta(minutes=5))
    repository = NotingRepository()
    following = following_of(DELEGATED)
    standin = StandIn(delegate, repository, client, following)
    clock.wake = standin.reconcile
    return DelegateBench(client, sandbox.url, clock, repository, standin)


def tofu_bench(stack: ExitStack) -> DelegateBench:
    """The same with a stand-in for tofu-controller."""
    bench = delegate_bench(Delegate.TOFU_CONTROLLER, stack)
    bench.standin = TofuStandIn(bench.repository, bench.standin.client, bench.standin.following, OWNER)
    bench.clock.wake = bench.standin.reconcile
    return bench


def _terraform(folder: Path, stack: ExitStack) -> Bench:
    program = find_program("terraform") or find_program("tofu")
    if program is None:
        pytest.skip("neither terraform nor tofu is on PATH")
    at_once = Timing(join_after=timedelta(0), settle_after=timedelta(0))
    sandbox = stack.enter_context(start_sandbox(SandboxOptions(timing=at_once), SystemClock()))
    client = _client(sandbox.url, HandClock(SystemClock().now()))
    client.create_pool(FOREIGN)
    return TerraformBench(client, sandbox.url, sandbox.model, folder, program, install_mirror(folder / "mirror"))


MAKERS = (
    Maker("fake", _memory), Maker("ovh-api", _api), Maker("terraform", _terraform, stride=2),
    Maker("argocd", lambda _folder, stack: delegate_bench(Delegate.ARGO_CD, stack)),
    Maker("tofu-controller", lambda _folder, stack: tofu_bench(stack), stride=2),
    Maker("flux", lambda _folder, stack: delegate_bench(Delegate.FLUX, stack), stride=4),
)  # fmt: skip
