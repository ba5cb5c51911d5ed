"""The provider and the cluster of a test: a sandbox, its small cluster, and what a user exports to reach them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.clock import SystemClock
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.sandbox.settings import CLUSTER, PROJECT
from gitops.yamlfile import parse_yaml
from tests.commands.tools import DATA, Desk, QuickClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitops.sandbox.cluster.cluster import SandboxCluster
    from gitops.sandbox.server import RunningSandbox


@dataclass(frozen=True)
class World:
    folder: Path
    sandbox: RunningSandbox
    cluster: SandboxCluster
    clock: QuickClock
    cli_config: Path
    environment: Mapping[str, str]

    def desk(self, folder: Path) -> Desk:
        """A desk from which the sandbox and its cluster are at hand."""
        for name in ("desk", "home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        exported = {**self.environment, "KUBECONFIG": str(self.folder / "kubeconfig")}
        return Desk(folder=folder / "desk", home=folder / "home", environment=exported, clock=self.clock)

    def client(self) -> OvhClient:
        credentials = credentials_from(self.environment)
        return OvhClient.connect(credentials, service_name=PROJECT, kube_id=CLUSTER, clock=SystemClock())

    def fail(self, **failure: object) -> None:
        """Order a failure, as ``POST /sandbox/failures`` would."""
        self.sandbox.model.failures.add(json.dumps(failure).encode())

    def heal(self) -> None:
        self.sandbox.model.failures.clear()

    def seed(self, text: str) -> None:
        """Objects that are in the cluster from the beginning."""
        for document in parse_yaml(text, "seed"):
            self.cluster.seed([document.value])  # type: ignore[list-item]

    def settings(self, name: str = "demo", **changed: str) -> str:
        """A cluster.yaml for this sandbox, with some texts replaced."""
        text = (DATA / "base" / "settings.yaml").read_text("utf-8")
        text = text.replace("ENDPOINT", self.sandbox.url).replace("NAME", name)
        for old, new in changed.items():
            assert old in text
            text = text.replace(old, new)
        return text
