"""tofu-controller's part: its own plan is compared with ours, and approved by its whole id, on a branch of its own.

The controller approves every plan whose id begins with ``approvePlan``, and calls a plan by branch and ten digits of
the commit. So the id is written whole, and only after the very plan behind it was read and does what was reviewed. It
plans once more before it applies, under the same id: what changes at the provider in these seconds is not compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from gitops.agreement import pool_of
from gitops.clock import looks
from gitops.engines.arrival import PATIENCE
from gitops.engines.delegate_status import Stage, plan_id
from gitops.engines.plan_document import parse_document, parse_plan
from gitops.errors import Refused
from planner.diff import changed_fields
from renderer.bootstrap import Following, terraform_object
from renderer.files import FileSet

if TYPE_CHECKING:
    from gitops.engines.arrival import Watch
    from gitops.engines.base import EngineChange, EnginePlan, EngineResource
    from gitops.engines.live_branch import LiveBranch
    from gitops.engines.sight import Sight
    from gitops.git.base import Commit

OBJECT: Final = PurePosixPath("terraform.yaml")


@dataclass(frozen=True, kw_only=True)
class TofuApproval:
    """``approvals`` is the branch that holds the Terraform object, and nothing else."""

    approvals: LiveBranch
    following: Following
    sight: Sight

    def approve(self, plan: EnginePlan, commit: Commit, *, watch: Watch) -> None:
        """Return once the controller has planned the commit and may apply that plan.

        Where it has applied it already, or finds nothing to do, nothing is approved. Raises Refused where its plan is
        not ours or cannot be read, Waiting where none comes.
        """
        first = self.approvals.head() is None  # then Flux has to make the object yet
        if first:
            self._say("", "Let tofu-controller plan", watch)
        for _ in looks(watch.clock, PATIENCE):
            seen = self.sight.look(commit.id)
            if seen.applied:
                return
            if seen.stage is Stage.PENDING:
                wanted = plan_id(self.following.branch, commit.id)
                self._compare(plan, wanted)
                self._say(wanted, f"Approve {wanted}", watch)
                return
            if seen.stage is Stage.UNSEEN and not first:
                raise Refused(f"the plan of tofu-controller cannot be compared: {seen.text}; nothing was approved")
            if (error := watch.hopeless()) is not None:
                raise error
        raise watch.late(())

    def _say(self, approved: str, what: str, watch: Watch) -> None:
        files = FileSet.of({OBJECT: terraform_object(self.following, approved)})
        self.approvals.promote(files, what=what, at=watch.clock.now())

    def _compare(self, plan: EnginePlan, wanted: str) -> None:
        theirs = parse_plan(parse_document(self.sight.pending_plan(wanted)), sha256=wanted)
        reasons = differences(plan, theirs)
        if reasons:
            raise Refused(f"tofu-controller would not do exactly what was approved; {wanted} was not approved",
                          reasons=reasons)  # fmt: skip


def differences(ours: EnginePlan, theirs: EnginePlan) -> tuple[str, ...]:
    """Everything in which a controller's plan does something else than ours, as sentences; pure.

    Ours is of the provider's pools, so it does not speak of a state: that the controller takes a pool in just as it is,
    or forgets one that is let go of, is no difference.
    """
    found = [] if theirs.complete else ["it puts part of the work off"]
    found += [f"{one.address}: it would {' and '.join(one.actions)} it" for one in theirs.other_changes]
    mine = {one.pool_name: one for one in ours.changes}
    other = {one.pool_name: one for one in theirs.changes}
    if len(other) != len(theirs.changes):
        found.append("it would change two resources of one pool name")
    there = {one.pool_name: one for one in ours.settled}
    for name in sorted(mine.keys() | other.keys()):
        if name not in mine and _changes_hands(other[name], there.get(name)):
            continue
        found += [f"{name}: {text}" for text in _of_pool(mine.get(name), other.get(name))]
    return tuple(found)


def _changes_hands(change: EngineChange, there: EngineResource | None) -> bool:
    """Whether it only begins to keep track of a pool of ours, or ceases to of one that is not ours any more."""
    if change.previous_address:
        return False
    if there is None:
        return change.actions == ("forget",)
    known = "/".join(str(there.values.get(key)) for key in ("service_name", "kube_id", "id"))
    sides = [pool_of(side) for side in (change.before, change.after) if side is not None]
    return (change.actions, change.import_id, sides) == (("no-op",), known, [pool_of(there.values)] * 2)


def _of_pool(mine: EngineChange | None, other: EngineChange | None) -> list[str]:
    if mine is None or other is None:
        return ["it would do nothing"] if other is None else [f"it would {' and '.join(other.actions)} it"]
    if other.actions != mine.actions or other.import_id or other.previous_address or other.replace_paths:
        return [f"it would {' and '.join(other.actions)} it, not {' and '.join(mine.actions)}"]
    found = []
    for side in ("before", "after"):
        one, two = getattr(mine, side), getattr(other, side)
        if one is None or two is None:
            continue
        owners = [key for key in ("service_name", "kube_id") if two.get(key) != one.get(key)]
        found += [f"it is of another {key}" for key in owners]
        found += [f"{side} it, {name} is another" for name in changed_fields(pool_of(one), pool_of(two))]
    if mine.before and other.before and other.before.get("id") != mine.before.get("id"):
        found.append("it is another pool of that name")
    return found
