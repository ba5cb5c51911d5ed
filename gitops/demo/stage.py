"""Where the story plays: a sandbox, a kubeconfig, a fleet repository and Terraform, all below one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.resources import files as package_files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gitops.clock import SystemClock
from gitops.errors import Waiting
from gitops.gather import Sources, Surroundings
from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.git.opening import open_repository
from gitops.process import run
from gitops.sandbox.cluster.api import kubeconfig
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, DEFAULT_REGION, PROJECT, SandboxOptions, Timing
from gitops.yamlfile import parse_yaml
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.git.plain import PlainRepository
    from gitops.sandbox.server import RunningSandbox

NAME = "demo"
MAIN = BranchName("main")
TICK = timedelta(milliseconds=100)
PATIENCE = timedelta(seconds=30)
MERGE = "application/merge-patch+json"
PERSON = Author("Robin Platform", "robin@example.org")


class StageClock:
    """The machine's clock, which the story may set forward: nobody waits a minute for a minute to pass."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def sleep(self, duration: timedelta) -> None:
        self._clock.sleep(duration)

    def advance(self, duration: timedelta) -> None:
        """Let this much time pass at once."""
        self._ahead += duration


@dataclass
class Stage:
    """Everything the story acts on. ``environment`` is what a user would have exported."""

    folder: Path
    clock: StageClock
    sandbox: RunningSandbox
    cluster: SandboxCluster
    repository: PlainRepository
    environment: Mapping[str, str]
    cli_config: Path
    remarks: list[str] = field(default_factory=list)

    @property
    def around(self) -> Surroundings:
        return Surroundings(environment=self.environment, clock=self.clock, remark=self.remarks.append)

    @property
    def sources(self) -> Sources:
        return Sources(kubeconfig=str(self.folder / "kubeconfig"))

    def commit(self, texts: Mapping[str, str], message: str, *, removed: tuple[str, ...] = ()) -> CommitId:
        """A person commits files of the cluster's folder to the main branch."""
        parent = self.repository.head(MAIN)
        draft = Draft(
            root=PurePosixPath("clusters") / NAME, message=message, author=PERSON, at=self.clock.now(),
            files=FileSet.of({PurePosixPath(path): text for path, text in texts.items()}),
            removed=tuple(PurePosixPath(path) for path in removed),
        )  # fmt: skip
        commit = self.repository.commit(draft, parent=parent)
        self.repository.push(commit, MAIN, expect=parent)
        self.repository.refresh()
        return commit

    def create(self, name: str) -> None:
        """A user creates a manifest of the demo in the cluster."""
        for document in parse_yaml(manifest(f"{name}.yaml"), f"{name}.yaml"):
            self.cluster.seed([document.value])  # type: ignore[list-item]

    def scale(self, deployment: str, replicas: int) -> None:
        """A user scales a Deployment."""
        self.cluster.patch(Key("deployments.apps", "default", deployment), {"spec": {"replicas": replicas}}, MERGE)

    def delete(self, deployment: str) -> None:
        """A user deletes a Deployment."""
        self.cluster.delete(Key("deployments.apps", "default", deployment), {})

    def wait_until(self, what: str, reached: Callable[[], bool]) -> None:
        """Return when something has come true. Raises Waiting when it does not."""
        clock = SystemClock()
        end = clock.now() + PATIENCE
        while not reached():
            if clock.now() > end:
                raise Waiting(f"after {PATIENCE.seconds} s still not: {what}")
            clock.sleep(TICK)


def manifest(name: str) -> str:
    """The text of a manifest the demo carries."""
    return package_files("gitops.demo").joinpath("manifests", name).read_text("utf-8")


def set_stage(folder: Path) -> Stage:
    """Start the sandbox and make the repository. The caller stops the sandbox."""
    clock = StageClock()
    cluster = SandboxCluster(clock)
    timing = Timing(join_after=timedelta(seconds=1), settle_after=timedelta(milliseconds=300))
    sandbox = start_sandbox(SandboxOptions(timing=timing), clock, cluster=cluster)
    (folder / "kubeconfig").write_text(kubeconfig(sandbox.url.removesuffix("/1.0")), encoding="utf-8")
    bare = folder / "fleet.git"
    run(["git", "init", "--quiet", "--bare", "--initial-branch", MAIN, str(bare)])
    repository = open_repository(str(bare), cache=folder / "cache")
    repository.refresh()
    return Stage(
        folder=folder, clock=clock, sandbox=sandbox, cluster=cluster, repository=repository,
        cli_config=install_mirror(folder / "terraform"),
        environment={
            "OVH_ENDPOINT": sandbox.url, "OVH_APPLICATION_KEY": "sandbox", "OVH_APPLICATION_SECRET": "sandbox",
            "OVH_CONSUMER_KEY": "sandbox", "OVH_SERVICE_NAME": PROJECT, "OVH_KUBE_ID": CLUSTER,
            "OVH_REGION": DEFAULT_REGION,
        },
    )  # fmt: skip
