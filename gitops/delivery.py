"""One apply of one cluster, put together: approval from the repository, Terraform's folder, provider and cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.agreement import Owner
from gitops.applying import Applied, Hands, apply_plan
from gitops.approval import Withheld, judge
from gitops.cluster.nodes_live import LiveNodes
from gitops.engines.terraform import TerraformEngine, TerraformSettings
from gitops.errors import Refused, Stalled
from gitops.files import read_folder, write_folder
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


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where Terraform works for this cluster, and with which program and CLI configuration."""

    work: Path
    program: str = ""
    cli_config: Path | None = None


def approved_plan(fleet: Fleet) -> Plan:
    """The plan that main's own tree approves. Raises Refused with the reasons where it approves none."""
    facts = gather_facts(fleet.repository, fleet.settings)
    if facts.plan is None:
        raise Refused(f"nothing is approved: {facts.plan_problem or 'the main branch has no plan'}")
    verdict = judge(facts, facts.plan)
    if isinstance(verdict, Withheld):
        raise Refused("the plan on the main branch is not approved as it stands", reasons=verdict.reasons)
    return facts.plan


def deliver(
    fleet: Fleet, sources: Sources, around: Surroundings, place: Place, *, report: Callable[[Progress], None],
    say: Callable[[str], None],
) -> Applied:  # fmt: skip
    """Apply what is approved, and nothing else. Raises Refused, Stalled or Waiting."""
    if fleet.settings.engine is not Engine.TERRAFORM:
        applier = fleet.settings.delegate.value if fleet.settings.delegate else fleet.settings.engine.value
        raise Stalled(f"engine {applier} is not poolplan's to run: apply is for engine terraform (see docs/limits.md)")
    plan = approved_plan(fleet)
    victims = any(change.victims for change in plan.changes)
    hands = Hands(
        engine=make_engine(fleet, place, around.environment), client=connect(around), clock=around.clock,
        nodes=LiveNodes(connect_cluster(sources, around), around.environment) if victims else None,
        report=report, say=say,
    )  # fmt: skip
    settings = fleet.settings
    return apply_plan(plan, owner_of(settings), settings.guardrails, hands)


def owner_of(settings: Settings) -> Owner:
    """The cluster that every changed pool must belong to."""
    return Owner(service_name=settings.ovh.service_name, kube_id=settings.ovh.kube_id)


def make_engine(fleet: Fleet, place: Place, environment: Mapping[str, str]) -> TerraformEngine:
    """Terraform over exactly the files of the main branch, in a folder of poolplan's own that keeps state and lock."""
    folder = place.work / fleet.settings.name / "terraform"
    files = fleet.files.inside(POOLS / TERRAFORM)
    stale = [path for path in read_folder(folder).paths() if path.suffix == ".tf" and files.get(path) is None]
    write_folder(folder, files, removed=stale)
    credentials = credentials_from(environment)
    key, secret, consumer = credentials.secrets
    program = place.program or (fleet.settings.program.value if fleet.settings.program else "")
    return TerraformEngine(TerraformSettings(
        directory=folder, work=place.work / fleet.settings.name / "work", program=program, cli_config=place.cli_config,
        variables={
            "OVH_ENDPOINT": credentials.endpoint, "OVH_APPLICATION_KEY": key, "OVH_APPLICATION_SECRET": secret,
            "OVH_CONSUMER_KEY": consumer,
        },
    ))  # fmt: skip
