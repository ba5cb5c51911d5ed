"""What every remote backend must do for the engine: keep the state, lock it, say who has the lock, and let it be ended."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from gitops.engines.base import Goal, Stage
from gitops.engines.terraform import TerraformEngine, TerraformSettings
from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.sandbox.settings import CLUSTER, PROJECT
from planner.pools import PoolSet
from renderer.terraform_settings import Backend
from renderer.terraform_settings import TerraformSettings as Rendered
from renderer.tree import render_files
from tests.gitops.engines.story import sandbox_variables
from tests.gitops.plans import pool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from planner.pools import Pool

WAY_OUT = re.compile(r"^the Terraform state is locked.*: wait for .*`poolplan apply --unlock (\S+)` ends the lock$")


@dataclass(frozen=True)
class Remote:
    """A backend, what it is told by the environment alone, and a Terraform to use it with.

    ``knows_locks`` is False for ``http``, of which Terraform ends any lock, whatever id it is given.
    """

    backend: Backend
    variables: Mapping[str, str]
    url: str
    program: str
    cli_config: Path
    folder: Path
    secrets: tuple[str, ...] = ()
    knows_locks: bool = True

    def engine(self, machine: str, **variables: str) -> TerraformEngine:
        """As on a machine of its own."""
        place = self.folder / machine
        return TerraformEngine(TerraformSettings(
            directory=place / "files", work=place / "work", program=self.program, cli_config=self.cli_config,
            variables={**sandbox_variables(self.url), **self.variables, **variables},
        ))  # fmt: skip

    def goal(self, *pools: Pool) -> Goal:
        wanted = PoolSet.of(pools)
        settings = Rendered(service_name=PROJECT, kube_id=CLUSTER, endpoint=self.url, backend=self.backend)
        return Goal(pools=wanted, files=render_files(wanted, settings))

    def must_keep_the_state(self) -> None:
        """What one machine applies another one knows, and no secret lies in a file of either."""
        first = self.engine("one")
        done = first.apply(first.plan(self.goal(pool("a", 1))), lambda _progress: None)
        assert [(step.pool_name, step.stage) for step in done.completed] == [("a", Stage.COMPLETE)]
        assert self.engine("two").plan(self.goal(pool("a", 1))).is_empty
        assert [one.pool_name for one in self.engine("two").resources()] == ["a"]
        for path in (path for path in sorted(self.folder.rglob("*")) if path.is_file() and "providers" not in path.parts):
            found = [secret for secret in self.secrets if secret.encode() in path.read_bytes()]
            assert not found, f"{path.relative_to(self.folder)} holds a secret"

    def must_lock(self, lock: str) -> None:
        """While ``lock`` is held nothing is planned; who holds it is told, and how it is ended, which works."""
        with pytest.raises(Waiting) as waiting:
            self.engine("two").plan(self.goal(pool("a", 2)))
        told = WAY_OUT.search(str(waiting.value))
        assert told is not None, waiting.value
        assert told[1] == lock
        if self.knows_locks:
            with pytest.raises(Stalled):
                self.engine("two").unlock("another", self.goal().files)
        self.engine("two").unlock(lock, self.goal().files)
        assert [one.actions for one in self.engine("two").plan(self.goal(pool("a", 2))).changes] == [("update",)]

    def must_refuse_without(self, name: str) -> PoolplanError:
        """Without what the environment tells, nothing works, and the error tells no secret."""
        bare = replace(self, variables={key: value for key, value in self.variables.items() if key != name})
        with pytest.raises(PoolplanError) as refused:
            bare.engine("three").plan(self.goal(pool("a", 1)))
        assert not [secret for secret in self.secrets if secret in str(refused.value)]
        return refused.value
