"""What a commit says of one cluster: its pools, its plan, its policy; and the change between two such commits.

A plan.json counts for a change only where it tells exactly that change: it was written by it, starts from the pools
before it and leads to the pools after it, under the policy that stands beside it. Anything else is a change by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.errors import InputError
from gitops.git.base import BranchName
from planner.accounts import accounts, by_label, repriced
from planner.aims import policy_digest
from planner.between import Given, plan_between, without_victims
from planner.departing import grace_periods
from planner.errors import ValueRefused
from renderer.document_read import read_plan_text
from renderer.layout import PLAN, POOLS
from renderer.tree import parse_pools

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.git.base import CommitId, Repository
    from gitops.settings import Settings
    from planner.accounts import Account
    from planner.canonical import Digest
    from planner.catalog import Catalog, Region
    from planner.plan import Plan
    from planner.policy import Policy
    from planner.pools import Pool, PoolSet
    from renderer.files import FileSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A cluster's folder at a commit. ``pools`` or ``plan`` None: ``problem`` or ``plan_problem`` says why.

    ``policy`` is the digest of policy and aims; None where the policy cannot be read. ``plan_text`` is plan.json.
    """

    commit: CommitId
    files: FileSet
    pools: PoolSet | None
    problem: str = ""
    plan: Plan | None = None
    plan_text: str = ""
    plan_problem: str = ""
    policy: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The change from one tree to the next. ``plan`` None: ``problem`` says why it cannot be applied as it is.

    ``by_hand``: no plan.json tells it, and ``note`` says why the one that came with it does not. ``whole``: its plan
    starts from what was applied last, or for every pool that main changed since from what the provider was found to
    have. ``back``: it puts pools back that main declares already, so it counts as long as it is main's last word.
    """

    plan: Plan | None = None
    problem: str = ""
    by_hand: bool = False
    note: str = ""
    whole: bool = False
    back: bool = False


@dataclass(kw_only=True)
class Trees:
    """Reads a cluster's trees, each once. ``read_policy`` turns a cluster's files into its policy; it may raise.

    ``text`` is the cluster.yaml that the settings were read from.
    """

    repository: Repository
    settings: Settings
    catalog: Catalog
    read_policy: Callable[[FileSet], Policy]
    text: str = ""
    _known: dict[CommitId, Tree] = field(default_factory=dict)

    def at(self, commit: CommitId) -> Tree:
        """The tree of a commit. Raises Stalled where the repository cannot be read."""
        if commit not in self._known:
            self._known[commit] = self._read(commit)
        return self._known[commit]

    def step(self, before: Tree, after: Tree, *, start: PoolSet | None) -> Step:
        """The change between two trees; ``start`` are the pools that were applied last, None where nothing was."""
        if before.pools is None or after.pools is None:
            return Step(problem=after.problem or before.problem)
        told = self._told(before, after, start)
        if told is not None:
            return told
        note = _note(before, after)
        if after.policy is None:
            return Step(problem="the policy cannot be read", by_hand=True, note=note)
        given = Given(catalog=self.catalog, policy=after.policy, now="")
        plan = plan_between(before.pools, after.pools, given)
        forced = [f"{one.pool} ({', '.join(one.forces_replace)})" for one in plan.changes if one.forces_replace]
        if forced:
            problem = f"OVHcloud cannot change {' and '.join(forced)} in place; a pool beside it has to take its place"
            return Step(by_hand=True, problem=problem, note=note)
        unnamed = without_victims(plan)
        if unnamed:
            problem = f"it takes nodes from {', '.join(unnamed)} and does not name them"
            return Step(by_hand=True, problem=problem, note=note)
        return Step(plan=plan, by_hand=True, note=note)

    def account(self) -> Callable[[Pool], Account]:
        """Whose a pool is and what it costs, by the policy of today; where the region is not known, by its label."""
        head = self.repository.head(BranchName(self.settings.git.branch))
        policy, region = self._rules(self.at(head).files) if head else (None, None)
        return accounts(policy, self.catalog, region) if policy and region else by_label

    def grace_periods(self, tree: Tree) -> dict[str, int]:
        """For each pool that a tree declares, after how many seconds the policy beside it lets its pods be deleted."""
        policy, region = self._rules(tree.files)
        if policy is None or region is None or tree.pools is None:
            return {}
        return grace_periods(tree.pools, policy, self.catalog, region)

    def _rules(self, files: FileSet) -> tuple[Policy | None, Region | None]:
        """The policy among a cluster's files, and the cluster's region; None for what cannot be told."""
        try:
            policy = self.read_policy(files)
        except (InputError, ValueRefused):
            return None, None
        named = {one.region for one in policy.node_classes if one.region}
        return policy, self.catalog.region(self.settings.ovh.region or min(named, default=""))

    def _told(self, before: Tree, after: Tree, start: PoolSet | None) -> Step | None:
        """What the plan.json of the change itself says; None where it does not tell this very change."""
        plan = after.plan
        if plan is None or after.plan_text == before.plan_text or plan.desired != after.pools:
            return None
        whole, back = start is not None and plan.declared == start, False
        if not whole and plan.declared != before.pools:
            if start is None or plan.adopts or not _names(plan, before.pools):
                return None
            # It starts from what the provider was found to have, not from what Git said.
            whole, back = _names(plan, start), before.pools == after.pools
        if plan.evidence.policy != after.policy:
            return Step(problem=f"{PLAN} was made under another policy than the one beside it", whole=whole, back=back)
        # Prices are in no digest, so the file may say anything of them.
        return Step(plan=repriced(plan, self.catalog), whole=whole, back=back)

    def _read(self, commit: CommitId) -> Tree:
        folder = self.settings.folder
        files = self.repository.read(commit, folder)
        pools, problem = self._pools(files)
        text = files.get(PLAN) or ""
        plan, plan_problem = None, "" if text else f"there is no {folder / PLAN}"
        if text:
            try:
                plan = read_plan_text(text, file=str(folder / PLAN))
            except ValueRefused as refused:
                plan_problem = str(refused)
        return Tree(
            commit=commit, files=files, pools=pools, problem=problem, plan=plan, plan_text=text,
            plan_problem=plan_problem, policy=self._policy(files),
        )  # fmt: skip

    def _pools(self, files: FileSet) -> tuple[PoolSet | None, str]:
        try:
            return parse_pools(files.inside(POOLS), self.settings.live), ""
        except ValueRefused as refused:
            return None, f"the pools cannot be read: {self.settings.folder / POOLS}/{refused}"

    def _policy(self, files: FileSet) -> Digest | None:
        try:
            return policy_digest(self.read_policy(files), self.settings.aims)
        except (InputError, ValueRefused):
            return None


def _names(plan: Plan, before: PoolSet | None) -> bool:
    """Whether the plan's changes, which are what is approved, name every pool in which its pools differ from these."""
    named = {change.pool for change in plan.changes}
    return before is not None and all(pool.name in named for pool in {*before} ^ {*plan.desired})


def _note(before: Tree, after: Tree) -> str:
    """Why the plan.json that came with a change does not tell it; empty where none came."""
    if after.plan_text == before.plan_text:
        return ""
    if after.plan is None:
        return after.plan_problem
    where = "leads to other pools than it declares" if after.plan.desired != after.pools else "starts from other pools"
    return f"its {PLAN} {where}"
