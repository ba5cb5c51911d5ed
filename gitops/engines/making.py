"""Makes the engine that cluster.yaml names. Exactly one is live; the table here is all that knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.agreement import Owner
from gitops.errors import Fatal
from gitops.settings import Engine as Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gitops.clock import Clock
    from gitops.engines.base import Engine
    from gitops.engines.delegating import Promotion
    from gitops.engines.ovh_api import OvhApiEngine
    from gitops.engines.terraform import TerraformEngine
    from gitops.ovh.client import OvhClient
    from gitops.settings import Settings
    from planner.pools import Pool


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What engines are made of. ``work`` is this cluster's folder on this machine.

    ``owns`` says of a pool that the goal does not declare whether it is to be deleted, for engines without a state.
    ``promotion`` is for delegated ones alone.
    """

    settings: Settings
    work: Path
    environment: Mapping[str, str]
    client: OvhClient
    clock: Clock
    owns: Callable[[Pool], bool]
    program: str = ""
    cli_config: Path | None = None
    promotion: Promotion | None = None


def owner_of(settings: Settings) -> Owner:
    """The cluster that every changed pool must belong to."""
    return Owner(service_name=settings.ovh.service_name, kube_id=settings.ovh.kube_id)


def make_engine(ground: Ground) -> Engine:
    """The cluster's engine. Raises Stalled or Fatal where something it needs is missing."""
    return MAKERS[ground.settings.engine](ground)


def terraform(ground: Ground) -> TerraformEngine:
    """Terraform in a folder of poolplan's own, which keeps a local backend's state and lock."""
    from gitops.engines.terraform import TerraformEngine, TerraformSettings  # noqa: PLC0415 - loads python-terraform
    from gitops.ovh.credentials import credentials_from  # noqa: PLC0415 - as the engine

    credentials = credentials_from(ground.environment)
    key, secret, consumer = credentials.secrets
    named = ground.settings.program
    return TerraformEngine(TerraformSettings(
        directory=ground.work / "terraform", work=ground.work / "work", cli_config=ground.cli_config,
        program=ground.program or (named.value if named else ""),
        lock_timeout=int(ground.settings.lock_timeout.total_seconds()),
        variables={
            "OVH_ENDPOINT": credentials.endpoint, "OVH_APPLICATION_KEY": key, "OVH_APPLICATION_SECRET": secret,
            "OVH_CONSUMER_KEY": consumer,
        },
    ))  # fmt: skip


def _ovh_api(ground: Ground) -> OvhApiEngine:
    from gitops.engines.ovh_api import OvhApiEngine  # noqa: PLC0415 - one engine is loaded

    return OvhApiEngine(ground.client, ground.clock, owner=owner_of(ground.settings), owns=ground.owns)


def _delegated(ground: Ground) -> Engine:
    from gitops.engines.delegating import delegated_engine  # noqa: PLC0415 - as above

    if ground.promotion is None:
        raise Fatal(f"{ground.settings.name} is applied by a delegate, and no repository is at hand to tell it")
    return delegated_engine(ground.settings, ground.promotion, _ovh_api(ground), ground.client, ground.clock)


MAKERS: dict[Kind, Callable[[Ground], Engine]] = {
    Kind.TERRAFORM: terraform, Kind.OVH_API: _ovh_api, Kind.DELEGATED: _delegated,
}  # fmt: skip
