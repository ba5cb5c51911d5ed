"""A cluster and its fleet repository with one approved change, and processes of poolplan that carry it out.

The change has every step: a pool is made, one grows, one gets a label, a named node with pods leaves a pool that stays,
and a pool goes. All but the wires is real: ``gitops.delivery.deliver`` from the claim to the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from gitops.agreement import Owner
from gitops.apply.journal import BEGUN, Entry, FileJournal
from gitops.apply.steps import Act, steps_of
from gitops.catalogs.bundle import bundled
from gitops.delivery import Place, Tell, deliver, work_of
from gitops.engines import delegating
from gitops.engines.making import Ground, make_engine
from gitops.errors import Interrupted, Overtaken, Waiting
from gitops.files import locked
from gitops.fleet import Fleet
from gitops.forges.plain import PlainForge
from gitops.gather import Sources, Surroundings
from gitops.git.base import Author, BranchName, CommitId
from gitops.git.memory import MemoryRepository
from gitops.loop.claims import conclude
from gitops.loop.delivering import Delivery
from gitops.loop.ledger import read_ledger
from gitops.loop.records import Event, Record
from gitops.loop.trees import Trees
from gitops.loop.world import World
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.ovh.transport import Transport
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.joining import joined_nodes, node_builder
from gitops.sandbox.model import SandboxModel
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from gitops.settings import Settings
from planner.pending import rfc3339
from planner.plan import Plan
from planner.policy import Policy
from planner.pools import PoolSet
from renderer.delegated import Delegate
from tests.gitops import standin
from tests.gitops.plans import pool
from tests.gitops.standin import StandIn, TofuStandIn
from tests.reliability.served import Served
from tests.reliability.trouble import AGREE, RECORD, Fault, Trouble
from tests.reliability.wire import Clock, ClusterWire, OvhWire

standin.parse_pools = cache(standin.parse_pools)  # type: ignore[attr-defined]  # a delegate that looks each minute reads the same again and again
MAIN = BranchName("main")
ADA = Author("Ada", "ada@example.org")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWNER = Owner(service_name=PROJECT, kube_id=CLUSTER)
KEYS = dict.fromkeys(("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"), "sandbox")
ADDRESS = "http://127.0.0.1:1/1.0"
"""Where nothing listens: every call goes through the wire."""
LEISURELY = Timing(join_after=timedelta(seconds=90), settle_after=timedelta(seconds=20))
FOREIGN = pool("by-hand", 1, labels=(("team", "other"),))
BEFORE = (pool("goes", 1), pool("grows", 1), pool("labelled", 1), pool("shrinks", 3))
AFTER = (
    pool("grows", 2), pool("labelled", 1, labels=(("team", "web"),)), pool("made", 1), pool("shrinks", 2),
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A site at rest, to begin from again and again."""

    settings: Settings
    world: Any
    cluster: Any
    objects: dict[str, bytes]
    heads: dict[BranchName, CommitId]
    plan: Plan
    nodes: frozenset[str]
    trees: dict[CommitId, Any] = field(default_factory=dict)
    served: Served | None = None
    state: bytes = b""


class WatchedRepository(MemoryRepository):
    """A repository whose server can be away, refuse, or be asked by others meanwhile."""

    trouble: Trouble
    clock: Clock
    between: Any = None

    def refresh(self) -> None:
        fault = self._met("GET")
        if fault is not None and fault.how == "away":
            raise Waiting("the remote does not answer")
        if fault is not None and fault.how.startswith("kill"):
            self.trouble.kill()

    def push(self, commit: CommitId, branch: BranchName, *, expect: CommitId | None) -> None:
        fault = self._met("PUSH")
        match fault.how if fault else "":
            case "away":
                raise Waiting("the remote does not answer")
            case "rejected":
                raise Overtaken(f"{self.name}: the branch {branch} was changed by somebody else meanwhile")
            case "moved":
                self.between()
            case "kill-before":
                self.trouble.kill()
        super().push(commit, branch, expect=expect)
        match fault.how if fault else "":
            case "kill-after":
                self.trouble.kill()
            case "cut":
                raise Waiting("the connection to the remote was lost")

    def _met(self, verb: str) -> Fault | None:
        return self.trouble.meets("git", verb, self.clock.now())


