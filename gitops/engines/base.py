"""The seam between poolplan and whatever carries a plan out: what an engine says it would do, and what it then does.

An engine plans first and applies that plan only. Whether its plan does what was reviewed is judged by others, on the
values here, so nothing is left out of them: a change of anything but a node pool stands in ``other_changes``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitops.agreement import Owner
    from planner.pools import PoolSet
    from renderer.files import FileSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """How a cluster's pools are to be: in the end, or on the way there.

    ``files`` declare them, with paths relative to the cluster's ``pools`` folder; an engine takes pools or files.
    """

    pools: PoolSet
    files: FileSet


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChange:
    """One resource before and after. ``actions`` are the engine's: create, update, delete, and pairs for replacement.

    ``after_unknown`` has True where a value is decided by the provider; ``replace_paths`` are the fields, like
    ``flavor_name``, that force a new pool. ``import_id`` and ``previous_address`` are set where a resource is adopted
    or moved in the state, even when nothing else changes.
    """

    address: str
    resource_type: str
    pool_name: str
    actions: tuple[str, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    after_unknown: Mapping[str, Any] = field(default_factory=dict)
    replace_paths: tuple[str, ...] = ()
    reason: str = ""
    import_id: str = ""
    previous_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """All that an engine would do, in the order of addresses, and how to know that exact plan again.

    ``drift`` is what changed outside since the engine last looked; ``complete`` is False when something was put off.
    ``promotes``: the branch that a delegate follows has to be moved for the goal, even where no pool changes.
    """

    changes: tuple[EngineChange, ...]
    other_changes: tuple[EngineChange, ...]
    drift: tuple[EngineChange, ...]
    plan_sha256: str
    terraform_version: str
    settled: tuple[EngineResource, ...] = ()
    complete: bool = True
    promotes: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no pool has to be changed."""
        return not self.changes and not self.other_changes


class Stage(StrEnum):
    """How far the change of one pool is."""

    STARTED = "started"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A change of one pool starts, goes on, or ends. ``action`` is create, update or delete."""

    pool_name: str
    address: str
    action: str
    stage: Stage
    elapsed_seconds: int = 0

    def __str__(self) -> str:
        """``create web: complete, 120 s``."""
        time = f", {self.elapsed_seconds} s" if self.stage is not Stage.STARTED else ""
        return f"{self.action} {self.pool_name}: {self.stage.value}{time}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult:
    """What was carried out: counts of resources, and each completed step in the order they ended."""

    added: int
    changed: int
    removed: int
    completed: tuple[Progress, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineResource:
    """A resource that the engine keeps track of, with every value it knows."""

    address: str
    resource_type: str
    pool_name: str
    values: Mapping[str, Any]
    tainted: bool = False


class Engine(Protocol):
    """Carries changes out.

    ``name`` is what its users call it. ``plan`` says how to come from what is there to a goal, and must change
    nothing. ``apply`` must carry out the given plan and nothing else, and raises Refused when it cannot be sure of
    that; it calls ``report`` while it works. All raise the errors of ``gitops.errors``. What is not every engine's
    business does nothing unless it says otherwise.
    """

    @property
    def name(self) -> str: ...
    def plan(self, goal: Goal) -> EnginePlan: ...
    def apply(self, plan: EnginePlan, report: Callable[[Progress], None]) -> ApplyResult: ...

    def adopt(self, pools: PoolSet, owner: Owner) -> None:  # noqa: ARG002 - most keep no state
        """Keep track of pools that are there. Changes nothing at the provider; raises Stalled where it cannot."""
        return

    def stand_back(self, names: Sequence[str]) -> None:  # noqa: ARG002 - most act only when told to
        """Return when nobody puts back what is about to be taken out of these pools by another way."""
        return

    def let_be(self, names: Sequence[str]) -> None:  # noqa: ARG002 - most act only when told to
        """The same in haste: nobody waits for it."""
        return
