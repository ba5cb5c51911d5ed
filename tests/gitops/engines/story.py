"""Two pools that a real Terraform creates in the sandbox, looks at again, and then grows and removes."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gitops.clock import SystemClock
from gitops.engines.base import Goal
from gitops.engines.terraform import TerraformEngine, TerraformSettings
from gitops.files import file_names
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions, Timing
from planner.pools import PoolSet
from renderer.files import FileSet
from renderer.layout import TERRAFORM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitops.engines.base import ApplyResult, Engine, EngineChange, EnginePlan, Progress
    from gitops.sandbox.server import RunningSandbox

MINIMAL = Path(__file__).parents[2] / "data" / "terraform" / "minimal"
DRESSED = "karpenter-b3-8-eu-west-par-a"
AT_ONCE = Timing(join_after=timedelta(0), settle_after=timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder of Terraform files, and how to drive it."""

    folder: Path
    sandbox: RunningSandbox
    program: str
    cli_config: Path

    def engine(self, **variables: str) -> TerraformEngine:
        """A new engine over the folder, with other variables than the sandbox's where given."""
        return TerraformEngine(
            TerraformSettings(
                directory=self.folder, work=self.folder.parent / "work", program=self.program,
                cli_config=self.cli_config, variables={**sandbox_variables(self.sandbox.url), **variables},
            )
        )

    def goal(self) -> Goal:
        """The folder's own files."""
        files = FileSet.of({path: (self.folder / path).read_text("utf-8") for path in file_names(self.folder)
                            if path.suffix == ".tf"})  # fmt: skip
        return Goal(pools=PoolSet(), files=files.under(TERRAFORM))

    def plan(self, **variables: str) -> EnginePlan:
        """A new engine's plan for the folder."""
        return self.engine(**variables).plan(self.goal())

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a pool's file; there must be something to change."""
        path = self.folder / f"pool-{name}.tf"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A plan, what was told while it was applied, and what came of it."""

    plan: EnginePlan
    progress: tuple[Progress, ...]
    result: ApplyResult

    def change(self, name: str) -> EngineChange:
        return change_of(self.plan, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Created, looked at again, then the dressed pool grown and the plain one removed. ``workspace`` is left so."""

    workspace: Workspace
    created: Applied
    again: EnginePlan
    changed: Applied


def change_of(plan: EnginePlan, name: str) -> EngineChange:
    """The one change of a pool."""
    [found] = [change for change in plan.changes if change.pool_name == name]
    return found


def sandbox_variables(url: str) -> Mapping[str, str]:
    """What a user exports to reach a sandbox."""
    keys = dict.fromkeys(("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"), "sandbox")
    return {"OVH_ENDPOINT": url, **keys}


@contextmanager
def telling(program: str, cli_config: Path, place: Path) -> Iterator[Story]:
    """Tell the story in ``place`` with a sandbox that runs until the end of the block."""
    folder = shutil.copytree(MINIMAL, place / "files")
    with start_sandbox(SandboxOptions(timing=AT_ONCE), SystemClock()) as sandbox:
        workspace = Workspace(folder=folder, sandbox=sandbox, program=program, cli_config=cli_config)
        engine = workspace.engine()
        created = _plan_and_apply(workspace, engine)
        again = engine.plan(workspace.goal())
        workspace.edit(DRESSED, "desired_nodes      = 2", "desired_nodes      = 3")
        (folder / "pool-plain.tf").unlink()
        yield Story(workspace=workspace, created=created, again=again, changed=_plan_and_apply(workspace, engine))


def _plan_and_apply(workspace: Workspace, engine: Engine) -> Applied:
    plan = engine.plan(workspace.goal())
    progress: list[Progress] = []
    result = engine.apply(plan, progress.append)
    return Applied(plan=plan, progress=tuple(progress), result=result)
