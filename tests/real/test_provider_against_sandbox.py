"""OVHcloud's own Terraform provider against the sandbox, and the sandbox's stand-in for it, which must do the same.

One story is told by each provider through terraform and tofu, in a region of three zones and in one of one zone, all
at the same time because the real provider first looks at a pool five seconds after a change. A test reads one step.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitops.clock import SystemClock
from gitops.process import Finished, run
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions, Timing
from tests.real.parts import find_mirror, find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.sandbox.server import RunningSandbox
    from tests.real.conftest import FindPart

REAL, STAND_IN = "real", "stand-in"
THREE_ZONES, ONE_ZONE = "EU-WEST-PAR", "GRA11"
CASES = [
    (REAL, "terraform", THREE_ZONES), (REAL, "terraform", ONE_ZONE), (REAL, "tofu", THREE_ZONES),
    (STAND_IN, "terraform", THREE_ZONES), (STAND_IN, "tofu", ONE_ZONE),
]
ZONED = [case for case in CASES if case[2] == THREE_ZONES]
TYPE = "ovh_cloud_project_kube_nodepool"
CONFIGURATION = Path(__file__).with_name("pools.tf")
SETTLED = {"plain", "dressed", "empty"}  # pools written as poolplan writes them
UNSETTLED = {"valueless_taint", "blank_template"}  # pools written as it must never write them


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a plan said of each pool, how its apply ended where there was one, and the sandbox's pools afterwards."""

    changes: dict[str, dict[str, Any]]
    applied: Finished | None
    pools: dict[str, dict[str, Any]]

    def actions(self) -> dict[str, list[str]]:
        return {name: change["actions"] for name, change in self.changes.items()}


Story = dict[str, Step]
Case = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder where one program plans and applies the configuration against one sandbox."""

    program: Path
    folder: Path
    sandbox: RunningSandbox
    zones: list[str] | None

    def run(self, *arguments: str) -> Finished:
        environment = {"HOME": str(self.folder), "TF_CLI_CONFIG_FILE": str(self.folder / "cli.rc")}
        return run([str(self.program), *arguments], cwd=self.folder, env=environment, timeout=120)

    def must(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.code == 0, f"{self.program.name} {' '.join(arguments)}\n{done.out}\n{done.err}"
        return done.out

    def step(self, *options: str, apply: bool = True, **values: object) -> Step:
        """Plan with some variables and, unless told otherwise, apply that plan."""
        given = {"endpoint": self.sandbox.url, "zones": self.zones, **values}
        (self.folder / "given.auto.tfvars.json").write_text(json.dumps(given), "utf-8")
        self.must("plan", "-input=false", "-no-color", "-out=plan", *options)
        plan = json.loads(self.must("show", "-json", "plan"))
        applied = self.run("apply", "-input=false", "-no-color", "plan") if apply else None
        return Step(
            changes={change["name"]: change["change"] for change in plan["resource_changes"]}, applied=applied,
            pools={str(pool["name"]): dict(pool) for pool in self.sandbox.model.list_pools()},
        )


def tell(program: Path, settings: str, region: str, folder: Path) -> Story:
    """Create, look again, grow, and so on: the steps by name. ``settings`` is the CLI configuration's text."""
    shutil.copy(CONFIGURATION, folder)
    (folder / "cli.rc").write_text(settings, "utf-8")
    moment = timedelta(milliseconds=100)
    options = SandboxOptions(region=region, timing=Timing(join_after=moment, settle_after=moment))
    with start_sandbox(options, SystemClock()) as sandbox:
        zones = ["eu-west-par-a"] if region == THREE_ZONES else None
        workspace = Workspace(program=program, folder=folder, sandbox=sandbox, zones=zones)
        workspace.must("init", "-input=false", "-no-color")
        return {
            "create": workspace.step(size=1),
            "again": workspace.step(size=1, apply=False),
            "grow": workspace.step(size=3),
            "without zone": workspace.step(size=3, zones=None, apply=False),
            "cap below size": workspace.step(f"-target={TYPE}.plain", size=3, most=2),
            "destroy": workspace.step("-destroy"),
        }


def settings_of(provider: str, name: str, folder: Path) -> str | None:
    """The CLI configuration that points at the provider, where it is to be had for that program."""
    if provider == STAND_IN:
        return install_mirror(folder / "stand-in").read_text("utf-8")
    mirror = find_mirror(name)
    return f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n' if mirror else None


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Future[Story]]]:
    """All stories that this machine can tell, being told."""
    with ThreadPoolExecutor(len(CASES)) as threads:
        told = {}
        for provider, name, region in CASES:
            folder = tmp_path_factory.mktemp("-".join((provider, name, region)))
            program, settings = find_program(name), settings_of(provider, name, folder)
            if program and settings:
                told[provider, name, region] = threads.submit(tell, program, settings, region, folder)
        yield told


