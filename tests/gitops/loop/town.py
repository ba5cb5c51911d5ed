"""A town for the loop to live in: one repository, a forge in memory with people, and plans made in one line.

``propose`` and ``apply`` are one pass each. The engine writes down what it is given, and what the provider then has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.apply.hands import Applied
from gitops.catalogs.bundle import bundled
from gitops.forges.memory import MemoryForge
from gitops.forges.memory_server import MemoryServer
from gitops.forges.plain import PlainForge
from gitops.git.base import BranchName, CommitId, Draft
from gitops.git.memory import MemoryRepository
from gitops.loop.delivering import Delivery, deliver_all
from gitops.loop.drafting import proposal_branch
from gitops.loop.ledger import Ledger, ledger_branch, read_ledger
from gitops.loop.proposing import propose
from gitops.loop.trees import Trees
from gitops.loop.world import World
from planner.aims import Aims, policy_digest
from planner.decide import Inputs
from planner.plan import Pending
from planner.policy import Policy
from planner.pools import PoolSet
from planner.portion import Kind
from planner.snapshot import Snapshot
from renderer.files import FileSet
from renderer.layout import CLUSTER
from renderer.tree import parse_pools, render_files
from tests.gitops.git.tools import MAIN, NOON, SOMEBODY
from tests.gitops.plans import SETTINGS, plan_of, pool

if TYPE_CHECKING:
    from gitops.forges.base import Forge, PullRequest
    from gitops.git.base import Repository
    from gitops.git.signing import Signer
    from gitops.loop.acting import Done
    from gitops.loop.claims import Turn
    from gitops.settings import Settings
    from planner.drift import Drift
    from planner.plan import Plan
    from planner.pools import Pool

ADA, GRACE, BOT = "ada", "grace", "poolplan"


@dataclass
class TownClock:
    """A clock that stands still until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def sleep(self, duration: timedelta) -> None:
        self.at += duration


