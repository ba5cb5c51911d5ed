"""A cluster's settings as values: provider, engine, branches, limits, state. See ``gitops.settings_read``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from gitops.review.rules import ReviewRules
from gitops.settings_draining import Draining
from gitops.settings_emergency import Emergency
from gitops.settings_forge import ForgeSettings
from gitops.settings_proposals import Proposals
from planner.aims import Aims
from planner.drift import USUAL
from planner.guardrails import Guardrails
from renderer.delegated import Delegate
from renderer.layout import Live, cluster_folder
from renderer.terraform_settings import DEFAULT_ENDPOINT, Backend, TerraformSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePosixPath

    from gitops.settings_signing import Signing
    from planner.drift import DriftKind, Treatment


class Engine(Enum):
    """What applies an approved change."""

    TERRAFORM = "terraform"
    OVH_API = "ovh-api"
    DELEGATED = "delegated"


class Program(Enum):
    """Which program runs Terraform files."""

    TERRAFORM = "terraform"
    TOFU = "tofu"


@dataclass(frozen=True, slots=True, kw_only=True)
class OvhSettings:
    """The MKS cluster: project and cluster ids, region (empty: found by itself), plan, the API's name or address."""

    service_name: str
    kube_id: str
    region: str = ""
    plan: str = "standard"
    endpoint: str = DEFAULT_ENDPOINT


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSettings:
    """The branch whose tree counts, what proposal branches begin with, and who poolplan's commits are by.

    ``signing`` None: they are not signed.
    """

    branch: str = "main"
    proposal_prefix: str = "poolplan/"
    author_name: str = "poolplan"
    author_email: str = "poolplan@localhost"
    signing: Signing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A cluster's settings. ``drift``: what becomes of it. ``freeze``: why nothing may be applied; empty: it may.
    ``lock_timeout`` is how long Terraform waits for its state where another has locked it.
    """

    name: str
    ovh: OvhSettings
    engine: Engine = Engine.TERRAFORM
    delegate: Delegate | None = None
    git: GitSettings = field(default_factory=GitSettings)
    forge: ForgeSettings = field(default_factory=ForgeSettings)
    program: Program | None = None
    backend: Backend = field(default_factory=Backend)
    lock_timeout: timedelta = timedelta()
    aims: Aims = field(default_factory=Aims)
    guardrails: Guardrails = field(default_factory=Guardrails)
    proposals: Proposals = field(default_factory=Proposals)
    drift: Mapping[DriftKind, Treatment] = field(default_factory=lambda: USUAL)
    review: ReviewRules = field(default_factory=ReviewRules)
    emergency: Emergency = field(default_factory=Emergency)
    draining: Draining = field(default_factory=Draining)
    freeze: str = ""
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def folder(self) -> PurePosixPath:
        """``clusters/<cluster>``."""
        return cluster_folder(self.name)

    @property
    def live(self) -> Live:
        """Which files the engine applies: Terraform's, or the manifests."""
        by_terraform = self.engine is Engine.TERRAFORM or self.delegate is Delegate.TOFU_CONTROLLER
        return Live.TERRAFORM if by_terraform else Live.MANIFESTS

    @property
    def terraform(self) -> TerraformSettings:
        """What the files beside the pools are made from."""
        return TerraformSettings(
            service_name=self.ovh.service_name, kube_id=self.ovh.kube_id, endpoint=self.ovh.endpoint,
            backend=self.backend,
        )  # fmt: skip