@dataclass
class WatchedJournal:
    """The journal in its file, on a disk that can be full."""

    inner: FileJournal
    site: Site

    def add(self, entry: Entry) -> None:
        trouble = self.site.trouble
        if entry.state == BEGUN and entry.step.act is Act.HEAL:
            trouble.step = Act.HEAL.value
        fault = trouble.meets("journal", "NOTE", self.site.clock.now())
        how = fault.how if fault else ""
        if how == "kill-before":
            trouble.kill()
        if how == "torn":
            self._tear()
            trouble.kill()
        full = OSError(28, "No space left on device")
        with mock.patch("gitops.files.os.fsync", side_effect=full if how == "full" else None):
            self.inner.add(entry)
        if how == "kill-after":
            trouble.kill()
        if entry.step.act is Act.VERIFY and entry.state != BEGUN:
            trouble.step = RECORD

    def entries(self) -> tuple[Entry, ...]:
        return self.inner.entries()

    def _tear(self) -> None:
        """Half a line is written."""
        path: Path = self.inner._path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write('{"at": "2026-03-')


class QuietForge(PlainForge):
    """Plain Git, with a place for statuses that can be away."""

    trouble: Trouble
    clock: Clock

    def set_status(self, *told: Any, **more: Any) -> None:
        if self.trouble.meets("forge", "STATUS", self.clock.now()) is not None:
            raise Waiting("the forge does not answer")