@dataclass(kw_only=True)
class Town:
    """Everything at one place. ``settings`` may be replaced between passes, as a change of cluster.yaml would."""

    clock: TownClock = field(default_factory=TownClock)
    settings: Settings = SETTINGS
    plain: bool = False
    holder: str = "one"
    freeze: str | None = None
    asked: bool = False
    signer: Signer | None = None
    observed: PoolSet = field(default_factory=PoolSet)
    snapshot: Snapshot = field(default_factory=Snapshot)
    engine: list[tuple[str, Plan]] = field(default_factory=list)
    engine_state: tuple[Drift, ...] | None = ()
    repository: Repository = field(default_factory=MemoryRepository)

    def __post_init__(self) -> None:
        self.server = MemoryServer(self.repository, self.clock)
        self.memory = MemoryForge(self.server)
        self.forge: Forge = PlainForge(self.repository) if self.plain else self.memory
        self.server.protect(MAIN)
        self.edit({"cluster.yaml": "kind: Cluster\n", "policy/a.yaml": "a: 1\n"}, "Begin")

    # --- what is there

    @property
    def main(self) -> CommitId:
        head = self.repository.head(MAIN)
        assert head is not None
        return head

    @property
    def declared(self) -> PoolSet:
        files = self.repository.read(self.main, self.settings.folder)
        return parse_pools(files.inside(PurePosixPath("pools")), self.settings.live)

    @property
    def ledger(self) -> Ledger:
        return read_ledger(self.repository, self.settings)

    @property
    def events(self) -> list[str]:
        return [one.event.value for one in self.ledger.records]

    def superseding(self) -> CommitId:
        """The ledger's commit that keeps what was superseded."""
        branch = ledger_branch(self.settings)
        log = self.repository.log(branch, PurePosixPath("records"), limit=50)
        return next(one.id for one in log if len(one.parents) == 2)

    def branch(self, kind: Kind = Kind.UP) -> BranchName:
        return proposal_branch(kind, self.settings)

    def tip(self, kind: Kind = Kind.UP) -> CommitId | None:
        return self.repository.head(self.branch(kind))

    def request(self, kind: Kind = Kind.UP) -> PullRequest:
        """The newest request of a kind."""
        return [one for one in self.server.requests() if one.branch == self.branch(kind)][-1]

    def said(self, number: int) -> str:
        return "\n".join(one.text for one in self.server.kept(number).comments)

    def arm(self, *, armed: bool) -> None:
        """Let a repository that kills do so only while poolplan writes to it."""
        if hasattr(self.repository, "armed"):
            self.repository.armed = armed

    # --- what people do

    def edit(
        self, texts: dict[str, str], message: str = "By hand", *, branch: str = "main", whole: bool = False
    ) -> CommitId:
        """Somebody's commit in the cluster's folder, pushed; ``whole``: other files of it go."""
        name = BranchName(branch)
        parent = self.repository.head(name) or self.repository.head(MAIN)
        there = self.repository.read(parent, self.settings.folder).paths() if parent and whole else ()
        draft = Draft(
            root=self.settings.folder, message=message, author=SOMEBODY, at=self.clock.now(),
            files=FileSet.of({PurePosixPath(path): text for path, text in texts.items()}),
            removed=tuple(path for path in there if str(path) not in texts),
        )  # fmt: skip
        commit = self.repository.commit(draft, parent=parent)
        self.repository.push(commit, name, expect=self.repository.head(name))
        return commit

    def accept(self, kind: Kind = Kind.UP) -> PullRequest:
        """Ada approves the newest request of a kind, and merges it."""
        request = self.request(kind)
        self.server.approve(ADA, request.number)
        self.server.merge(ADA, request.number)
        return request

    def edit_pools(self, *pools: Pool) -> CommitId:
        """Main declares these pools, by hand."""
        files = render_files(PoolSet.of(pools), self.settings.terraform).under(PurePosixPath("pools"))
        return self.edit({str(path): text for path, text in files}, "Declare pools")

    def edit_file(self, path: str, text: str, *, branch: str) -> CommitId:
        """A commit of one file anywhere in the repository."""
        name = BranchName(branch)
        head = self.repository.head(name)
        draft = Draft(
            root=PurePosixPath(), message="By hand", author=SOMEBODY, at=self.clock.now(),
            files=FileSet.of({PurePosixPath(path): text}),
        )  # fmt: skip
        commit = self.repository.commit(draft, parent=head)
        self.repository.push(commit, name, expect=head)
        return commit

    def edit_elsewhere(self) -> CommitId:
        """A commit to main outside of the cluster's folder."""
        parent = self.main
        draft = Draft(
            root=PurePosixPath("clusters/other"), message="Elsewhere", author=SOMEBODY, at=self.clock.now(),
            files=FileSet.of({PurePosixPath("a"): self.main}),
        )  # fmt: skip
        commit = self.repository.commit(draft, parent=parent)
        self.repository.push(commit, MAIN, expect=parent)
        return commit

    def forge_commit(self, tip: CommitId, how: str) -> CommitId:
        """Replace a proposal's commit by one with the same message and author that does something else."""
        commit = self.repository.show(tip)
        author = commit.author
        files = {"pools/terraform/pool-karpenter-b3-8-a.tf": "# nothing\n"}
        draft = Draft(
            root=self.settings.folder if how == "amended" else PurePosixPath(), message=commit.message, author=author,
            at=commit.at, files=FileSet.of({PurePosixPath(one): text for one, text in (
                files if how == "amended" else {"CODEOWNERS": "* @mallory\n"}
            ).items()}),
        )  # fmt: skip
        forged = self.repository.commit(draft, parent=tip, also=(self.main,) if how == "merged" else ())
        if how != "merged":  # the same parent as poolplan's own commit, so that it looks like it
            both = dict(self.repository.read(tip, PurePosixPath()))
            both.update({draft.root / path: text for path, text in draft.files})
            whole = replace(draft, root=PurePosixPath(), files=FileSet.of(both))
            forged = self.repository.commit(whole, parent=commit.parents[0])
        self.repository.push(forged, self.branch(), expect=tip)
        return forged

    def break_ledger(self) -> None:
        """Somebody writes nonsense into the ledger."""
        branch = ledger_branch(self.settings)
        head = self.repository.head(branch)
        draft = Draft(
            root=PurePosixPath("records"), message="Oops", author=SOMEBODY, at=self.clock.now(),
            files=FileSet.of({PurePosixPath("0000001-opened.json"): "{}\n"}),
        )  # fmt: skip
        self.repository.push(self.repository.commit(draft, parent=head), branch, expect=head)

    def repository_main(self) -> BranchName:
        return MAIN

    # --- what poolplan does

    def plan(self, *desired: Pool, pods: int = 3, priority: int = 0, **how: object) -> Plan:
        """The plan from what main declares to these pools."""
        made = plan_of(tuple(self.declared), desired, **how)  # type: ignore[arg-type]
        since = (self.clock.now() - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        evidence = replace(made.evidence, policy=self.policy, now=self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        changes = tuple(replace(one, priority=priority) for one in made.changes)
        return replace(made, evidence=evidence, changes=changes, pending=Pending(pods=pods, since=since, newest=since))

    @property
    def policy(self) -> str:
        return policy_digest(Policy(), Aims())

    def trees(self) -> Trees:
        text = self.repository.read(self.main, self.settings.folder).get(CLUSTER) or ""
        return Trees(
            repository=self.repository, settings=self.settings, catalog=bundled(), text=text,
            read_policy=lambda _: Policy(),
        )  # fmt: skip

    def world(self) -> World:
        return World(
            repository=self.repository, forge=self.forge, variables={}, remark=lambda _: None, freeze=self.freeze,
            asked=self.asked, signer=self.signer,
            engine={self.settings.name: self.engine_state},
        )

    def inputs(self) -> Inputs:
        return Inputs(
            snapshot=self.snapshot, policy=Policy(), catalog=bundled(), declared=self.declared,
            observed=self.observed, region="EU-WEST-PAR",
        )  # fmt: skip

    def propose(self, plan: Plan) -> dict[Kind, Done]:
        """One proposing pass."""
        self.repository.refresh()
        proposed = propose(self.world(), self.trees(), plan, self.inputs(), now=self.clock.now())
        self.answers = [str(one) for one in proposed.answers]
        return {Kind(one.kind): one for one in proposed.done}

    def apply(self) -> Delivery:
        """One applying pass with an engine that does what it is told."""
        self.repository.refresh()
        return deliver_all(
            self.world(), self.trees(), self.carry, clock=self.clock, holder=self.holder,
            in_effect=lambda tree: tree.pools == self.observed,
        )  # fmt: skip

    def carry(self, turn: Turn) -> Applied:
        self.engine.append((turn.link.commit.id, turn.plan))
        return Applied(changed=len(turn.plan.changes))


def nodes(count: int, name: str = "karpenter-b3-8-a") -> Pool:
    """The usual pool with so many nodes."""
    return pool(name, desired=count)
