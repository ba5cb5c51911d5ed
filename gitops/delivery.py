"""One apply of one cluster, put together: approval from the repository, Terraform's folder, provider and cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.agreement import Owner
from gitops.apply.carrying import apply_plan
from gitops.apply.hands import Applied, Hands
from gitops.apply.journal import FileJournal
from gitops.cluster.nodes_live import LiveNodes
from gitops.engines.base import Goal
from gitops.engines.terraform import TerraformEngine, TerraformSettings
from gitops.environment import machine_name
from gitops.errors import Refused, Stalled
from gitops.files import locked
from gitops.fleet import at_cluster
from gitops.gather import connect, connect_cluster, read_catalog
from gitops.loop.delivering import Delivery, deliver_all
from gitops.loop.opening import open_world, trees_of
from gitops.ovh.credentials import credentials_from
from gitops.settings import Engine as EngineKind
from planner.pools import PoolSet
from renderer.layout import POOLS
from renderer.tree import with_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gitops.engines.base import Engine, Progress
    from gitops.fleet import Fleet
    from gitops.gather import Sources, Surroundings
    from gitops.loop.claims import Turn
    from gitops.loop.trees import Tree
    from gitops.settings import Settings


JOURNAL = "journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Below which folder Terraform works, and with which program and CLI configuration."""

    work: Path
    program: str = ""
    cli_config: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Where progress and talk go, and the reason of ``--freeze``, None where that was not given."""

    report: Callable[[Progress], None]
    say: Callable[[str], None]
    freeze: str | None = None


def deliver(fleet: Fleet, sources: Sources, around: Surroundings, place: Place, tell: Tell) -> Delivery:
    """Apply what is approved, and nothing else. Raises Refused, Stalled or Waiting.

    Changes are applied one after the other as they came onto main, so that each does what was reviewed.
    """
    settings = fleet.settings
    _refuse_other_engine(settings)
    around = at_cluster(settings, around)
    work = place.work / f"{settings.name}-{settings.ovh.kube_id[:8]}"
    place = replace(place, work=work)
    with locked(work / "poolplan.lock", f"cluster {settings.name}"):
        world = open_world(fleet, around, freeze=tell.freeze)
        trees = trees_of(fleet, around, read_catalog(sources, around))

        def apply(turn: Turn) -> Applied:
            hands = Hands(
                engine=make_engine(settings, place, around.environment), client=connect(around), clock=around.clock,
                nodes=lambda: _nodes(sources, around), report=tell.report, say=tell.say,
                files=lambda pools: with_pools(turn.link.after.files.inside(POOLS), pools),
                journal=FileJournal(work / JOURNAL),
            )  # fmt: skip
            return apply_plan(turn.plan, owner_of(settings), hands)

        def in_effect(tree: Tree) -> bool:
            goal = Goal(pools=tree.pools or PoolSet(), files=tree.files.inside(POOLS))
            return tree.pools is not None and make_engine(settings, place, around.environment).plan(goal).is_empty

        return deliver_all(
            world, trees, apply, clock=around.clock, holder=machine_name(), in_effect=in_effect
        )  # fmt: skip


def _refuse_other_engine(settings: Settings) -> None:
    """Raises Stalled where cluster.yaml gives the work to something else than Terraform."""
    if settings.engine is not EngineKind.TERRAFORM:
        who = settings.delegate.value if settings.delegate else settings.engine.value
        raise Stalled(
            f"{settings.folder}/cluster.yaml gives the work to {who}; poolplan apply is for spec.engine: terraform "
            "(see docs/limits.md)"
        )


def _nodes(sources: Sources, around: Surroundings) -> LiveNodes:
    """The cluster's nodes. Raises Refused where no cluster is at hand."""
    try:
        return LiveNodes(connect_cluster(sources, around), around.environment)
    except Stalled as error:
        reason = str(error).removesuffix(", or files with --snapshot")
        raise Refused("nodes would leave, and no cluster is at hand to see that they are still empty; nothing was "
                      "changed", reasons=(reason,)) from error  # fmt: skip


def owner_of(settings: Settings) -> Owner:
    """The cluster that every changed pool must belong to."""
    return Owner(service_name=settings.ovh.service_name, kube_id=settings.ovh.kube_id)


def make_engine(settings: Settings, place: Place, environment: Mapping[str, str]) -> Engine:
    """Terraform in a folder of poolplan's own that keeps state and lock."""
    credentials = credentials_from(environment)
    key, secret, consumer = credentials.secrets
    program = place.program or (settings.program.value if settings.program else "")
    return TerraformEngine(TerraformSettings(
        directory=place.work / "terraform", work=place.work / "work", program=program, cli_config=place.cli_config,
        variables={
            "OVH_ENDPOINT": credentials.endpoint, "OVH_APPLICATION_KEY": key, "OVH_APPLICATION_SECRET": secret,
            "OVH_CONSUMER_KEY": consumer,
        },
    ))  # fmt: skip
