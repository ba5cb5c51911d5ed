"""Lets Argo CD, Flux or tofu-controller carry a plan out: moves the branch that it follows, and watches it arrive.

What leaves by name is done through the OVH API before the branch says so, for no delegate can choose who goes. So the
branch never lowers a size that the pool still has, and does not speak of a pool while nodes are taken out of it, lest
the delegate puts back what was taken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gitops.clock import looks
from gitops.engines.arrival import PATIENCE, Watch, wait_for_arrival
from gitops.engines.base import ApplyResult, Engine
from gitops.engines.base import Stage as Step
from gitops.engines.delegate_status import Stage
from gitops.engines.ovh_calls import delete_pool
from gitops.engines.ovh_waiting import Sent, wait_for
from gitops.errors import PoolplanError, Refused, Stalled, Waiting
from planner.pending import rfc3339
from renderer.delegated import Delegate
from renderer.files import FileSet
from renderer.layout import KUSTOMIZATION, MANIFESTS, TERRAFORM, Live, manifest_file
from renderer.manifests import kustomization
from renderer.tree import parse_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import PurePosixPath

    from gitops.clock import Clock
    from gitops.engines.base import EngineChange, EnginePlan, Goal, Progress
    from gitops.engines.delegate_status import Seen
    from gitops.engines.live_branch import LiveBranch
    from gitops.engines.ovh_api import OvhApiEngine
    from gitops.engines.sight import Sight
    from gitops.engines.tofu import TofuApproval
    from gitops.git.base import Commit
    from gitops.ovh.client import OvhClient

_LET_BE: Final = "nodes are removed once the delegate lets the pools be"
_LET_GO: Final = "pools are deleted once the delegate has let go of them"
_KEPT: Final = "a change is over once Terraform has kept its state"
NAMES: Final = {Delegate.ARGO_CD: "Argo CD", Delegate.FLUX: "Flux", Delegate.TOFU_CONTROLLER: "tofu-controller"}


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """What the engine works with. ``pools`` says what lies between the provider's pools and a goal.

    ``approval`` is tofu-controller's part, None for the others.
    """

    delegate: Delegate
    pools: OvhApiEngine
    client: OvhClient
    clock: Clock
    live: LiveBranch
    sight: Sight
    approval: TofuApproval | None = None


class DelegatedEngine(Engine):
    """An ``Engine`` over somebody else's. A run that was killed finds its commit on the branch, and waits on."""

    def __init__(self, parts: Delegation) -> None:
        self._parts = parts
        self._last: tuple[EnginePlan, Goal] | None = None

    @property
    def name(self) -> str:
        return self._parts.delegate.value

    def plan(self, goal: Goal) -> EnginePlan:
        """What the provider's pools lack of the goal, and whether the live branch has to be moved for it."""
        engine_plan = self._parts.pools.plan(goal)
        engine_plan = replace(engine_plan, promotes=not self._parts.live.holds(goal.files.inside(self._folder)))
        self._last = (engine_plan, goal)
        return engine_plan

    def apply(self, plan: EnginePlan, report: Callable[[Progress], None]) -> ApplyResult:
        """Move the live branch, and return when the provider has what it says.

        Raises Refused where nodes would go that nobody named, Waiting where it does not arrive in time.
        """
        if self._last is None or plan != self._last[0]:
            raise Refused("this is not the plan that was made last; nothing was changed, plan again")
        goal = self._last[1]
        self._refuse_shrinking(plan)
        commit = self._promote(goal.files.inside(self._folder), _subject(plan))
        if self._parts.approval is not None and (plan.promotes or not plan.is_empty):
            self._parts.approval.approve(plan, commit, watch=self._watch(commit, report))
        by_delegate = [one for one in plan.changes if one.after is not None or self._parts.approval is not None]
        sent = [self._sent(change, goal) for change in by_delegate]
        wait_for_arrival(sent, self._watch(commit, report))
        sent += self._delete([one for one in plan.changes if one not in by_delegate], commit, report)
        completed, failure = wait_for(sent, self._parts.client, self._parts.clock, report)
        if failure is not None:
            raise failure
        if self._parts.approval is not None and sent:  # Terraform keeps its state last
            self._await_seen(commit, _KEPT)
        done = [step.action for step in completed]
        return ApplyResult(
            added=done.count("create"), changed=done.count("update"), removed=done.count("delete"),
            completed=completed,
        )  # fmt: skip

    def stand_back(self, names: Sequence[str]) -> None:
        """Let the live branch not speak of these pools, and return once the delegate has seen that.

        tofu-controller applies nothing that is not approved, so it need not. Raises Refused where the delegate cannot
        be seen, Waiting where it takes too long.
        """
        head = self._parts.live.head()
        if self._parts.approval is None and head is not None:
            self._refuse_unseen(self._parts.sight.look(head.id), _LET_BE)
            self._await_seen(self._without(names), _LET_BE)

    def let_be(self, names: Sequence[str]) -> None:
        """The same in haste: nobody waits, or has to be seen. Until the delegate looks again it may put a size back."""
        if self._parts.approval is None and self._parts.live.head() is not None:
            self._without(names)

    def _without(self, names: Sequence[str]) -> Commit:
        leaving = [manifest_file(name).relative_to(MANIFESTS) for name in names]
        rest = {path: text for path, text in self._parts.live.files() if path not in leaving}
        rest.pop(KUSTOMIZATION.relative_to(MANIFESTS), None)
        left = parse_pools(FileSet.of(rest).under(MANIFESTS), Live.MANIFESTS)
        rest[KUSTOMIZATION.relative_to(MANIFESTS)] = kustomization(left)
        return self._promote(FileSet.of(rest), f"Let {', '.join(sorted(names))} be while the API changes them")

    @property
    def _who(self) -> str:
        return NAMES[self._parts.delegate]

    @property
    def _folder(self) -> PurePosixPath:
        return TERRAFORM if self._parts.approval is not None else MANIFESTS

    def _promote(self, files: FileSet, what: str) -> Commit:
        return self._parts.live.promote(files, what=what, at=self._parts.clock.now())

    def _refuse_shrinking(self, plan: EnginePlan) -> None:
        """A size that goes down must only follow what was removed by name already: else OVHcloud would choose."""
        reasons = []
        for change in plan.changes:
            before, after = change.before or {}, change.after
            if after is None or after["desired_nodes"] >= before.get("desired_nodes", 0):
                continue
            there = [node for node in self._parts.client.nodes(str(before["id"])) if not node.leaving]
            if len(there) > after["desired_nodes"]:
                reasons.append(f"{change.pool_name} has {len(there)} nodes, {after['desired_nodes']} are wanted")
        if reasons:
            raise Refused(f"{self._who} cannot choose which nodes leave; nothing was promoted, plan again",
                          reasons=tuple(reasons))  # fmt: skip

    def _delete(
        self, leaving: Sequence[EngineChange], commit: Commit, report: Callable[[Progress], None]
    ) -> list[Sent]:
        """Order the deletion of pools that the live branch no longer lists: its delegate must neither delete nor remake
        them, so it must have seen that first.
        """
        if leaving:
            self._await_seen(commit, _LET_GO)
        sent = []
        for change in leaving:
            sent.append(self._sent(change, None))
            report(sent[-1].progress(Step.STARTED))
            pool = self._parts.client.pools().get(change.pool_name)
            if pool is not None:
                delete_pool(self._parts.client, pool, self._parts.clock)
        return sent

    def _sent(self, change: EngineChange, goal: Goal | None) -> Sent:
        wanted = goal.pools.get(change.pool_name) if goal is not None else None
        return Sent(name=change.pool_name, action=change.actions[0], wanted=wanted, at=self._parts.clock.now())

    def _watch(self, commit: Commit, report: Callable[[Progress], None]) -> Watch:
        return Watch(
            client=self._parts.client, clock=self._parts.clock, report=report, hopeless=lambda: self._stuck(commit),
            late=lambda missing: self._late(commit, missing),
        )  # fmt: skip

    def _await_seen(self, commit: Commit, why: str) -> None:
        for _ in looks(self._parts.clock, PATIENCE):
            seen = self._parts.sight.look(commit.id)
            if seen.applied:
                return
            self._refuse_unseen(seen, why)
            if (error := self._stuck(commit)) is not None:
                raise error
        raise self._late(commit, ())

    def _refuse_unseen(self, seen: Seen, why: str) -> None:
        if seen.stage is Stage.UNSEEN:
            raise Refused(f"{why}, and {self._who} cannot be seen; nothing was removed", reasons=(seen.text,))

    def _stuck(self, commit: Commit) -> PoolplanError | None:
        seen = self._parts.sight.look(commit.id)
        if seen.stage is not Stage.STUCK:
            return None
        return Stalled(f"merged and promoted, but did not arrive: {self._who} does not apply {commit.id[:12]}: "
                       f"{seen.text}")  # fmt: skip

    def _late(self, commit: Commit, missing: Sequence[str]) -> Waiting:
        """What was promoted and is not there. The branch keeps it, so the next apply waits on."""
        seen, since = self._parts.sight.look(commit.id), rfc3339(commit.at)
        said = ": ".join(filter(None, (f"{self._who} has not applied {commit.id[:12]} since {since}", seen.text)))
        if seen.applied:
            said = f"{self._who} has applied {commit.id[:12]} of {since}, and OVHcloud does not have it"
        lacking = f" ({'; '.join(missing)})" if missing else ""
        return Waiting(f"merged and promoted, but did not arrive: {said}{lacking}", retry_after=60)


def _subject(plan: EnginePlan) -> str:
    names = ", ".join(change.pool_name for change in plan.changes)
    return f"Let {names} be as approved" if names else "Say what is in effect"
