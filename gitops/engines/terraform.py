"""Carries a plan out with Terraform or OpenTofu: plans to a file, reads it, and applies that file and no other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from python_terraform import IsFlagged

from gitops.engines.base import ApplyResult, Engine, EnginePlan, EngineResource, Stage
from gitops.engines.command import TerraformCommand
from gitops.engines.events import counts, diagnostics, parse_event, parse_events, plain_diagnostics, progress_of
from gitops.engines.failures import failure
from gitops.engines.initialized import Initialized, asks_for_init
from gitops.engines.plan_document import parse_document, parse_plan, parse_state
from gitops.engines.program import PREFERRED, find_terraform
from gitops.environment import inherited
from gitops.errors import Refused, Stalled
from gitops.files import file_names, write_folder
from gitops.redact import redact, secret_values
from renderer.files import FileSet
from renderer.layout import TERRAFORM
from renderer.terraform import address, import_id
from renderer.tree import with_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gitops.agreement import Owner
    from gitops.engines.base import Goal, Progress
    from gitops.engines.events import Diagnostic
    from gitops.process import Finished
    from planner.pools import PoolSet

NO_CONCERN = "Incomplete lock file information for providers"  # said of every provider that comes from a mirror
CHANGES = 2  # the exit code of `plan -detailed-exitcode` when there is something to do


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformSettings:
    """Where and how Terraform runs.

    ``directory`` gets the ``*.tf`` files; Terraform keeps its dependency lock file and a local backend's state there.
    ``work`` is private to poolplan: the plan file and the installed providers. ``variables`` come on top of this
    process's environment and are the only way credentials reach Terraform. ``program``: see ``find_terraform``.
    ``cli_config`` names a Terraform CLI configuration file; None leaves the user's own. ``lock_timeout`` in seconds.
    """

    directory: Path
    work: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    program: str = ""
    preferred: Sequence[str] = PREFERRED
    cli_config: Path | None = None
    backend_config: Mapping[str, str] = field(default_factory=dict)
    lock_timeout: int = 0


class TerraformEngine(Engine):
    """An ``Engine`` over one folder of Terraform files."""

    def __init__(self, settings: TerraformSettings) -> None:
        """Find the program. Raises Fatal when there is none."""
        self._settings = settings
        settings.work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._plan_file = settings.work.absolute() / "poolplan.tfplan"
        self._environment = _environment(settings)
        self._secrets = secret_values(self._environment)
        self._program = find_terraform(settings.program, launchers=settings.work / "bin", preferred=settings.preferred)
        given = _given(settings, self._program)
        self._initialized = Initialized(settings.directory, settings.work / "initialized", given)
        self._early_warnings: tuple[str, ...] = ()
        self._files = FileSet()

    @property
    def name(self) -> str:
        return "terraform"

    def plan(self, goal: Goal) -> EnginePlan:
        """Let the folder hold the goal's files, plan into a file, read it.

        Raises Waiting, Stalled or Fatal with Terraform's first complaint.
        """
        self._files = goal.files
        self._write(goal.files.inside(TERRAFORM))
        return self._plan_file_of("planning")

    def _plan_file_of(self, doing: str, **options: Any) -> EnginePlan:
        """Plan the folder as it is into the file, and read that."""
        skipped = self._initialized.holds
        if not skipped:
            self._initialize()
        self._plan_file.unlink(missing_ok=True)
        done = self._command().plan(
            json=IsFlagged, out=str(self._plan_file), lock_timeout=self._lock_timeout, **options
        )
        if skipped and done.code not in (0, CHANGES) and asks_for_init(done.out + done.err):
            self._initialize()
            return self._plan_file_of(doing, **options)
        events = self._succeeded(done, doing, codes=(0, CHANGES))
        before = self._sha256()
        shown = self._command().cmd("show", str(self._plan_file), json=IsFlagged, no_color=IsFlagged)
        self._succeeded(shown, "reading the plan")
        if self._sha256() != before:
            raise Refused("the plan file changed while it was read, so nothing can be said of it: plan again")
        warnings = self._early_warnings + self._sentences(diagnostics(events, "warning"))
        return parse_plan(parse_document(shown.out), sha256=before, warnings=warnings)

    def apply(self, plan: EnginePlan, report: Callable[[Progress], None]) -> ApplyResult:
        """Apply the file that ``plan`` was read from. Raises Refused, with nothing done, when it is another one."""
        self._must_be(plan)
        names = {change.address: change.pool_name for change in plan.changes}
        completed: list[Progress] = []

        def on_line(line: str) -> None:
            event = parse_event(line)
            progress = progress_of(event, names) if event else None
            if progress:
                completed.extend([progress] if progress.stage is Stage.COMPLETE else [])
                report(progress)

        command = self._command()
        command.on_line = on_line
        done = command.apply(str(self._plan_file), json=IsFlagged, lock_timeout=self._lock_timeout)
        events = self._succeeded(done, "applying", aside=_done_before(completed))
        added, changed, removed = counts(events)
        warnings = self._sentences(diagnostics(events, "warning"))
        return ApplyResult(added=added, changed=changed, removed=removed, completed=tuple(completed), warnings=warnings)

    def adopt(self, pools: PoolSet, owner: Owner) -> None:
        """Take pools that are there into the state, and nothing else: it changes nothing at the provider.

        Raises Stalled, with nothing done, where Terraform would not take them just as they are.
        """
        imports = {str(pool.name): import_id(pool, owner.service_name, owner.kube_id) for pool in pools}
        wanted = {address(name): imported for name, imported in imports.items()}
        self._forget_gone([one.address for one in self.resources() if one.address in wanted])
        self._write(with_pools(self._files, pools, imports=imports).inside(TERRAFORM))
        planned = self._plan_file_of("taking pools into the state", target=list(wanted))
        found = {one.address: one.import_id for one in planned.changes if one.actions == ("no-op",)}
        if found != wanted or len(planned.changes) != len(wanted) or planned.other_changes:
            names = ", ".join(pool.name for pool in pools)
            raise Stalled(f"Terraform's state lacks {names}, and Terraform would not take what is there as it is; "
                          "import it by hand, or plan again")  # fmt: skip
        self.apply(planned, lambda _progress: None)

    def _forget_gone(self, addresses: Sequence[str]) -> None:
        """Let the state forget those of these resources that are gone: what it holds it does not import anew."""
        if addresses:
            planned = self._plan_file_of("looking at the state", refresh_only=IsFlagged, target=list(addresses))
            self.apply(planned, lambda _progress: None)

    def unlock(self, lock: str, files: FileSet) -> None:
        """End the lock of this id on the state that the files name. Raises Stalled where there is none."""
        self._write(files.inside(TERRAFORM))
        self._initialize()
        done = self._command().cmd("force-unlock", lock, force=IsFlagged, no_color=IsFlagged)
        self._succeeded(done, "unlocking the state")

    def resources(self, files: FileSet | None = None) -> tuple[EngineResource, ...]:
        """What the state holds, as it was last written; nothing is asked of OVH. ``files`` name the state."""
        if files is not None:
            self._write(files.inside(TERRAFORM))
        self._initialize()
        shown = self._command().cmd("show", json=IsFlagged, no_color=IsFlagged)
        self._succeeded(shown, "reading the state")
        return parse_state(parse_document(shown.out))

    def _write(self, files: FileSet) -> None:
        """Exactly these files; the state and Terraform's lock file beside them stay."""
        folder = self._settings.directory
        stale = [path for path in file_names(folder) if path.suffix == ".tf" and files.get(path) is None]
        write_folder(folder, files, removed=stale)

    @property
    def _lock_timeout(self) -> str:
        return f"{self._settings.lock_timeout}s"

    def _initialize(self) -> None:
        """Fetch providers and set up the backend."""
        done = self._command().init(backend_config=dict(self._settings.backend_config))
        self._succeeded(done, "initializing")
        found = plain_diagnostics(done.out, "warning")
        self._early_warnings = self._sentences([warning for warning in found if warning.summary != NO_CONCERN])
        self._initialized.keep()

    def _command(self) -> TerraformCommand:
        return TerraformCommand(self._program, self._settings.directory, self._environment)

    def _sha256(self) -> str:
        return hashlib.sha256(self._plan_file.read_bytes()).hexdigest()

    def _must_be(self, plan: EnginePlan) -> None:
        if not self._plan_file.is_file():
            raise Refused(f"the saved plan {self._plan_file} is gone; nothing was applied, plan again")
        if self._sha256() != plan.plan_sha256:
            raise Refused(f"the saved plan {self._plan_file} is not the one that was read; nothing was applied")

    def _succeeded(
        self, done: Finished, doing: str, *, codes: tuple[int, ...] = (0,), aside: str = ""
    ) -> list[dict[str, Any]]:
        """The events of a command that ended well; raises for one that did not."""
        events = parse_events(done.out)
        if done.code in codes:
            return events
        printed = f"{done.err}\n{done.out}"
        complaints = diagnostics(events, "error") or plain_diagnostics(printed, "error")
        raise failure(complaints, doing=doing, aside=aside, secrets=self._secrets, fallback=printed)

    def _sentences(self, warnings: Sequence[Diagnostic]) -> tuple[str, ...]:
        return tuple(redact(_sentence(warning), self._secrets) for warning in warnings)


def _given(settings: TerraformSettings, program: str) -> tuple[str, ...]:
    """What ``init`` goes by beside the folder's own files."""
    config = settings.cli_config.read_text("utf-8") if settings.cli_config else ""
    return (program, config, *(f"{name}={value}" for name, value in sorted(settings.backend_config.items())))


def _environment(settings: TerraformSettings) -> dict[str, str]:
    """The environment for Terraform, without TF_CLI_ARGS: what stands on the command line is poolplan's to decide."""
    own = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(settings.work.absolute() / "data")}
    config = {"TF_CLI_CONFIG_FILE": str(settings.cli_config.absolute())} if settings.cli_config else {}
    everything = inherited({**settings.variables, **own, **config})
    return {name: value for name, value in everything.items() if not name.startswith("TF_CLI_ARGS")}


def _done_before(completed: Sequence[Progress]) -> str:
    """What an error must add when some of the plan was carried out before it."""
    steps = ", ".join(f"{step.action} {step.pool_name}" for step in completed)
    return f" (done before that: {steps})" if steps else ""


def _sentence(warning: Diagnostic) -> str:
    return " ".join(f"{warning.summary}: {warning.detail}".rstrip(": ").split())
