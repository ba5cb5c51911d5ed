"""The sandbox over HTTP for a Terraform that really runs, which can be killed at the provider's calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitops.sandbox.model import SandboxModel
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions, Timing
from tests.contracts.engines import kill_children

if TYPE_CHECKING:
    from tests.reliability.scene import Site
    from tests.reliability.wire import Clock

AT_ONCE = Timing(join_after=timedelta(0), settle_after=timedelta(0))
CALLS = ("create_pool", "update_pool", "delete_pool")


class Served:
    """One sandbox and one working folder of Terraform for all cells: each begins from the same state file."""

    def __init__(self, folder: Path, clock: Clock, stack: ExitStack, program: str) -> None:
        self.folder, self.program = folder / "state", program
        self.cli_config = install_mirror(folder / "mirror")
        self._sandbox = stack.enter_context(start_sandbox(SandboxOptions(timing=AT_ONCE), clock))
        self.url = self._sandbox.url
        self.state_file = Path()
        self.site: Site | None = None
        for name in CALLS:
            setattr(self._sandbox.model, name, self._noting(getattr(SandboxModel, name)))

    def begin(self, site: Site) -> SandboxModel:
        """The model, for this site from now on; the working folder is as it was at first."""
        model = self._sandbox.model
        model.failures.clear()
        model._clock, self.site = site.clock, site
        if site.kept.state:
            self.state_file.write_bytes(site.kept.state)
            for journal in self.folder.rglob("journal.jsonl"):
                journal.unlink()
        return model

    def _noting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any) -> Any:
            answer = call(self._sandbox.model, *arguments)
            if threading.current_thread() is not threading.main_thread():
                self._after_provider()
            return answer

        return noting

    def _after_provider(self) -> None:
        """A call of the provider has taken effect, and is not answered yet."""
        assert self.site is not None
        trouble = self.site.trouble
        if trouble.dead:
            return
        fault = trouble.meets("provider", "POST", self.site.clock.now())
        if fault is not None:
            trouble.dead = fault.how == "kill-after"
            kill_children()