@dataclass(kw_only=True)
class Site:
    """One site, begun from ``kept``. ``folder`` is this machine's state folder; ``run`` is one process."""

    kept: Kept
    folder: Path
    clock: Clock = field(default_factory=lambda: Clock(NOON + timedelta(hours=2)))
    trouble: Trouble = field(default_factory=Trouble)
    effects: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    lost: frozenset[str] = frozenset()
    drift: bool = False
    holder: str = "machine"
    idle_until: datetime = NOON
    ends: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.settings = self.kept.settings
        served = self.kept.served
        if served is None:
            self.model = SandboxModel(SandboxOptions(timing=LEISURELY), bundled(), clock=self.clock)
        else:
            self.model = served.begin(self)
        self.model._world = self.kept.world
        self.cluster = SandboxCluster(self.clock)
        self._build = node_builder(self.model.catalog, self.model.options.region)
        self._synced = self.kept.world
        if self.kept.cluster:
            self.cluster.load(self.kept.cluster)
        self.repository = WatchedRepository()
        self.repository.trouble, self.repository.clock = Trouble(), self.clock
        self.repository._objects, self.repository._heads = dict(self.kept.objects), dict(self.kept.heads)
        self.repository.between = self.somebody_records
        self.delegate = self._delegate()
        if self.delegate is not None:
            self.delegate.reconcile()
        self.clock.ticks.append(self.tick)

    # --- what is there

    def client(self, *, quiet: bool = True) -> OvhClient:
        """The OVH API; ``quiet``: no fault strikes, and nothing counts."""
        made = Transport(credentials_from({"OVH_ENDPOINT": ADDRESS, **KEYS}), self.clock)
        trouble, effects = (Trouble(), Counter[str]()) if quiet else (self.trouble, self.effects)
        made._client = OvhWire(self.model, self.clock, trouble, effects)
        return OvhClient(made, service_name=PROJECT, kube_id=CLUSTER)

    def tick(self) -> None:
        """Time has passed: nodes join and leave, pods stop, a delegate looks."""
        world = self.model.advance()
        if world != self._synced:
            self.cluster.sync(joined_nodes(world, self._build))
            self._synced = world
        if any("deletionTimestamp" in one["metadata"] for one in self.cluster.listing("pods")):  # type: ignore[operator]
            self.cluster.settle(self.clock.now())
        if self.delegate is not None and not self.trouble.dead and self.clock.now() >= self.idle_until:
            self.delegate.reconcile()

    def nodes(self) -> frozenset[str]:
        """The names of the provider's nodes that are not on their way out."""
        world = self.model.advance()
        return frozenset(one.name for one in world.nodes if not one.status.leaving)

    def pools(self) -> PoolSet:
        return self.client().pools()

    def unschedulable(self) -> frozenset[str]:
        """Nodes that take no pods, or still have poolplan's note."""
        found: Any = self.cluster.listing("nodes")
        return frozenset(
            one["metadata"]["name"] for one in found
            if one["spec"].get("unschedulable") or "poolplan.dev/cordoned-for" in one["metadata"].get("annotations", {})
        )  # fmt: skip

    def records(self) -> list[Record]:
        return list(read_ledger(self.repository, self.settings).records)

    @property
    def journal(self) -> Path:
        return next(iter(sorted(self.folder.rglob("journal.jsonl"))), self.folder / "journal.jsonl")

    def entries(self) -> tuple[Entry, ...]:
        return FileJournal(self.journal).entries()

    # --- what happens

    def somebody_records(self) -> None:
        """Another machine adds a record of something else."""
        record = Record(event=Event.WITHDRAWN, at=rfc3339(self.clock.now()), kind="up", digest="sha256:other")
        self.repository.between = lambda: None
        trouble, self.repository.trouble = self.repository.trouble, Trouble()
        conclude(self._world(), self.settings, record)
        self.repository.trouble = trouble

    def move(self) -> None:
        """Another machine goes on from here: it has nothing of what the first one kept."""
        self.holder, self.folder = "another", self.folder / "another"

    # --- what poolplan does

    def run(self, trouble: Trouble | None = None) -> Delivery:
        """One process of ``poolplan apply``. Raises what it raises, and Killed."""
        self.trouble = trouble or Trouble()
        self.repository.trouble, self.repository.clock = self.trouble, self.clock
        steps = [one.act.value for one in steps_of(self.kept.plan)]
        begun = iter(steps)

        def may() -> None:
            self.trouble.step = next(begun)
            if self.trouble.meets("lead", "MAY", self.clock.now()):
                raise Interrupted("this process does not lead any more")
            for seam in ("world", "state"):
                if (fault := self.trouble.meets(seam, "HAPPEN", self.clock.now())) is not None:
                    self.happen(fault.how)

        environment = {**KEYS, "OVH_ENDPOINT": self.settings.ovh.endpoint}
        around = Surroundings(environment=environment, clock=self.clock,
                              remark=self.said.append)  # fmt: skip
        fleet = Fleet(
            repository=self.repository, settings=self.settings, main=self._main(), files=self._tree().files,
            policy=None, declared=PoolSet(),  # type: ignore[arg-type]
        )  # fmt: skip
        tell = Tell(report=lambda _: None, say=self.said.append, may=may, retry=True)
        with ExitStack() as stack:
            self.ends = stack
            if self.trouble.meets("lock", "LOCK", self.clock.now()) is not None:
                stack.enter_context(locked(work_of(self.folder, self.settings) / "poolplan.lock", "another process"))
            stack.enter_context(self._patched())
            return deliver(fleet, Sources(), around, self._place(), tell)

    def _place(self) -> Place:
        served = self.kept.served
        if served is None:
            return Place(work=self.folder, holder=self.holder)
        return Place(work=self.folder, holder=self.holder, program=served.program, cli_config=served.cli_config)

    def happen(self, what: str) -> None:
        from tests.reliability.happenings import HAPPENINGS  # noqa: PLC0415 - it works on sites

        HAPPENINGS[what](self)

    @contextmanager
    def _patched(self) -> Iterator[None]:
        api = ClusterWire(self.cluster, self.clock, self.trouble, self.effects, self.delegate)

        def make(ground: Ground) -> Any:
            self.trouble.step = AGREE
            if (fault := self.trouble.meets("state", "HAPPEN", self.clock.now())) is not None:
                self.happen(fault.how)
            return make_engine(ground)

        patches: dict[str, Any] = {
            "connect": lambda _around: self.client(quiet=False),
            "connect_cluster": lambda *_: api,
            "open_world": lambda *_, **__: self._world(),
            "trees_of": lambda *_: self._trees(),
            "make_engine": make,
            "FileJournal": lambda path: WatchedJournal(FileJournal(path), self),
            "bring_to_git": lambda *_: None,
        }
        with ExitStack() as stack:
            for name, new in patches.items():
                stack.enter_context(mock.patch(f"gitops.delivery.{name}", new))
            yield

    def _main(self) -> CommitId:
        head = self.repository.head(MAIN)
        assert head is not None
        return head

    def _trees(self) -> Trees:
        return Trees(
            repository=self.repository, settings=self.settings, catalog=bundled(), text="kind: Cluster\n",
            read_policy=lambda _: Policy(), _known=self.kept.trees,
        )  # fmt: skip

    def _tree(self) -> Any:
        return self._trees().at(self._main())

    def _world(self) -> World:
        forge = QuietForge(self.repository)
        forge.trouble, forge.clock = self.trouble, self.clock
        return World(repository=self.repository, forge=forge, variables={}, remark=self.said.append)

    def _delegate(self) -> StandIn | TofuStandIn | None:
        kind = self.settings.delegate
        if kind is None:
            return None
        unwatched = MemoryRepository()
        unwatched._objects, unwatched._heads = self.repository._objects, self.repository._heads
        following, client = delegating.following_of(self.settings), self.client()
        if kind is Delegate.TOFU_CONTROLLER:
            return TofuStandIn(unwatched, client, following, OWNER, mine={str(one.name) for one in BEFORE})
        return StandIn(kind, unwatched, client, following)