@pytest.fixture(params=CASES, ids="-".join)
def story(
    request: pytest.FixtureRequest, stories: dict[Case, Future[Story]], find_part: FindPart, find_provider: FindPart,
) -> Story:
    """One of them, at its end."""
    provider, name, region = request.param
    find_part(name)
    if provider == REAL:
        find_provider(name)
    return stories[provider, name, region].result()


def test_the_provider_waits_until_the_pools_it_creates_are_ready(story: Story) -> None:
    step = story["create"]

    assert step.actions() == {name: ["create"] for name in SETTLED | UNSETTLED}
    assert step.applied is not None
    assert step.applied.code == 0, step.applied.err
    ready = {name: (pool["status"], pool["availableNodes"]) for name, pool in sorted(step.pools.items())}
    assert ready == {
        "blank-template": ("READY", 1), "dressed": ("READY", 2), "empty": ("READY", 0), "plain": ("READY", 1),
        "valueless-taint": ("READY", 1),
    }


def test_a_pool_reaches_the_api_as_it_is_written(story: Story) -> None:
    pool = story["create"].pools["dressed"]

    assert [pool[key] for key in ("flavor", "monthlyBilled", "antiAffinity", "maxNodes")] == ["b2-7", True, True, 5]
    assert pool["template"] == {
        "metadata": {"annotations": {"poolplan.dev/policy": "general"}, "finalizers": [], "labels": {"tier": "front"}},
        "spec": {"taints": [{"effect": "NoSchedule", "key": "tier", "value": ""}], "unschedulable": False},
    }


def test_a_second_plan_finds_nothing_to_do_for_pools_that_are_written_well(story: Story) -> None:
    actions = story["again"].actions()

    assert {name for name, action in actions.items() if action == ["no-op"]} == SETTLED
    assert {name for name, action in actions.items() if action == ["update"]} == UNSETTLED


def test_a_new_size_is_an_update_in_place(story: Story) -> None:
    step = story["grow"]

    change = step.changes["plain"]
    differing = {key for key, before in change["before"].items() if change["after"].get(key) != before}
    assert (change["actions"], differing - set(change["after_unknown"])) == (["update"], {"desired_nodes"})
    assert step.applied is not None
    assert step.applied.code == 0, step.applied.err
    assert [step.pools["plain"][key] for key in ("status", "desiredNodes", "availableNodes")] == ["READY", 3, 3]


@pytest.mark.parametrize("story", ZONED, indirect=True, ids="-".join)
def test_a_zone_that_is_left_out_forces_a_new_pool(story: Story) -> None:
    change = story["without zone"].changes["plain"]

    assert (change["actions"], change["replace_paths"]) == (["delete", "create"], [["availability_zones"]])


def test_a_bound_below_the_size_is_refused_by_the_api(story: Story) -> None:
    step = story["cap below size"]

    assert step.applied is not None
    assert step.applied.code == 1
    assert "maxNodes" in step.applied.err
    assert (step.pools["plain"]["maxNodes"], step.pools["plain"]["desiredNodes"]) == (10, 3)


def test_destroy_leaves_no_pool(story: Story) -> None:
    step = story["destroy"]

    assert step.applied is not None
    assert (step.applied.code, step.pools) == (0, {})


@pytest.mark.parametrize("step", ["create", "again", "grow", "without zone", "destroy"])
def test_the_stand_in_plans_what_the_real_provider_plans(
    step: str, stories: dict[Case, Future[Story]], find_part: FindPart, find_provider: FindPart,
) -> None:
    find_provider(find_part("terraform").name)

    real, stand_in = (stories[provider, "terraform", THREE_ZONES].result()[step] for provider in (REAL, STAND_IN))

    assert {name: comparable(stand_in.changes[name]) for name in SETTLED} == {
        name: comparable(real.changes[name]) for name in SETTLED
    }
    assert stand_in.actions() == real.actions()


def comparable(value: Any) -> Any:
    """The JSON without what differs from run to run, what only later providers know, and what is empty.

    The real provider, when it plans a new pool, says null for an empty map or list and leaves empty values out of maps.
    """
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if not isinstance(value, dict):
        return value
    unlike = {"id", "created_at", "updated_at", "attach_floating_ips"}
    empty: tuple[Any, ...] = (None, "", [], {})
    return {key: comparable(each) for key, each in value.items() if key not in unlike and each not in empty}
