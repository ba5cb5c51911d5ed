"""What a sandbox is told when it starts: its fixed names and keys, and its options."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APPLICATION_KEY = APPLICATION_SECRET = CONSUMER_KEY = "sandbox"  # noqa: S105 - no secret
"""The only credentials a sandbox knows. They open nothing but a sandbox."""
PROJECT = "0123456789abcdef0123456789abcdef"
CLUSTER = "11111111-2222-3333-4444-555555555555"
DEFAULT_REGION = "EU-WEST-PAR"
PLANS: Mapping[str, int] = {"free": 100, "standard": 500}
"""Nodes per cluster by plan. OVHcloud documentation, "Known limits" and "MKS plans"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What the project may use in a region: cores, memory in MB, instances."""

    cores: int = 2000
    ram_mb: int = 8_000_000
    instances: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a node takes to join (and a pool to install or grow), and how long anything else takes."""

    join_after: timedelta = timedelta(seconds=5)
    settle_after: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Everything a user can choose. ``port`` 0 takes any free one; ``kubeconfig`` names the cluster that nodes join."""

    port: int = 0
    timing: Timing = field(default_factory=Timing)
    state_file: Path | None = None
    region: str = DEFAULT_REGION
    plan: str = "standard"
    quota: Quota = field(default_factory=Quota)
    kubeconfig: Path | None = None
