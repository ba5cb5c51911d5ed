"""Carries a plan out through the OVH API: the pools that are there against those that are wanted, call by call.

It keeps no state: which pools are its own is told to it, and a run that was killed finds what is in effect already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.agreement import RESOURCE
from gitops.engines.base import ApplyResult, Engine, EngineChange, EnginePlan, EngineResource, Progress, Stage
from gitops.engines.ovh_calls import create_pool, delete_pool, id_of, patiently, status_of, update_pool
from gitops.engines.ovh_waiting import Sent, gone, wait_for
from gitops.engines.pool_values import values_of
from gitops.errors import PoolplanError, Refused
from gitops.ovh.pools import encode_creation, encode_update
from planner.canonical import digest_of
from planner.diff import action_for
from planner.plan import Action
from planner.pools import LEAVING_STATES, PoolSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gitops.agreement import Owner
    from gitops.clock import Clock
    from gitops.engines.base import Goal
    from gitops.ovh.client import OvhClient
    from planner.pools import Pool

#: Attribute of the Terraform resource, in whose values changes are told, for fields that cannot change in place.
_FORCING = {"flavor": "flavor_name", "zones": "availability_zones"}
_VERBS = {Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"}
_ORDER = (Action.CREATE, Action.UPDATE, Action.DELETE)
"""What grows comes before what leaves."""


@dataclass(frozen=True, slots=True)
class Call:
    """One pool before and after, as one call of the API; ``forcing`` are fields that no call can change."""

    name: str
    action: Action
    before: Pool | None
    after: Pool | None
    forcing: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, object]:
        """What would be sent, and about which pool."""
        told = {"pool": self.name, "id": id_of(self.before) if self.before else "", "action": self.action.value}
        if self.before is None or self.forcing:
            return {**told, "body": encode_creation(self.after) if self.after else None}
        return {**told, "body": encode_update(self.before, self.after) if self.after else None}


class OvhApiEngine(Engine):
    """An ``Engine`` over the OVH API. ``owns`` says which pools that the goal does not declare are to be deleted."""

    def __init__(self, client: OvhClient, clock: Clock, *, owner: Owner, owns: Callable[[Pool], bool]) -> None:
        self._client = client
        self._clock = clock
        self._owner = owner
        self._owns = owns
        self._calls: tuple[Call, ...] = ()
        self._digest = ""

    @property
    def name(self) -> str:
        return "ovh-api"

    def plan(self, goal: Goal) -> EnginePlan:
        """The calls that lead from the provider's pools to the goal's. One call is made, and it changes nothing."""
        observed = self._client.pools()
        mine = [pool for pool in observed if goal.pools.get(pool.name) is not None or self._owns(pool)]
        self._calls = calls_between(mine, goal.pools)
        self._digest = digest_of([call.document for call in self._calls]).removeprefix("sha256:")
        return EnginePlan(
            changes=tuple(self._change(call) for call in self._calls), other_changes=(), drift=(),
            plan_sha256=self._digest, terraform_version="",
            settled=tuple(self._resource(pool) for pool in mine),
        )  # fmt: skip

    def apply(self, plan: EnginePlan, report: Callable[[Progress], None]) -> ApplyResult:
        """Make the calls of the plan, and wait until each pool is as wanted.

        Just before a call its pool is looked at again. Raises Refused where that gives another call, and the error of
        the first call or pool that failed, once those that were ordered before it have come to their end.
        """
        self._refuse_other(plan)
        sent: list[Sent] = []
        failure: PoolplanError | None = None
        try:
            for call in sorted(self._calls, key=lambda call: (_ORDER.index(call.action), call.name)):
                self._send(call, sent, report)
        except PoolplanError as error:
            failure = error
        completed, failed = wait_for(sent, self._client, self._clock, report)
        if failure := failure or failed:
            if isinstance(failure, Refused):
                failure.changed = bool(sent)
            raise _aside(failure, completed)
        done = [step.action for step in completed]
        return ApplyResult(
            added=done.count("create"), changed=done.count("update"), removed=done.count("delete"), completed=completed
        )

    def _send(self, call: Call, sent: list[Sent], report: Callable[[Progress], None]) -> None:
        """Order the change of one pool."""
        self._refuse_moved(call)
        one = Sent(name=call.name, action=_VERBS[call.action], wanted=call.after, at=self._clock.now())
        report(one.progress(Stage.STARTED))
        try:
            self._order(call)
        except PoolplanError:
            report(one.progress(Stage.FAILED, self._clock.now()))
            raise
        sent.append(one)

    def _order(self, call: Call) -> None:
        if call.after is None:
            assert call.before is not None, "what is not there is not deleted"  # noqa: S101 - for the type checker
            delete_pool(self._client, call.before, self._clock)
        elif call.before is None:
            create_pool(self._client, call.after, self._clock)
        else:
            update_pool(self._client, call.before, call.after, self._clock)

    def _refuse_other(self, plan: EnginePlan) -> None:
        if not self._digest or plan.plan_sha256 != self._digest:
            raise Refused("this is not the plan that was made last; nothing was changed, plan again")
        reasons = tuple(
            f"{call.name}: {', '.join(call.forcing)} cannot change: add a pool under a new name and remove this one"
            for call in self._calls if call.forcing
        )  # fmt: skip
        if reasons:
            raise Refused("the OVH API cannot make a pool into another; nothing was changed", reasons=reasons)

    def _refuse_moved(self, call: Call) -> None:
        """The pool must still need exactly this call. One that leaves is waited for where its name is wanted."""
        there = patiently(self._client.pools, self._clock).get(call.name)
        if there is not None and call.action is Action.CREATE and status_of(there) in LEAVING_STATES:
            gone(self._client, call.name, self._clock)
            there = None
        now = calls_between([there] if there else [], PoolSet.of([call.after] if call.after else []))
        if [(one.before, one.document) for one in now] != [(call.before, call.document)]:
            raise Refused(f"pool {call.name} is not as it was planned with any more; plan again")

    def _change(self, call: Call) -> EngineChange:
        before = values_of(call.before, self._owner) if call.before else None
        after = values_of(call.after, self._owner) if call.after else None
        if before and after and not call.forcing:
            after["id"] = before["id"]
        made = after is not None and (before is None or bool(call.forcing))
        return EngineChange(
            address=_address(call.name), resource_type=RESOURCE, pool_name=call.name, actions=_actions(call),
            before=before, after=after, after_unknown={"id": True, "status": True} if made else {},
            replace_paths=tuple(sorted(_FORCING.get(name, name) for name in call.forcing)),
        )  # fmt: skip

    def _resource(self, pool: Pool) -> EngineResource:
        return EngineResource(
            address=_address(pool.name), resource_type=RESOURCE, pool_name=str(pool.name),
            values=values_of(pool, self._owner),
        )  # fmt: skip


def calls_between(there: Iterable[Pool], wanted: PoolSet) -> tuple[Call, ...]:
    """The calls that make these pools into those, by name; pure. A wanted pool that is leaving is made anew."""
    observed = PoolSet.of(there)
    calls = []
    for name in sorted(observed.names() | wanted.names()):
        before, after = observed.get(name), wanted.get(name)
        if before is not None and after is not None and status_of(before) in LEAVING_STATES:
            before = None
        action, forcing = action_for(before, after)
        if action is Action.REPLACE:
            action = Action.UPDATE
        if action is not Action.NOOP:
            calls.append(Call(name, action, before, after, forcing))
    return tuple(calls)


def _actions(call: Call) -> tuple[str, ...]:
    return ("delete", "create") if call.forcing else (_VERBS[call.action],)


def _address(name: str) -> str:
    return f"{RESOURCE}.{name}"


def _aside(error: PoolplanError, completed: tuple[Progress, ...]) -> PoolplanError:
    """The error, which also says what was carried out all the same."""
    steps = ", ".join(f"{step.action} {step.pool_name}" for step in completed)
    if steps:
        error.args = (f"{error} (done: {steps})",)
    return error
