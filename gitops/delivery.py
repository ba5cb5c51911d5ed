"""One apply of one cluster, put together: approval from the repository, Terraform's folder, provider and cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.agreement import Owner
from gitops.applying import Applied, Hands, apply_plan
from gitops.approval import Withheld, judge
from gitops.cluster.nodes_live import LiveNodes
from gitops.engines.terraform import TerraformEngine, TerraformSettings
from gitops.errors import Refused, Stalled, Waiting
from gitops.files import file_names, locked, write_folder
from gitops.fleet import at_cluster
from gitops.gather import connect, connect_cluster
from gitops.git.facts import gather_facts
from gitops.ovh.credentials import credentials_from
from gitops.settings import Engine
from renderer.layout import POOLS, TERRAFORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gitops.engines.base import Progress
    from gitops.fleet import Fleet
    from gitops.gather import Sources, Surroundings
    from gitops.settings import Settings
    from planner.plan import Plan

_REMEDY = "plan with poolplan propose, review and merge"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Below which folder Terraform works, and with which program and CLI configuration."""

    work: Path
    program: str = ""
    cli_config: Path | None = None


def approved_plan(fleet: Fleet) -> Plan:
    """The plan that main's own tree approves. Raises Refused with the reasons where it approves none."""
    facts = gather_facts(fleet.repository, fleet.settings)
    branch = fleet.settings.git.branch
    if facts.head != fleet.main:
        raise Waiting(f"{branch} of {fleet.repository.name} moved while it was read; try again")
    if facts.plan is None:
        raise Refused(f"nothing is approved: {facts.plan_problem or f'{branch} has no plan'}; {_REMEDY}")
    verdict = judge(facts, facts.plan)
    if isinstance(verdict, Withheld):
        raise Refused(f"the plan on {branch} is not approved as it stands; {_REMEDY}", reasons=verdict.reasons)
    return facts.plan


def deliver(
    fleet: Fleet, sources: Sources, around: Surroundings, place: Place, *, report: Callable[[Progress], None],
    say: Callable[[str], None],
) -> Applied:  # fmt: skip
    """Apply what is approved, and nothing else. Raises Refused, Stalled or Waiting."""
    settings = fleet.settings
    _refuse_other_engine(settings)
    around = at_cluster(settings, around)
    work = place.work / f"{settings.name}-{settings.ovh.kube_id[:8]}"
    with locked(work / "poolplan.lock", f"cluster {settings.name}"):
        plan = approved_plan(fleet)
        hands = Hands(
            engine=make_engine(fleet, replace(place, work=work), around.environment), client=connect(around),
            clock=around.clock, nodes=lambda: _nodes(sources, around), report=report, say=say,
        )  # fmt: skip
        return apply_plan(plan, owner_of(settings), settings.guardrails, hands)


def _refuse_other_engine(settings: Settings) -> None:
    """Raises Stalled where cluster.yaml gives the work to something else than Terraform."""
    if settings.engine is not Engine.TERRAFORM:
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


def make_engine(fleet: Fleet, place: Place, environment: Mapping[str, str]) -> TerraformEngine:
    """Terraform over exactly the files of the main branch, in a folder of poolplan's own that keeps state and lock."""
    folder = place.work / "terraform"
    files = fleet.files.inside(POOLS / TERRAFORM)
    stale = [path for path in file_names(folder) if path.suffix == ".tf" and files.get(path) is None]
    write_folder(folder, files, removed=stale)
    credentials = credentials_from(environment)
    key, secret, consumer = credentials.secrets
    program = place.program or (fleet.settings.program.value if fleet.settings.program else "")
    return TerraformEngine(TerraformSettings(
        directory=folder, work=place.work / "work", program=program, cli_config=place.cli_config,
        variables={
            "OVH_ENDPOINT": credentials.endpoint, "OVH_APPLICATION_KEY": key, "OVH_APPLICATION_SECRET": secret,
            "OVH_CONSUMER_KEY": consumer,
        },
    ))  # fmt: skip
